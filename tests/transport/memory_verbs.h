// SPDX-License-Identifier: Apache-2.0
//
// An RDMA device made of memory, for tests: each open() gives another device, for another host, on
// one simulated network. It does what transport/rdma/verbs.h promises, in a seeded order, is strict
// where real devices are lenient, and fails on demand.
//
// A request is executed at the peer first, and completes at its sender later: in between, the
// peer's answer may arrive before the completion does. kAtOnce: both happen inside of post_send
// (or of the call that made it possible). kLazily: only step(), run() and polls of any device make
// progress, polls a few steps each; a test with an event loop has on_work() schedule a step().
//
// Ownership: devices share what they are made of with their MemoryVerbs, which may go first. An
// object destroyed in a wrong order aborts. Thread: one for all devices of a MemoryVerbs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include "transport/rdma/verbs.h"

namespace netbinder::rdma {

struct MemoryFabric;

struct MemoryVerbsOptions {
  enum class Execution { kAtOnce, kLazily };
  Execution execution = Execution::kAtOnce;
  std::uint64_t seed = 1;
  // Attempts in vain before kReceiverNotReady or kRetriesExceeded, beside the first one. There is
  // one at each post, poll and run(). A peer that has not connected yet is waited for until
  // expire().
  unsigned retries = 0;
  std::uint64_t max_message_bytes = std::uint64_t{1} << 31;
  std::uint32_t max_inline_bytes = 256;
  std::uint32_t mtu_bytes = 1024;
};

class MemoryVerbs : public Verbs {
 public:
  // The objects that are alive in all devices.
  struct Usage {
    std::size_t devices = 0;
    std::size_t domains = 0;
    std::size_t queue_pairs = 0;
    std::size_t regions = 0;
    std::uint64_t registered_bytes = 0;
    friend bool operator==(const Usage&, const Usage&) = default;
  };
  // Mistakes that real devices may ignore, or punish by an error: no program should make them.
  struct Misuse {
    std::size_t uncovered_writes = 0;     // to memory of the peer that no region allowed
    std::size_t changed_sends = 0;        // bytes that changed between post and completion
    std::size_t unregistered_in_use = 0;  // regions that went while a request still needed them
    friend bool operator==(const Misuse&, const Misuse&) = default;
  };

  // The sends that were posted to a device so far. Each call of post_send rings its doorbell once.
  struct Posted {
    std::size_t doorbells = 0;
    std::size_t requests = 0;
  };

  explicit MemoryVerbs(const MemoryVerbsOptions& options = {});
  ~MemoryVerbs() override;
  // A name is taken as it is; a port other than 1 or a gid index other than 0 does not exist.
  [[nodiscard]] std::expected<std::unique_ptr<Device>, std::string> open(
      const DeviceChoice& choice) override;

  // Executes one request at its peer, or completes one at its sender. False: there is none, or all
  // of them wait for something; the next step() tries them again.
  bool step();
  // Steps until nothing moves.
  void run();
  // Time passes: whatever waits for a peer gives up.
  void expire();
  // Called, if execution is lazy, whenever there is something for step() after a call.
  void on_work(std::function<void()> hook);

  [[nodiscard]] Usage usage() const;
  [[nodiscard]] Misuse misuse() const;
  [[nodiscard]] Posted posted(std::size_t device) const;  // which: see below
  [[nodiscard]] std::size_t opened() const;  // devices so far

  void fail_next_open(std::string why);
  // From here on `device` counts the open()s, from 0, closed ones included. Of a closed device
  // they abort, but for closed().
  [[nodiscard]] bool closed(std::size_t device) const;
  // Limits the bytes registered at a time, like RLIMIT_MEMLOCK on a real device.
  void limit_memory(std::size_t device, std::uint64_t bytes);
  void fail_next_registration(std::size_t device, std::string why);
  void fail_next_queue_pair(std::size_t device, std::string why);
  // The next request of the kind this device executes fails, and its queue pair with it; the
  // peer's, too, where real ones do. `executed`: the peer has seen its effect nevertheless.
  void fail_next_send(std::size_t device, SendRequest::Kind kind, CompletionStatus status,
                      bool executed = false);
  // The next receive of this device that a send arrives for fails. The sender has kOther.
  void fail_next_receive(std::size_t device, CompletionStatus status);
  // The next post_send or post_receive says this, a negative errno.
  void fail_next_post(std::size_t device, int error);
  // The queue pair fails out of the blue: what is posted is flushed.
  void drop_queue_pair(std::size_t device, QueuePairNumber number);
  [[nodiscard]] std::size_t queue_pairs(std::size_t device) const;
  // Only the event comes, and the device is dead; flushed completions come as well, or never.
  void make_fatal(std::size_t device, const std::string& why, bool flushes = true);
  // Nothing gets through any more. The device's event comes with the first message that fails.
  void port_down(std::size_t device);
  void port_up(std::size_t device);

 private:
  std::shared_ptr<MemoryFabric> fabric_;
};

// Nothing at all is left.
inline constexpr MemoryVerbs::Usage kNothingInUse{};

}  // namespace netbinder::rdma
