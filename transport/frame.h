// SPDX-License-Identifier: Apache-2.0
//
// The frames agents exchange, as plain data. protocol.capnp documents them; codec.h translates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/base/ids.h"
#include "core/wire/lease.h"
#include "core/wire/payload.h"
#include "core/wire/peer_message.h"
#include "core/wire/version.h"
#include "transport/rdma/verbs.h"

namespace netbinder {

// A session's id, the same at both ends. 0 is none.
using SessionId = StrongId<struct SessionIdTag, std::uint64_t>;
// Numbers the messages of one direction of a session, from 1. 0 is before the first.
using Sequence = StrongId<struct SequenceTag, std::uint64_t>;

// Precedes each frame on a stream: little-endian, 16 bytes, then the message, then the payload.
struct FramePrefix {
  std::uint32_t message_bytes = 0;  // a multiple of 8, at least 8
  std::uint32_t flags = 0;          // none defined: 0
  std::uint64_t payload_bytes = 0;
};
inline constexpr std::size_t kFramePrefixBytes = 16;
static_assert(sizeof(FramePrefix) == kFramePrefixBytes);
static_assert(offsetof(FramePrefix, message_bytes) == 0 && offsetof(FramePrefix, flags) == 4 &&
              offsetof(FramePrefix, payload_bytes) == 8);

enum class RefuseReason : std::uint16_t {
  kVersion,
  kCluster,
  kUnknownHost,
  kHostName,
  kDirection,
  kStaleIncarnation,  // no incarnation at all; before version 4 also one that had a successor
  kStaleAttempt,      // not since version 4
  kCertificate,
  kKey,
};
inline constexpr std::uint16_t kRefuseReasons = 9;

enum class GoodbyeReason : std::uint16_t {
  kShutdown,
  kGivenUp,
  kProtocolError,
  kOverflow,
};
inline constexpr std::uint16_t kGoodbyeReasons = 4;

// Made up by one end for one handshake.
using Nonce = std::array<std::uint8_t, 32>;
// Proves that an end knows the cluster's key and the other's nonce (transport/cluster_key.h).
using Proof = std::array<std::uint8_t, 32>;

namespace frame {

struct Hello {
  WireVersion version = kNewestVersion;  // of the session to be
  std::string cluster;
  HostId host;
  std::string host_name;
  Incarnation incarnation;
  HostId peer;                   // whom the sender believes it dials
  Incarnation peer_incarnation;  // of the session to resume; 0: none
  SessionId session;             // to resume; 0: none
  Sequence received;             // last sequence received in that session
  Nonce nonce{};
  friend bool operator==(const Hello&, const Hello&) = default;
};

struct Challenge {
  HostId host;
  std::string host_name;
  Incarnation incarnation;
  WireVersion newest;  // that the sender speaks; 0: it is version 4, which does not say
  Nonce nonce{};
  friend bool operator==(const Challenge&, const Challenge&) = default;
};

struct Answer {
  Proof proof{};
  friend bool operator==(const Answer&, const Answer&) = default;
};

struct Welcome {
  SessionId session;
  Sequence received;  // 0 in a new session
  Proof proof{};
  friend bool operator==(const Welcome&, const Welcome&) = default;
};

struct Refuse {
  RefuseReason reason = RefuseReason::kVersion;
  std::string detail;
  friend bool operator==(const Refuse&, const Refuse&) = default;
};

struct Goodbye {
  GoodbyeReason reason = GoodbyeReason::kShutdown;
  std::string detail;
  friend bool operator==(const Goodbye&, const Goodbye&) = default;
};

struct Ack {
  Sequence received;
  friend bool operator==(const Ack&, const Ack&) = default;
};

struct Heartbeat {
  Sequence received;
  std::uint64_t clock_ms = 0;  // of the sender, since 1970; 0: it does not say
  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};

struct Message {
  Sequence sequence;
  Sequence received;
  PeerMessage content;
  friend bool operator==(const Message&, const Message&) = default;
};

struct RdmaOffer {
  rdma::QueuePairAddress queue_pair;
  std::uint32_t receives = 0;
  std::uint32_t segment_bytes = 0;
  friend bool operator==(const RdmaOffer&, const RdmaOffer&) = default;
};

struct RdmaRefuse {
  std::string reason;
  friend bool operator==(const RdmaRefuse&, const RdmaRefuse&) = default;
};

struct RdmaReady {
  friend bool operator==(const RdmaReady&, const RdmaReady&) = default;
};

struct RdmaSwitch {
  friend bool operator==(const RdmaSwitch&, const RdmaSwitch&) = default;
};

struct LeaseWanted {
  std::uint64_t number = 0;
  LeaseRequest request;
  friend bool operator==(const LeaseWanted&, const LeaseWanted&) = default;
};

struct LeaseGranted {
  std::uint64_t number = 0;
  LeaseId lease;  // 0: refused
  ProcessId process;
  std::uint64_t address = 0;
  rdma::RemoteKey key;
  std::uint64_t bytes = 0;
  friend bool operator==(const LeaseGranted&, const LeaseGranted&) = default;
};

struct LeaseReturned {
  LeaseId lease;
  friend bool operator==(const LeaseReturned&, const LeaseReturned&) = default;
};

}  // namespace frame

using Frame = std::variant<frame::Hello, frame::Welcome, frame::Refuse, frame::Goodbye, frame::Ack,
                           frame::Heartbeat, frame::Message, frame::RdmaOffer, frame::RdmaRefuse,
                           frame::RdmaReady, frame::RdmaSwitch, frame::LeaseWanted,
                           frame::LeaseGranted, frame::LeaseReturned, frame::Challenge,
                           frame::Answer>;

// The recipient of a message with a payload, as far as it matters for leasing space.
struct PayloadRecipient {
  LeaseRequest request;
  ProcessId caller;  // of a reply: the process it goes to; of a call: 0, its node's is not known
};

// A frame ready for the wire: `head` is the prefix and the message, `payload` follows it. Shared
// between the session, which keeps it until it is acknowledged, and the link that writes it.
struct OutgoingFrame {
  std::vector<std::byte> head;
  Payload payload;
  std::optional<PayloadRecipient> recipient;  // of a Call or Reply
  Sequence sequence;                          // 0: not a Message
  Sequence received;                          // the acknowledgement it carries

  [[nodiscard]] std::uint64_t size() const { return head.size() + payload.size(); }
};

// Whether a message announces a payload at all (which may have 0 bytes), and the size of its image.
[[nodiscard]] bool has_payload(const PeerMessage& message);
[[nodiscard]] std::uint64_t payload_image_bytes(const PeerMessage& message);
[[nodiscard]] std::optional<PayloadRecipient> payload_recipient(const PeerMessage& message);

}  // namespace netbinder
