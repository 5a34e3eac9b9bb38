// SPDX-License-Identifier: Apache-2.0
//
// Accepts connections to a listening socket that does not block, some at a time. If there are no
// descriptors left it tries again a little later.
//
// Owned by the server whose socket it is. Thread: the data-plane thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "node-agent/unique_fd.h"

namespace netbinder {

class ConnectionAcceptor {
 public:
  static constexpr int kRetryMs = 100;  // after a connection could not be accepted
  using Accepted = std::function<void(ForeignFd socket)>;

  // Takes the listening socket. `accepted` gets sockets that do not block.
  ConnectionAcceptor(boost::asio::io_context& io, int listener, Accepted accepted);
  ConnectionAcceptor(const ConnectionAcceptor&) = delete;
  ConnectionAcceptor& operator=(const ConnectionAcceptor&) = delete;

 private:
  void wait();
  // False: a connection is waiting, but cannot be accepted now.
  bool accept_some();

  boost::asio::posix::stream_descriptor listener_;
  boost::asio::steady_timer resume_;
  Accepted accepted_;
};

}  // namespace netbinder
