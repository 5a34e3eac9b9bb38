// SPDX-License-Identifier: Apache-2.0
//
// Processes of a turn: where they run, who ends them, what they have used.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace netbinder::bench {

// The network namespace, the address and the processor of a process.
struct Place {
  std::string namespace_path;    // of a network namespace; empty: the one that is
  std::string host;              // the IPv4 address there
  std::optional<int> processor;  // the only one that it may run on
};

// A process that is killed with this object, or with the process that started it.
class Child {
 public:
  // `body` runs in the new process, at `place`; when it returns or throws, the process ends.
  static Child start(const Place& place, const std::function<void()>& body);

  ~Child() { end(); }
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  Child& operator=(Child&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Processor time that all its threads have had.
  [[nodiscard]] std::uint64_t cpu_ns() const;

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  void end();

  pid_t pid_ = 0;
};

// Throws std::runtime_error: `what`, and what errno says.
[[noreturn]] void fail(const std::string& what);

}  // namespace netbinder::bench
