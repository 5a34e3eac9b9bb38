// SPDX-License-Identifier: Apache-2.0
//
// Reports that no program has an arena any more: it was unmapped, or the program has ended or
// executed another one. The program has one open description of the arena's memory, which its
// mapping keeps open, so its last close is the mapping's end; inotify tells of it.
//
// Owned by ProgramChannels. Thread: the data-plane thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>

#include "core/base/ids.h"

namespace netbinder {

class MappingWatch {
 public:
  // `lost(process)` is called from the event loop, once for a process. Throws std::system_error.
  MappingWatch(boost::asio::io_context& io, std::function<void(ProcessId)> lost);

  // `program_fd`: a descriptor of the description that the program gets, closed here soon after.
  // 0 or a negative errno: the kernel limits how many can be watched, and the end of such a mapping
  // is known only by the end of its program.
  int begin(ProcessId process, int program_fd);
  void end(ProcessId process);

 private:
  void wait();
  void take();

  boost::asio::posix::stream_descriptor inotify_;
  std::function<void(ProcessId)> lost_;
  boost::unordered_flat_map<int, ProcessId> processes_;  // by number of the watch
  boost::unordered_flat_map<std::uint64_t, int> watches_;
};

}  // namespace netbinder
