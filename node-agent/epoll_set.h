// SPDX-License-Identifier: Apache-2.0
//
// An epoll set of the agent's own, which is one descriptor to the event loop: for descriptors that
// programs have, too, and for such that each event is to lead straight to what it belongs to. What
// is in it is left as it is; no descriptor is read, closed or made non-blocking.
//
// Owned by who waits for its descriptors. Thread: the data-plane thread.
#pragma once

#include <sys/epoll.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <functional>

namespace netbinder {

class EpollSet {
 public:
  // `ready` is called from the event loop with each event; it may add and remove descriptors, but
  // an event of one that it removed may still come in the same turn. Throws std::system_error.
  EpollSet(boost::asio::io_context& io, std::function<void(const epoll_event&)> ready);

  // `events` and `data` as for epoll_ctl(2). 0 or a negative errno.
  int add(int fd, std::uint32_t events, epoll_data_t data);
  // By hand, before `fd` is closed: a program may keep the description open. It need not be in it.
  void remove(int fd);

 private:
  void watch();
  void take();

  boost::asio::posix::stream_descriptor set_;
  std::function<void(const epoll_event&)> ready_;
};

}  // namespace netbinder
