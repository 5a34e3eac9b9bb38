// SPDX-License-Identifier: Apache-2.0
#include "tools/ui/page_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>

#include "node-agent/tcp_peer.h"
#include "transport/tcp/address.h"

namespace netbinder::tools {

namespace {

UniqueFd listen_at(const std::string& address, Asker for_whom) {
  const auto parsed = tcp::parse_address(address);
  if (!parsed) throw std::runtime_error("--listen: " + parsed.error());
  const auto endpoint = parsed->endpoint();
  if (!endpoint) {
    throw std::runtime_error("--listen: '" + address + "' has no IP address before the port");
  }
  if (!endpoint->address().is_loopback() && for_whom != Asker::kAnybody) {
    throw std::runtime_error("--listen: '" + address +
                             "' is not a loopback address: everybody who reaches it would see what "
                             "you see; --anybody allows it");
  }
  const auto problem = [&] {
    return std::runtime_error("cannot listen on " + address + ": " + std::strerror(errno));
  };
  UniqueFd fd(
      ::socket(endpoint->protocol().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw problem();
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), endpoint->data(), static_cast<socklen_t>(endpoint->size())) != 0 ||
      ::listen(fd.get(), 64) != 0) {
    throw problem();
  }
  return fd;
}

bool send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (put <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

// Not every header, but those that keep the page to itself.
void protect(http::Answer& answer) {
  answer.headers.emplace_back("X-Content-Type-Options", "nosniff");
  answer.headers.emplace_back("Referrer-Policy", "no-referrer");
  answer.headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
  answer.headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
}

}  // namespace

bool is_own_host(std::string_view host) {
  std::string name(host);
  in6_addr ipv6{};
  if (name.starts_with('[')) {
    const std::size_t end = name.find(']');
    if (end == std::string::npos) return false;
    return ::inet_pton(AF_INET6, name.substr(1, end - 1).c_str(), &ipv6) == 1;
  }
  name.resize(std::min(name.find(':'), name.size()));
  in_addr ipv4{};
  return name == "localhost" || ::inet_pton(AF_INET, name.c_str(), &ipv4) == 1;
}

PageServer::PageServer(const std::string& address, Asker for_whom, Answer answer)
    : listener_(listen_at(address, for_whom)),
      shared_(new Shared{.for_whom = for_whom, .answer = std::move(answer)}) {}

std::string PageServer::url() const {
  boost::asio::ip::tcp::endpoint here;
  auto size = static_cast<socklen_t>(here.capacity());
  if (::getsockname(listener_.get(), here.data(), &size) == 0) here.resize(size);
  return "http://" + tcp::to_string(here) + "/";
}

void PageServer::serve_ms(int most_ms) {
  pollfd watched{.fd = listener_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&watched, 1, most_ms) <= 0) return;
  UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket || shared_->connections >= kMostConnections) return;
  const timeval limit{.tv_sec = kIdleS, .tv_usec = 0};
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  ++shared_->connections;
  try {
    std::thread([shared = shared_, socket = std::move(socket)] {
      serve(*shared, socket.get());
      --shared->connections;
    }).detach();
  } catch (const std::system_error&) {
    --shared_->connections;  // who asks has to come again
  }
}

void PageServer::serve(const Shared& shared, int socket) {
  std::string received;
  std::array<char, 4096> part;
  for (;;) {
    const auto taken = http::take_request(received);
    if (const auto* refused = std::get_if<http::Refused>(&taken)) {
      (void)send_all(
          socket, http::to_bytes({.status = refused->status, .body = refused->reason + "\n"}, "GET",
                                 http::Then::kClose));
      return;
    }
    if (const auto* request = std::get_if<http::Request>(&taken)) {
      http::Answer answer = answer_of(shared, socket, *request);
      protect(answer);
      const auto then = request->keep_alive ? http::Then::kKeepOpen : http::Then::kClose;
      if (!send_all(socket, http::to_bytes(answer, request->method, then))) return;
      if (then == http::Then::kClose) return;
      continue;
    }
    const ssize_t got = ::recv(socket, part.data(), part.size(), 0);
    if (got <= 0) return;
    received.append(part.data(), static_cast<std::size_t>(got));
  }
}

http::Answer PageServer::answer_of(const Shared& shared, int socket, const http::Request& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    return {.status = 405, .body = "only GET and HEAD are answered here\n"};
  }
  if (!is_own_host(request.host)) {
    return {.status = 403, .body = "this is not the host that was asked for; use its address\n"};
  }
  if (shared.for_whom == Asker::kThisUser) {
    const auto uid = user_of_tcp_peer(socket);
    if (!uid) return {.status = 403, .body = "the kernel does not tell who asks; --anybody\n"};
    if (*uid != 0 && *uid != ::geteuid()) {
      return {.status = 403,
              .body = fmt::format("only uid {} and root are answered here\n", ::geteuid())};
    }
  }
  return shared.answer(request.path);
}

}  // namespace netbinder::tools
