// SPDX-License-Identifier: Apache-2.0
//
// The system calls that one thread of another process makes, for as long as this lives. A process of
// its own traces the thread, which goes on when that ends.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <set>

namespace netbinder::testing {

class SystemCallTrace {
 public:
  explicit SystemCallTrace(pid_t thread);
  ~SystemCallTrace();
  SystemCallTrace(const SystemCallTrace&) = delete;
  SystemCallTrace& operator=(const SystemCallTrace&) = delete;

  // The numbers of those seen so far.
  [[nodiscard]] std::set<long> seen() const;

 private:
  static constexpr std::size_t kMost = 1024;
  struct Shared {
    std::atomic<bool> attached;
    std::array<std::atomic<bool>, kMost> seen;
  };
  static void trace(pid_t thread, Shared& shared);

  Shared* shared_;
  pid_t tracer_ = -1;
};

}  // namespace netbinder::testing
