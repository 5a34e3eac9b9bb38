// SPDX-License-Identifier: Apache-2.0
//
// Every bound of the transport, with what happens when it is reached.
//
// "Refused" means that the peer broke the protocol: its connection is closed and, once there is a
// session, the session is given up. A local message over one of the codec's bounds is a mistake of
// the caller and ends the session as well, so the agent checks before it sends.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/wire/peer_message.h"

namespace netbinder::limits {

// --- Codec: arriving frames over these are refused.

// The Cap'n Proto part of a frame. Holds kMaxObjects objects with room to spare.
inline constexpr std::uint32_t kMaxMessageBytes = 9U << 20;
// The same for the frames of a handshake, whose sender is not known yet.
inline constexpr std::uint32_t kMaxHandshakeMessageBytes = 4096;
// The largest image of a valid PayloadShape.
inline constexpr std::uint64_t kMaxPayloadBytes = 3 * PayloadShape::kMaxPartBytes;
// An object takes 24 bytes of data and 8 of offsets, so the largest mapping holds no more than
// this: an application cannot reach it.
inline constexpr std::uint32_t kMaxObjects = 131072;
// Each ancestor is a thread that waits, so this is far beyond what thread limits allow.
inline constexpr std::uint32_t kMaxAncestors = 16384;
inline constexpr std::uint32_t kMaxSecurityContextBytes = 4096;
inline constexpr std::uint32_t kMaxContextNameBytes = 255;  // as a file name
inline constexpr std::uint32_t kMaxHostNameBytes = 255;
inline constexpr std::uint32_t kMaxClusterNameBytes = 255;
// The largest number of a list of hosts; the configuration takes no larger one.
inline constexpr std::uint64_t kMaxListNumber = 999'999'999'999'999;
// For one array; the core sends no more in one message.
inline constexpr std::uint32_t kMaxFilesOfArray = 253;
inline constexpr std::uint32_t kMaxFileDataBytes = 256U << 10;
// Reasons in words are cut to this length when sent; a longer one is refused.
inline constexpr std::uint32_t kMaxReasonBytes = 512;
// A frame's nesting of pointers: Frame, Message, Call, objects, with one to spare.
inline constexpr int kMaxNesting = 6;

static_assert(kMaxMessageBytes >= kMaxObjects * 64 + kMaxAncestors * 16 + 65536);
static_assert(kMaxMessageBytes % 8 == 0 && kMaxHandshakeMessageBytes % 8 == 0);

// --- Session: defaults of SessionLimits and the pace of acknowledgements.

// Bytes and messages sent and not acknowledged: further messages wait unsent (back-pressure). One
// message is always let through, however large.
inline constexpr std::uint64_t kMaxInFlightBytes = 32ULL << 20;
inline constexpr std::uint64_t kMaxInFlightMessages = 65536;
// Bytes and messages held for the peer, in flight and waiting. A peer that exceeds this is too
// slow: the session is given up.
inline constexpr std::uint64_t kMaxBacklogBytes = 256ULL << 20;
inline constexpr std::uint64_t kMaxBacklogMessages = 262144;
// An acknowledgement goes out at once after this much was received since the last one, and after
// the acknowledgement delay otherwise; both are well under what may be in flight.
inline constexpr std::uint64_t kAckEveryMessages = 64;
inline constexpr std::uint64_t kAckEveryBytes = 256U << 10;

static_assert(kAckEveryBytes <= kMaxInFlightBytes && kAckEveryMessages <= kMaxInFlightMessages);
static_assert(kMaxBacklogBytes >= kMaxInFlightBytes + kMaxPayloadBytes + kMaxMessageBytes);

// --- Descriptors (node-agent/file_relays.h).

// Bytes of a descriptor that were sent and not yet handed to the receiving program, each way: never
// more than this is on its way or waiting in an agent.
inline constexpr std::uint64_t kFileWindowBytes = 256U << 10;
inline constexpr std::uint64_t kPacketCost = 64;  // in the window, beside its bytes
// Data that is there when a descriptor is offered is sent ahead of its call, up to this much.
inline constexpr std::uint64_t kFileAheadBytes = 64U << 10;
// The data of a stream in one message.
inline constexpr std::size_t kMaxStreamDataBytes = 64U << 10;
// Descriptors of one call or reply. A peer that offers more is refused.
inline constexpr std::size_t kMaxOffers = 253;
// Relayed descriptors that one host has offered another: a further one is refused with EMFILE. So
// all their windows together stay below the backlog.
inline constexpr std::size_t kMaxRelaysOfPeer = 384;
// The eventfds among these. There is no event for the end of one, so one more replaces the one that
// has been unchanged for longest.
inline constexpr std::size_t kMaxCountersOfPeer = 128;
// Changes of a count that may be sent before any is acknowledged.
inline constexpr std::uint64_t kCounterChanges = 64;

static_assert(2 * kMaxRelaysOfPeer * kFileWindowBytes <= kMaxBacklogBytes);

// --- TCP.

// Accepted connections that have not said who they are. At the bound the oldest is closed, so that
// silent connections cannot keep a peer out.
inline constexpr std::size_t kMaxPendingHandshakes = 64;
// Read-ahead of a connection. Grows to hold a larger message and shrinks again after it.
inline constexpr std::size_t kReceiveBufferBytes = 64U << 10;
// A payload without a place is read into this, piece by piece, and dropped.
inline constexpr std::size_t kDiscardBufferBytes = 64U << 10;
// Buffers in one gathering write; a frame takes one or two.
inline constexpr std::size_t kMaxGatherBuffers = 64;
// At most one line about broken or refused connections is logged in this time; others are counted.
inline constexpr std::uint64_t kLogIntervalMs = 1000;

static_assert(kReceiveBufferBytes >= kMaxHandshakeMessageBytes + 16);

}  // namespace netbinder::limits
