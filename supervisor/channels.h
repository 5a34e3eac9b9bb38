// SPDX-License-Identifier: Apache-2.0
//
// The channels that supervised programs have opened, by the inode of the socket that is their binder
// descriptor. The supervisor keeps no copy of that socket, or its last close would go unnoticed; only
// between mmap and the next call it does, while the program's descriptor is the arena's memory.
//
// Thread-safe; each Channel is guarded by its own mutex where it says so.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "shim/descriptor.h"
#include "shim/device_path.h"
#include "shim/handshake.h"

namespace netbinder::supervisor {

struct Channel {
  DescriptorReference descriptor;
  int opener = 0;  // the process
  DevicePath device;

  std::mutex mutex;
  // Guarded by it:
  OwnedFd arena;                      // until it is mapped
  OwnedFd socket;                     // while `swapped`
  bool close_on_exec = false;         // of the descriptor, likewise
  bool swapped = false;               // the program's descriptor is the arena's for now
  ino_t arena_inode = 0;
  bool mapped = false;                // the agent knows where
  std::map<int, bool> attached;       // processes that came by the descriptor
};

class Channels {
 public:
  // Opens a device for a process: the socket that becomes its descriptor. A negative errno.
  int open(const DevicePath& path, int flags, int opener, OwnedFd& socket);

  // The channel of the socket, or of the arena that stands in for it, with that inode.
  [[nodiscard]] std::shared_ptr<Channel> find(ino_t inode);
  // The path of its device; null if there is none. Valid until the thread's next call.
  const char* device_of(std::uint64_t inode);
  // Drops those that the agent has ended.
  void sweep();

 private:
  std::mutex mutex_;
  std::map<ino_t, std::shared_ptr<Channel>> by_inode_;
};

}  // namespace netbinder::supervisor
