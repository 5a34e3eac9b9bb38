// SPDX-License-Identifier: Apache-2.0
//
// Every constant of the RDMA transport, and how they depend on each other. Those that users may set
// are in RdmaConfig (transport/config.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/limits.h"
#include "transport/rdma/segment.h"

namespace netbinder::rdma {

// --- What a payload's size decides.

// From this size on the device writes a payload to its place (one copy, on the sending host). Below
// it, a copy into the message's segment and one out of it cost less than a lease.
inline constexpr std::uint64_t kLeasedPayloadBytes = 4096;
// The largest single write request; a device may allow less.
inline constexpr std::uint32_t kMaxWriteBytes = 1U << 20;

// --- Segments: one send request, one receive of the peer.

inline constexpr std::uint32_t kSegmentBytes = 8192;
// Receives posted for a peer. It may send that many segments before they are served, less
// kReservedReceives, which are for segments that only give credit back.
inline constexpr std::uint32_t kReceives = 64;
inline constexpr std::uint32_t kReservedReceives = 4;
// This much credit is sent by itself if no frame has taken it along.
inline constexpr std::uint32_t kCreditReturn = kReceives / 2;
// Registered segments to send from, for segments that do not fit inline.
inline constexpr std::uint32_t kSendSegments = 32;
// The inline size to ask the device for: it holds the usual call of 64 bytes.
inline constexpr std::uint32_t kInlineBytes = 512;

// A small call, with its head and its payload, fits in one segment.
static_assert(kSegmentBytes >= kLeasedPayloadBytes + sizeof(SegmentHeader) + 1024);
static_assert(kSegmentBytes % 64 == 0);
static_assert(kReservedReceives >= 2 && kCreditReturn + kReservedReceives < kReceives);
// A peer that has used up its credit leaves us with more than kCreditReturn to give back.
static_assert(kReceives - kReservedReceives >= kCreditReturn);
static_assert(kReceives <= 0xFFFF);  // SegmentHeader::credits

// --- The send queue.

// Requests that were posted and are not known to be complete.
inline constexpr std::uint32_t kSendRequests = 256;
// Some of these are for segments that give credit back, so that these never wait for others.
inline constexpr std::uint32_t kReservedSends = 8;
// One request in so many is signalled: its completion means that all before it are complete.
inline constexpr std::uint32_t kSignalEvery = 16;
// Requests in one chain; a frame and its writes may take several.
inline constexpr std::size_t kMaxChain = 32;
// Pieces of memory in one request: header, head, payload.
inline constexpr std::uint32_t kMaxGather = 3;

// With the queue full, at least one signalled request is under way.
static_assert(kSignalEvery <= (kSendRequests - kReservedSends) / 2);
static_assert(kSendSegments <= kSendRequests - kReservedSends);
// The same with all segments in use.
static_assert(kSignalEvery <= kSendSegments);
static_assert(kMaxChain <= kSendRequests / 2);
// The writes of the largest payload are one chain with its first segment.
static_assert(limits::kMaxPayloadBytes / kMaxWriteBytes + 1 < kMaxChain);

// --- Completions.

inline constexpr std::size_t kPollBatch = 32;

// --- Leases we hold.

// Messages that are looked at ahead, so that their leases are asked for at the same time.
inline constexpr std::size_t kMaxPrepared = 16;
// Leases held or asked for ahead, for one process of the peer.
inline constexpr std::size_t kMaxAhead = 4;
// Two payloads for a process within this time count as a stream: one more is expected.
inline constexpr std::uint64_t kStreamMs = 200;
// A lease that has not been used for this long is given back.
inline constexpr std::uint64_t kLeaseIdleMs = 100;
// Nodes and processes of the peer that are remembered; all are forgotten when there are more.
inline constexpr std::size_t kMaxRemembered = 4096;

static_assert(kLeaseIdleMs <= kStreamMs);

// Unanswered requests. Beyond this number no request is made ahead.
inline constexpr std::size_t kMaxAsked = 64;

// --- Leases we have given.

inline constexpr std::size_t kMaxGiven = 1024;
// Answers that wait for credit. A peer that asks for more is too slow to take them, on purpose.
inline constexpr std::size_t kMaxUnanswered = 128;

// Each message that is looked at asks for at most one lease, and for one more ahead.
static_assert(kMaxAsked + 2 * (kMaxPrepared + 1) <= kMaxUnanswered);

// --- Failure.

// A queue pair that lasted this long was a good one: the wait after it (RdmaConfig::retry_min_ms)
// starts from the shortest again.
inline constexpr std::uint64_t kGoodMs = 10'000;

}  // namespace netbinder::rdma
