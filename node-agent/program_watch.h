// SPDX-License-Identifier: Apache-2.0
//
// Reports the end of processes, by their pidfds. One for each process, however many channels it
// has.
//
// Owned by ProgramChannels. Thread: the data-plane thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "node-agent/epoll_set.h"
#include "node-agent/unique_fd.h"

namespace netbinder {

class ProgramWatch {
 public:
  // `ended(pid)` is called from the event loop, once for a process. Throws std::system_error.
  ProgramWatch(boost::asio::io_context& io, std::function<void(std::int32_t)> ended);

  enum class Begun { kWatched, kGone, kImpossible };
  // `socket` is a connection of the process, or -1: then, if the process has just ended and its pid
  // was given to another one at once, the other one is watched. Counted: there must be as many
  // calls of end() as there were kWatched.
  Begun begin(std::int32_t pid, int socket);
  void end(std::int32_t pid);

 private:
  struct Watched {
    UniqueFd pidfd;
    std::size_t count = 0;
  };
  EpollSet set_;
  boost::unordered_flat_map<std::int32_t, Watched> watched_;
};

}  // namespace netbinder
