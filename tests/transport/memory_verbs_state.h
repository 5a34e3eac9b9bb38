// SPDX-License-Identifier: Apache-2.0
//
// The parts of the device made of memory (memory_verbs.h): the network knows all devices, a device
// its queue pairs, a protection domain its regions.
#pragma once

#include <deque>
#include <map>
#include <random>
#include <vector>

#include "tests/transport/memory_verbs.h"

namespace netbinder::rdma {

class MemoryDevice;
class MemoryDomain;
class MemoryQueuePair;

// A broken promise of whoever uses the device.
void require(bool holds, const char* what);

struct MemoryFabric {
  MemoryVerbsOptions options;
  std::mt19937_64 random;
  std::vector<MemoryDevice*> devices;         // all ever opened; null if closed
  std::vector<MemoryQueuePair*> queue_pairs;  // in order of creation, for the seed's sake
  std::uint32_t next_key = 0x1000;
  std::uint64_t round = 1;  // a request that waits is tried once in each
  bool expired = false;
  std::string fail_open;
  std::function<void()> hook;
  MemoryVerbs::Usage usage;
  MemoryVerbs::Misuse misuse;

  explicit MemoryFabric(const MemoryVerbsOptions& options_);
  [[nodiscard]] bool lazy() const {
    return options.execution == MemoryVerbsOptions::Execution::kLazily;
  }
  MemoryDevice& device(std::size_t index);
  MemoryQueuePair* find(const Gid& gid, QueuePairNumber number);
  bool step();
  void run();
  void polled();   // progress that comes with a poll
  void changed();  // something was posted or connected
  void tell_of_work();
};

class RegisteredMemory : public MemoryRegion {
 public:
  RegisteredMemory(MemoryDomain& domain, std::span<std::byte> memory, Access access,
                   std::uint32_t key);
  ~RegisteredMemory() override;
  // Remote keys are never good as local ones, as on most devices.
  [[nodiscard]] LocalKey local_key() const override { return LocalKey{key_}; }
  [[nodiscard]] RemoteKey remote_key() const override { return RemoteKey{key_ ^ 0x80000000U}; }
  [[nodiscard]] bool covers(std::uintptr_t address, std::uint64_t bytes) const;
  [[nodiscard]] Access access() const { return access_; }

 private:
  MemoryDomain& domain_;
  std::span<std::byte> memory_;
  Access access_;
  std::uint32_t key_;
};

class MemoryDomain : public ProtectionDomain {
 public:
  explicit MemoryDomain(MemoryDevice& device);
  ~MemoryDomain() override;
  [[nodiscard]] std::expected<std::unique_ptr<MemoryRegion>, std::string> register_memory(
      std::span<std::byte> memory, Access access) override;
  [[nodiscard]] std::expected<std::unique_ptr<QueuePair>, std::string> create_queue_pair(
      const QueuePairLimits& limits) override;

  [[nodiscard]] bool allows(LocalKey key, const std::byte* data, std::uint64_t bytes) const;
  [[nodiscard]] bool allows_write(RemoteKey key, std::uint64_t address, std::uint64_t bytes) const;

  MemoryDevice& device;
  std::map<std::uint32_t, RegisteredMemory*> regions;  // by local key
  std::size_t queue_pairs = 0;
};

class MemoryQueuePair : public QueuePair {
 public:
  MemoryQueuePair(MemoryDomain& domain, const QueuePairLimits& limits, QueuePairNumber number);
  ~MemoryQueuePair() override;
  [[nodiscard]] QueuePairNumber number() const override { return number_; }
  [[nodiscard]] QueuePairAddress address() const override;
  [[nodiscard]] std::uint32_t inline_bytes() const override { return limits_.inline_bytes; }
  int post_receive(WorkId id, std::span<std::byte> memory, LocalKey key) override;
  std::expected<void, std::string> connect(const QueuePairAddress& peer) override;
  int post_send(std::span<const SendRequest> requests) override;

  [[nodiscard]] bool can_execute() const;
  [[nodiscard]] bool can_complete() const { return executed_ > 0; }
  void execute();
  void complete();
  void fail();  // all that is posted is flushed
  void die();   // without a word
  [[nodiscard]] bool uses(const RegisteredMemory& region) const;
  // Whether step() can do something for it, at least in a later round.
  [[nodiscard]] bool has_work() const;
  void peer_may_be_there();
  void sends_known(std::uint64_t up_to);
  void receive_known() { --receives_unknown_; }
  [[nodiscard]] MemoryDomain& domain() { return domain_; }

 private:
  enum class State { kInitial, kConnected, kFailed, kDead };
  // The thing that the first send waits for which is not executed yet.
  enum class Wait { kNothing, kNextRound, kConnection };
  struct Send {
    SendRequest request;  // its gather is not to be used
    std::vector<Gather> gather;
    std::vector<std::byte> bytes;  // as they were when posted
    std::uint64_t sequence = 0;
  };
  struct Receive {
    WorkId id;
    std::span<std::byte> memory;
    LocalKey key;
  };

  int post_one(const SendRequest& request);
  [[nodiscard]] bool reaches(const MemoryQueuePair& peer) const;
  [[nodiscard]] bool local_memory_is_good(const Send& send) const;
  [[nodiscard]] std::vector<std::byte> current_bytes(const Send& send) const;
  bool waited_enough(CompletionStatus status);
  void deliver(const Send& send, MemoryQueuePair& peer);
  void deliver_send(const std::vector<std::byte>& bytes, MemoryQueuePair& peer);
  void deliver_write(const Send& send, const std::vector<std::byte>& bytes, MemoryQueuePair& peer);
  void fail_current(CompletionStatus status);  // the first one not executed
  void push_send(const Send& send, CompletionStatus status);
  void push_receive(CompletionStatus status, std::uint32_t bytes);

  MemoryDomain& domain_;
  MemoryFabric& fabric_;
  QueuePairLimits limits_;
  QueuePairNumber number_;
  std::uint32_t first_packet_;
  State state_ = State::kInitial;
  QueuePairAddress peer_;
  std::deque<Send> sends_;    // posted, not complete
  std::size_t executed_ = 0;  // the first ones of them
  std::deque<Receive> receives_;
  std::uint64_t posted_ = 0;  // sends, ever
  std::uint64_t known_ = 0;   // of them known to be complete
  std::uint32_t receives_unknown_ = 0;
  unsigned attempts_ = 0;       // in vain, of the first one not executed
  std::uint64_t tried_in_ = 0;  // round
  Wait wait_ = Wait::kNothing;
};

class MemoryDevice : public Device {
 public:
  MemoryDevice(std::shared_ptr<MemoryFabric> fabric_of, std::size_t index, std::string name);
  ~MemoryDevice() override;
  [[nodiscard]] std::string description() const override;
  [[nodiscard]] std::uint64_t max_message_bytes() const override;
  [[nodiscard]] std::expected<std::unique_ptr<ProtectionDomain>, std::string>
  create_protection_domain() override;
  std::size_t poll_receives(std::span<Completion> into) override;
  std::size_t poll_sends(std::span<Completion> into) override;
  [[nodiscard]] int event_fd() const override { return event_; }
  int arm() override;
  std::optional<std::string> take_events() override;

  struct Entry {
    Completion completion;
    MemoryQueuePair* owner = nullptr;
    std::uint64_t sequence = 0;
  };
  struct SendFailure {
    CompletionStatus status;
    bool executed;
  };
  void push(std::deque<Entry>& queue, const Entry& entry);
  void forget(const MemoryQueuePair* owner);
  void wake();
  // A requested failure, which is given once.
  std::optional<SendFailure> take_send_failure(SendRequest::Kind kind);
  int take_post_error();

  std::shared_ptr<MemoryFabric> fabric;
  const std::size_t index;
  Gid gid{};
  std::deque<Entry> sends, receives;
  std::optional<std::string> failure;
  bool dead = false;
  bool port_is_up = true;
  std::size_t domains = 0;
  std::uint64_t registered_bytes = 0;
  MemoryVerbs::Posted posted;
  std::uint64_t memory_limit = std::numeric_limits<std::uint64_t>::max();
  std::uint32_t next_number = 17;  // on every device: numbers are good on their own only
  std::string fail_registration, fail_queue_pair;
  std::map<SendRequest::Kind, SendFailure> fail_send;
  std::optional<CompletionStatus> fail_receive;
  int fail_post = 0;

 private:
  std::string name_;
  int event_;
  bool armed_ = false;
};

}  // namespace netbinder::rdma
