// SPDX-License-Identifier: Apache-2.0
#include "node-agent/admin_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <span>

#include "core/view/viewer.h"
#include "host/data_plane.h"
#include "node-agent/admin_answer.h"
#include "node-agent/clock.h"
#include "node-agent/foreign_message.h"
#include "node-agent/unique_fd.h"

namespace netbinder {

struct AdminServer::Connection : std::enable_shared_from_this<Connection> {
  Connection(boost::asio::io_context& io, int fd, std::uint32_t uid, std::shared_ptr<Shared> of)
      : socket(io, fd), timer(io), euid(uid), shared(std::move(of)) {
    ++shared->connections[euid];
  }
  ~Connection() {
    if (socket.is_open()) const ForeignFd closed(socket.release());
    if (--shared->connections[euid] == 0) {
      shared->connections.erase(euid);
      shared->accounts.erase(euid);
    }
  }

  void wait() {
    expire_after(kIdleMs);
    socket.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [self = shared_from_this()](const boost::system::error_code& error) {
                        if (!error) self->read();
                      });
  }

  void read() {
    NB_ON_DATA_PLANE();
    std::array<char, 4096> bytes;
    const ssize_t got = ForeignMessage().receive(socket.native_handle(),
                                                 std::as_writable_bytes(std::span(bytes)));
    if (got < 0 && errno == EAGAIN) return wait();
    if (got <= 0) return;
    request.append(bytes.data(), static_cast<std::size_t>(got));
    if (request.find('\n') == std::string::npos) {
      if (request.size() <= kMaxRequestBytes) wait();
      return;
    }
    answer();
  }

  void answer() {
    const std::uint64_t began_ns = monotonic_ns();
    UserAccount& account = shared->accounts.try_emplace(euid, euid).first->second;
    if (!account.may_run(0, began_ns)) {  // the user has used his share of time
      expire_after(kIdleMs);
      return wait_for_turn();
    }
    const std::size_t end = request.find('\n');
    reply = answer_admin(shared->agent, shared->reload, Viewer::of_user(euid, ::geteuid()),
                         std::string_view(request).substr(0, end)) +
            "\n";
    request.erase(0, end + 1);
    const std::uint64_t now_ns = monotonic_ns();
    account.took_long(now_ns - began_ns, now_ns);
    expire_after(kIdleMs);
    boost::asio::async_write(
        socket, boost::asio::buffer(reply),
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
          if (error) return;
          self->reply.clear();
          if (self->request.find('\n') != std::string::npos) {
            self->answer();
          } else {
            self->wait();
          }
        });
  }

  void wait_for_turn() {
    timer.expires_after(std::chrono::milliseconds(20));
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->answer();
    });
  }

  // Hangs up if nothing happens before the deadline.
  void expire_after(int limit_ms) {
    timer.expires_after(std::chrono::milliseconds(limit_ms));
    timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self) self->socket.cancel();
    });
  }

  boost::asio::posix::stream_descriptor socket;
  boost::asio::steady_timer timer;
  std::uint32_t euid;
  std::string request;
  std::string reply;
  std::shared_ptr<Shared> shared;
};

AdminServer::AdminServer(boost::asio::io_context& io, const std::string& path,
                         const SocketAccess& access, Agent& agent, Reload& reload)
    : io_(io),
      file_(path, SOCK_STREAM, access),
      listener_(io, file_.release()),
      resume_(io),
      shared_(std::make_shared<Shared>(agent, reload)) {
  wait();
}

AdminServer::~AdminServer() = default;

void AdminServer::wait() {
  listener_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [this](const boost::system::error_code& error) {
                         if (error) return;
                         if (accept_some()) return wait();
                         // Most likely there are no descriptors left.
                         resume_.expires_after(std::chrono::milliseconds(kRetryMs));
                         resume_.async_wait([this](const boost::system::error_code& stopped) {
                           if (!stopped) wait();
                         });
                       });
}

bool AdminServer::accept_some() {
  constexpr int kAtOnce = 8;
  for (int i = 0; i < kAtOnce; ++i) {
    ForeignFd accepted(
        ::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!accepted) return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(accepted.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) continue;
    const auto known = shared_->connections.find(credentials.uid);
    if (known != shared_->connections.end() && known->second >= kMaxConnectionsOfUser) continue;
    std::make_shared<Connection>(io_, accepted.release(), credentials.uid, shared_)->wait();
  }
  return true;
}

}  // namespace netbinder
