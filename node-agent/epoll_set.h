// SPDX-License-Identifier: Apache-2.0
//
// An epoll set of the agent's own, which is one descriptor to the event loop. It is for descriptors
// that programs have as well, and for those whose events are to lead straight to their objects. No
// descriptor in it is read, closed or made non-blocking.
//
// Owned by the object that waits for its descriptors. Thread: the data-plane thread.
#pragma once

#include <sys/epoll.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <functional>

namespace netbinder {

class EpollSet {
 public:
  // `ready` is called from the event loop with each event. It may add and remove descriptors, but
  // an event of a removed one may still come in the same turn. Throws std::system_error.
  EpollSet(boost::asio::io_context& io, std::function<void(const epoll_event&)> ready);

  // `events` and `data` as for epoll_ctl(2). 0 or a negative errno.
  int add(int fd, std::uint32_t events, epoll_data_t data);
  // Takes the events that are there at once, without waiting for the event loop's turn.
  void take() { (void)take_some(); }
  // As above, until none is left.
  void take_all() {
    while (take_some()) {
    }
  }
  // Must be called before `fd` is closed, as a program may keep the description open. `fd` need not
  // be in the set.
  void remove(int fd);

 private:
  // Whether there may be more.
  bool take_some();
  void watch();

  boost::asio::posix::stream_descriptor set_;
  std::function<void(const epoll_event&)> ready_;
};

}  // namespace netbinder
