// SPDX-License-Identifier: Apache-2.0
#include "node-agent/connection_acceptor.h"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <utility>

namespace netbinder {

ConnectionAcceptor::ConnectionAcceptor(boost::asio::io_context& io, int listener, Accepted accepted)
    : listener_(io, listener), resume_(io), accepted_(std::move(accepted)) {
  wait();
}

void ConnectionAcceptor::wait() {
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

bool ConnectionAcceptor::accept_some() {
  constexpr int kAtOnce = 8;
  for (int i = 0; i < kAtOnce; ++i) {
    ForeignFd accepted(
        ::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!accepted) return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
    accepted_(std::move(accepted));
  }
  return true;
}

}  // namespace netbinder
