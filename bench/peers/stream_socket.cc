// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/stream_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <utility>

#include "bench/peers/child.h"

namespace netbinder::bench {

namespace {

constexpr int kBacklog = 128;

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error(path + " is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

sockaddr_in internet_address(const std::string& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
    throw std::runtime_error(host + " is no IPv4 address");
  }
  return address;
}

int new_socket(int family) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("no socket");
  return fd;
}

void send_at_once(int fd) {
  const int one = 1;
  if (::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0) fail("no TCP_NODELAY");
}

template <typename Address>
const sockaddr* generic(const Address& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

Socket::Socket(int fd, std::string address) : fd_(fd), address_(std::move(address)) {}
Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}
Socket::Socket(Socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), address_(std::move(other.address_)) {}

Socket Socket::listen(const std::string& folder, const std::string& host) {
  if (host.empty()) {
    const std::string path = folder + "/socket";
    Socket socket(new_socket(AF_UNIX), path);
    const sockaddr_un address = unix_address(path);
    if (::bind(socket.fd_, generic(address), sizeof address) != 0) fail("cannot bind " + path);
    if (::listen(socket.fd_, kBacklog) != 0) fail("cannot listen");
    return socket;
  }
  Socket socket(new_socket(AF_INET));
  sockaddr_in address = internet_address(host, 0);
  socklen_t size = sizeof address;
  if (::bind(socket.fd_, generic(address), size) != 0) fail("cannot bind " + host);
  if (::listen(socket.fd_, kBacklog) != 0) fail("cannot listen");
  if (::getsockname(socket.fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) fail("no name");
  socket.address_ = host + ":" + std::to_string(ntohs(address.sin_port));
  return socket;
}

Socket Socket::connect(const std::string& address) {
  if (address.starts_with('/')) {
    Socket socket(new_socket(AF_UNIX));
    const sockaddr_un to = unix_address(address);
    if (::connect(socket.fd_, generic(to), sizeof to) != 0) fail("cannot connect to " + address);
    return socket;
  }
  const auto colon = address.rfind(':');
  Socket socket(new_socket(AF_INET));
  send_at_once(socket.fd_);
  const sockaddr_in to = internet_address(
      address.substr(0, colon), static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  if (::connect(socket.fd_, generic(to), sizeof to) != 0) fail("cannot connect to " + address);
  return socket;
}

Socket Socket::accept() const {
  const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) fail("cannot accept");
  Socket socket(fd);
  if (!address_.starts_with('/')) send_at_once(fd);
  return socket;
}

}  // namespace netbinder::bench
