// SPDX-License-Identifier: Apache-2.0
//
// The load of each process, in numbers: its calls, its threads, its queue, its arena. Made in
// slices, as there may be very many processes; those that end before their turn are missing.
//
// Begun by the driver, which must outlive it. Thread: the driver's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/view/viewer.h"

namespace netbinder {

class Model;
class Process;

struct ProcessLoad {
  ProcessId id;
  std::int32_t pid = 0;
  std::uint32_t euid = 0;
  std::string context;
  std::size_t threads = 0;
  std::size_t waiting_threads = 0;  // blocked in a read, and free for calls
  std::size_t nodes = 0;
  std::size_t refs = 0;
  std::uint64_t outstanding = 0;  // calls and replies queued to it, and calls that it handles
  std::uint64_t arena_bytes = 0;
  std::uint64_t arena_used_bytes = 0;
  std::uint64_t calls_made = 0;     // since it was opened; of both kinds
  std::uint64_t calls_handled = 0;  // likewise, that it has read
};

class LoadCollection {
 public:
  LoadCollection(const Model& model, const Viewer& viewer);

  // Adds a slice. True: it was the last one.
  bool go_on(std::vector<ProcessLoad>& loads);

 private:
  const Model& model_;
  std::vector<ProcessId> left_;  // the next one is the last
};

}  // namespace netbinder
