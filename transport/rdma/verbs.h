// SPDX-License-Identifier: Apache-2.0
//
// The RDMA verbs that the transport uses, and no others: reliable connected queue pairs, two
// completion queues with one event descriptor, registered memory. They are implemented by
// libibverbs (ibverbs_device.h) or, in tests, by a device made of memory that fails on demand.
//
// Ownership: whoever creates an object owns it. A queue pair and a memory region are destroyed
// before their protection domain, and that before its device. When the destruction of a queue pair
// returns, its peer no longer accesses this host's memory, nor does the device access what was
// posted; its completions that were not polled are gone. Destroying a memory region makes its keys
// invalid.
//
// Thread: one; none of these calls waits for the network.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/base/ids.h"

namespace netbinder::rdma {

// Identifies a queue pair among those of its device.
using QueuePairNumber = StrongId<struct QueuePairNumberTag, std::uint32_t>;
// Proves to a device that memory is registered: local keys in our work requests, remote keys in
// those of the peer.
using LocalKey = StrongId<struct LocalKeyTag, std::uint32_t>;
using RemoteKey = StrongId<struct RemoteKeyTag, std::uint32_t>;
// Names a work request in its completion. Chosen by whoever posts it.
using WorkId = StrongId<struct WorkIdTag, std::uint64_t>;

using Gid = std::array<std::uint8_t, 16>;

// The address that one end of a connection sends the other. connect() checks all of it.
struct QueuePairAddress {
  Gid gid{};              // of the port; all zero on InfiniBand without a global route
  std::uint16_t lid = 0;  // of the port; 0 on Ethernet
  QueuePairNumber number{};
  std::uint32_t first_packet = 0;  // sequence number of its first packet, 24 bits
  std::uint32_t mtu_bytes = 0;     // 256, 512, 1024, 2048 or 4096
  friend bool operator==(const QueuePairAddress&, const QueuePairAddress&) = default;
};

// The devices that may write to registered memory; this host's programs may do so anyway.
enum class Access {
  kLocal,        // the device, by requests of ours
  kRemoteWrite,  // the peers of the protection domain's queue pairs, too
};

class MemoryRegion {
 public:
  virtual ~MemoryRegion() = default;
  [[nodiscard]] virtual LocalKey local_key() const = 0;
  [[nodiscard]] virtual RemoteKey remote_key() const = 0;
};

// A piece of memory in a request.
struct Gather {
  const std::byte* data = nullptr;
  std::uint32_t bytes = 0;
  LocalKey key{};  // not looked at if the request is inline
};

struct SendRequest {
  enum class Kind {
    kSend,   // takes one receive of the peer, which completes there
    kWrite,  // to the peer's memory; nothing completes there
  };
  Kind kind = Kind::kSend;
  WorkId id{};
  std::span<const Gather> gather{};  // at most QueuePairLimits::gather
  std::uint64_t remote_address = 0;  // of a write
  RemoteKey remote_key{};
  bool signalled = false;    // completes here, also if all goes well
  bool inline_data = false;  // the memory is free again when post_send returns
};

enum class CompletionStatus {
  kSuccess,
  kFlushed,           // the queue pair had failed before; soft-RoCE: or it fails with this one
  kRetriesExceeded,   // the peer, or the path to it, is gone
  kReceiverNotReady,  // the peer had no receive posted, for too long
  kRemoteAccess,      // the peer's memory may not be written like that
  kLocal,             // a request of ours that was wrong, or memory of ours that was
  kOther,
};
[[nodiscard]] const char* to_string(CompletionStatus status);

struct Completion {
  QueuePairNumber queue_pair{};
  WorkId id{};
  CompletionStatus status = CompletionStatus::kSuccess;
  std::uint32_t bytes = 0;  // of a successful receive
};

struct QueuePairLimits {
  std::uint32_t sends = 0;  // posted and not known to be complete
  std::uint32_t receives = 0;
  std::uint32_t gather = 0;        // pieces of memory in one request
  std::uint32_t inline_bytes = 0;  // as many as the device allows, up to this
};

class QueuePair {
 public:
  virtual ~QueuePair() = default;
  [[nodiscard]] virtual QueuePairNumber number() const = 0;
  [[nodiscard]] virtual QueuePairAddress address() const = 0;
  [[nodiscard]] virtual std::uint32_t inline_bytes() const = 0;  // what was got

  // Before or after connect(). `memory` must stay as it is until the completion. 0 or a negative
  // errno. If the queue pair has failed already, soft-RoCE never completes it.
  virtual int post_receive(WorkId id, std::span<std::byte> memory, LocalKey key) = 0;
  // To be called once. From then on the peer's requests are served, and ours can be posted.
  virtual std::expected<void, std::string> connect(const QueuePairAddress& peer) = 0;
  // Posts all of them in one chain: they are executed, and the peer sees their effects, in order. 0
  // or a negative errno; after an error the queue pair cannot be used any more. An error completion
  // comes for the first request that fails, and kFlushed for those after it.
  virtual int post_send(std::span<const SendRequest> requests) = 0;
};

class ProtectionDomain {
 public:
  virtual ~ProtectionDomain() = default;
  // Errors are text for people, and say what to do about RLIMIT_MEMLOCK if that is the reason.
  [[nodiscard]] virtual std::expected<std::unique_ptr<MemoryRegion>, std::string> register_memory(
      std::span<std::byte> memory, Access access) = 0;
  [[nodiscard]] virtual std::expected<std::unique_ptr<QueuePair>, std::string> create_queue_pair(
      const QueuePairLimits& limits) = 0;
};

class Device {
 public:
  virtual ~Device() = default;
  // "rxe0 port 1 gid 1 (10.0.0.1)"
  [[nodiscard]] virtual std::string description() const = 0;
  // The longest message of one request.
  [[nodiscard]] virtual std::uint64_t max_message_bytes() const = 0;
  [[nodiscard]] virtual std::expected<std::unique_ptr<ProtectionDomain>, std::string>
  create_protection_domain() = 0;

  // Takes completions of all queue pairs of the device, in order for each. Returns how many there
  // were.
  virtual std::size_t poll_receives(std::span<Completion> into) = 0;
  virtual std::size_t poll_sends(std::span<Completion> into) = 0;

  // Becomes readable when a completion comes after arm(), or when the device has an event.
  [[nodiscard]] virtual int event_fd() const = 0;
  // Asks for a notification of the next completion of either kind, once. Earlier completions may go
  // unnotified: poll again after it. 0 or a negative errno.
  virtual int arm() = 0;
  // Takes an event from event_fd(), which stays readable while there are more. If the device or its
  // port cannot be used any more, returns why.
  virtual std::optional<std::string> take_events() = 0;
};

struct DeviceChoice {
  std::string name{};      // empty: the first one with an active port
  std::uint32_t port = 0;  // 0: the first active one
  int gid_index = -1;      // -1: RoCE v2 with an IPv4 address first, then RoCE v2, then any
};

class Verbs {
 public:
  virtual ~Verbs() = default;
  // An error says what is missing: no device, no such one, no active port, no access.
  [[nodiscard]] virtual std::expected<std::unique_ptr<Device>, std::string> open(
      const DeviceChoice& choice) = 0;
};

}  // namespace netbinder::rdma
