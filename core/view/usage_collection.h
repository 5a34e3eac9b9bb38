// SPDX-License-Identifier: Apache-2.0
//
// The sums of what the programs of each context use, and of its calls: nothing in them
// tells one program from another. Made in slices, as there may be very many processes; those that
// end before their turn are missing, and so are the contexts that have none and no device.
//
// Begun by the driver, which must outlive it. Thread: the driver's.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "core/model/call_counts.h"

namespace netbinder {

class Model;
class Process;

// The sums over the processes of a context.
struct ContextUsage {
  CallCounts calls;
  std::uint64_t processes = 0;
  std::uint64_t threads = 0;
  std::uint64_t waiting_threads = 0;  // blocked in a read, and free for calls
  std::uint64_t nodes = 0;
  std::uint64_t refs = 0;
  std::uint64_t buffers = 0;
  std::uint64_t outstanding = 0;  // calls and replies queued, and calls being handled
  std::uint64_t arena_bytes = 0;
  std::uint64_t arena_used_bytes = 0;
  std::uint64_t async_bytes = 0;  // of the arenas, for oneway calls
  std::uint64_t async_free_bytes = 0;
};

struct Usage {
  std::map<std::string, ContextUsage> contexts;  // by name
  CallCounts calls_without_context;
  std::uint64_t transactions = 0;  // that there are, of all contexts and other hosts
  std::uint64_t death_notifications = 0;
};

class UsageCollection {
 public:
  explicit UsageCollection(const Model& model);

  // Does a slice. True: it is complete.
  bool go_on();
  [[nodiscard]] Usage take() { return std::move(usage_); }

 private:
  static void add(ContextUsage& usage, const Process& process);

  const Model& model_;
  Usage usage_;
  std::vector<ProcessId> left_;  // the next one is the last
};

}  // namespace netbinder
