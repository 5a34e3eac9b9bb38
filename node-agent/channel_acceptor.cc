// SPDX-License-Identifier: Apache-2.0
#include "node-agent/channel_acceptor.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>

#include "channel/scm_rights.h"
#include "host/data_plane.h"
#include "transport/log.h"

namespace netbinder {

namespace {

bool is_socket(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

int listen_at(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw std::runtime_error("socket path is too long: " + path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const auto fail = [&](const char* what) {
    throw std::runtime_error(path + ": cannot " + what + ": " + std::strerror(errno));
  };
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);

  UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) fail("make a socket");
  const auto* where = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(fd.get(), where, sizeof address) == 0) {
    throw std::runtime_error(path + ": another agent is serving there");
  }
  // It was left behind by an agent that was killed. A file of any other kind is not ours to remove.
  if (errno == ECONNREFUSED && is_socket(path)) ::unlink(path.c_str());
  if (::bind(fd.get(), where, sizeof address) != 0) fail("bind");
  // Everybody who can see the socket may open the device, as with the mode of a device node. The
  // kernel tells the agent who a program is.
  ::chmod(path.c_str(), 0666);
  if (::listen(fd.get(), SOMAXCONN) != 0) fail("listen");
  return fd.release();
}

// Whether the agent can read the program's memory: it tries to read the Hello's probe value.
bool can_read_memory(std::int32_t pid, const MemoryProbe& probe) {
  std::uint64_t value = 0;
  const iovec here{.iov_base = &value, .iov_len = sizeof value};
  const iovec there{.iov_base = reinterpret_cast<void*>(probe.address), .iov_len = sizeof value};
  return ::process_vm_readv(pid, &here, 1, &there, 1, 0) == sizeof value && value == probe.value;
}

// A Hello, with one byte more, by which a longer message shows.
using HelloPacket = std::array<std::byte, sizeof(Hello) + 1>;

// The message, as much of it as there is room for. Nothing if there is none.
std::optional<std::span<const std::byte>> receive_hello(int socket, HelloPacket& into,
                                                        UniqueFd& passed) {
  iovec part{.iov_base = into.data(), .iov_len = into.size()};
  RightsBuffer<1> rights;
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  packet.msg_control = rights.bytes;
  packet.msg_controllen = sizeof rights.bytes;
  const ssize_t got = ::recvmsg(socket, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0) return std::nullopt;
  for_each_right(packet, [&](int fd) { passed.reset(fd); });
  if (got == 0) return std::nullopt;  // the program has hung up
  return std::span(into).first(static_cast<std::size_t>(got));
}

}  // namespace

ChannelAcceptor::ChannelAcceptor(boost::asio::io_context& io, std::string path,
                                 HelloArrived answer_hello)
    : io_(io),
      path_(std::move(path)),
      answer_hello_(std::move(answer_hello)),
      listener_(io, listen_at(path_)),
      resume_(io) {}

ChannelAcceptor::~ChannelAcceptor() {
  *alive_ = false;
  ::unlink(path_.c_str());
}

void ChannelAcceptor::start() {
  listener_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [this, alive = alive_](const boost::system::error_code& error) {
                         if (error || !*alive) return;
                         if (accept_all()) {
                           start();
                         } else {
                           pause();
                         }
                       });
}

// The listener stays readable while a connection cannot be accepted, so it is not watched for a
// while.
void ChannelAcceptor::pause() {
  resume_.expires_after(std::chrono::milliseconds(kRetryMs));
  resume_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
    if (!error && *alive) start();
  });
}

bool ChannelAcceptor::accept_all() {
  NB_ON_DATA_PLANE();
  for (;;) {
    const int fd =
        ::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
      if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) {
        out_of_descriptors_ = false;
        return true;
      }
      if (!std::exchange(out_of_descriptors_, true)) {
        log::error("programs cannot be served: {}", std::strerror(errno));
      }
      return false;
    }
    // The connection that has been silent longest makes room, so that silent ones keep nobody out.
    if (pending_.size() >= kMaxPending) drop(std::shared_ptr<Pending>(pending_.front()));
    auto pending = std::make_shared<Pending>(io_, fd);
    pending_.push_back(pending);
    pending->deadline.expires_after(std::chrono::milliseconds(kHelloTimeoutMs));
    pending->deadline.async_wait(
        [this, alive = alive_, pending](const boost::system::error_code& error) {
          if (error || !*alive) return;
          drop(pending);
        });
    pending->socket.async_wait(
        boost::asio::posix::stream_descriptor::wait_read,
        [this, alive = alive_, pending](const boost::system::error_code& error) {
          if (error || !*alive || !pending->socket.is_open()) return;
          hello_arrived(pending);
        });
  }
}

void ChannelAcceptor::drop(const std::shared_ptr<Pending>& pending) {
  pending_.remove(pending);
  pending->deadline.cancel();
  if (pending->socket.is_open()) pending->socket.close();
}

void ChannelAcceptor::hello_arrived(const std::shared_ptr<Pending>& pending) {
  NB_ON_DATA_PLANE();
  const int fd = pending->socket.native_handle();
  HelloPacket packet;
  UniqueFd passed;
  const auto hello = receive_hello(fd, packet, passed);
  if (!hello) {
    drop(pending);
    return;
  }
  const auto request = parse_hello(*hello);
  if (!request) {
    HelloReply refusal;
    refusal.error = request.error();
    (void)send_hello_reply(fd, refusal, {});
    drop(pending);
    return;
  }
  ucred credentials{};
  socklen_t size = sizeof credentials;
  PeerProgram program;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    drop(pending);
    return;
  }
  program.pid = credentials.pid;
  program.euid = credentials.uid;
  if (program.pid > 0) {  // 0: of a pid namespace that cannot be seen from here
    program.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, program.pid, 0)));
    program.readable_memory =
        program.pidfd && request->probe && can_read_memory(program.pid, *request->probe);
  }
  UniqueFd socket(pending->socket.release());
  drop(pending);
  answer_hello_(*request, std::move(program), std::move(socket), std::move(passed));
}

bool send_hello_reply(int socket, const HelloReply& reply, std::span<const int> descriptors) {
  HelloReply message = reply;
  message.descriptors = static_cast<std::uint32_t>(descriptors.size());
  iovec part{.iov_base = &message, .iov_len = sizeof message};
  RightsBuffer<kHelloDescriptors> rights;
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  attach_rights(packet, rights.bytes, descriptors);
  return ::sendmsg(socket, &packet, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof message;
}

}  // namespace netbinder
