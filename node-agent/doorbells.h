// SPDX-License-Identifier: Apache-2.0
//
// Watches the doorbells of all channels. A ring leads straight to its channel.
//
// A doorbell is an eventfd that nobody reads: each write to it is an edge. Its count grows by one
// with each ring, so it would take centuries to fill.
//
// Owned by the Agent. Thread: the data-plane thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <concepts>
#include <utility>

#include "node-agent/epoll_set.h"

namespace netbinder {

class ClientChannel;

class Doorbells {
 public:
  // `rung(channel)` is called at least once for rings since the last call; it must not end
  // channels. Throws std::system_error.
  template <std::invocable<ClientChannel&> Rung>
  Doorbells(boost::asio::io_context& io, Rung rung)
      : set_(io, [rung = std::move(rung)](const epoll_event& event) {
          rung(*static_cast<ClientChannel*>(event.data.ptr));
        }) {}

  // 0 or a negative errno.
  int add(ClientChannel& channel);
  // Handles the rings that are there, ahead of all other events.
  void take() { set_.take(); }
  // To be called before the channel ends, even if it was not added.
  void remove(const ClientChannel& channel);

 private:
  EpollSet set_;
};

}  // namespace netbinder
