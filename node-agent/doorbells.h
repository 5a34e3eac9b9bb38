// SPDX-License-Identifier: Apache-2.0
//
// The doorbells of all channels: which of them have rung. They are in an epoll set of their own,
// which is one descriptor to the event loop, so that a ring leads straight to its channel.
//
// A doorbell is an eventfd that nobody reads: each write to it is an edge, and its count grows by
// one a ring, which takes centuries to fill it.
//
// Owned by the Agent. Thread: the data-plane thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>

namespace netbinder {

class ClientChannel;

class Doorbells {
 public:
  // `rung` is called once or more for rings since the last call; it may not end channels.
  // Throws std::system_error.
  Doorbells(boost::asio::io_context& io, std::function<void(ClientChannel&)> rung);

  // 0 or a negative errno.
  int add(ClientChannel& channel);
  // Before the channel ends; also if it was not added.
  void remove(const ClientChannel& channel);

 private:
  void watch();
  void take();

  boost::asio::posix::stream_descriptor set_;
  std::function<void(ClientChannel&)> rung_;
};

}  // namespace netbinder
