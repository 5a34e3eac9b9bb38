// SPDX-License-Identifier: Apache-2.0
//
// The least that moving a payload can cost: one copy of it, within a process or between two.
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <stdexcept>

#include "bench/peers/peer.h"

namespace netbinder::bench {

namespace {

[[noreturn]] void wait_for_the_end() {
  for (;;) ::pause();
}

class Copy final : public Connection {
 public:
  explicit Copy(std::size_t bytes) : from_(bytes, 'x'), to_(bytes) {}
  void call() override {
    std::memcpy(to_.data(), from_.data(), from_.size());
    std::atomic_signal_fence(std::memory_order_seq_cst);  // it is not to be left out
  }

 private:
  std::vector<char> from_;
  std::vector<char> to_;
};

class CopyWithin final : public Peer {
 public:
  [[nodiscard]] std::string name() const override { return "memcpy"; }
  [[nodiscard]] std::string what() const override {
    return "no call: the payload is copied once within a process";
  }
  [[nodiscard]] Kind kind() const override { return Kind::kLimit; }
  [[nodiscard]] bool has(Mode mode) const override { return mode == Mode::kLocal; }
  void serve(const Turn&, const std::function<void(const std::string&)>& ready) const override {
    ready("-");
    wait_for_the_end();
  }
  [[nodiscard]] std::unique_ptr<Connection> connect(const Turn& turn,
                                                    const std::string&) const override {
    return std::make_unique<Copy>(turn.point.bytes);
  }
};

class ReadOther final : public Connection {
 public:
  ReadOther(std::size_t bytes, pid_t pid, void* address)
      : to_(bytes), pid_(pid), local_{to_.data(), bytes}, remote_{address, bytes} {}
  void call() override {
    const ssize_t got = ::process_vm_readv(pid_, &local_, 1, &remote_, 1, 0);
    if (got != static_cast<ssize_t>(to_.size())) fail("cannot read another process's memory");
  }

 private:
  std::vector<char> to_;
  pid_t pid_;
  iovec local_;
  iovec remote_;
};

class CopyBetween final : public Peer {
 public:
  [[nodiscard]] std::string name() const override { return "process_vm_readv"; }
  [[nodiscard]] std::string what() const override {
    return "no call: the payload is copied once, by the kernel, from another process's memory";
  }
  [[nodiscard]] Kind kind() const override { return Kind::kLimit; }
  [[nodiscard]] bool has(Mode mode) const override { return mode == Mode::kLocal; }
  void serve(const Turn& turn,
             const std::function<void(const std::string&)>& ready) const override {
    const std::vector<char> payload(turn.point.bytes, 'x');
    ready(std::to_string(::getpid()) + " " +
          std::to_string(reinterpret_cast<std::uintptr_t>(payload.data())));
    wait_for_the_end();
  }
  [[nodiscard]] std::unique_ptr<Connection> connect(const Turn& turn,
                                                    const std::string& address) const override {
    std::size_t behind_pid = 0;
    const auto pid = static_cast<pid_t>(std::stol(address, &behind_pid));
    const std::uintptr_t at = std::stoull(address.substr(behind_pid));
    return std::make_unique<ReadOther>(turn.point.bytes, pid, reinterpret_cast<void*>(at));
  }
};

}  // namespace

std::vector<const Peer*> peers() {
  static const CopyWithin within;
  static const CopyBetween between;
  return {&within, &between};
}

void prepare(char**) {}

}  // namespace netbinder::bench
