// SPDX-License-Identifier: Apache-2.0
//
// Space in a process's arena that is lent to a peer: the peer's device writes the payload of one
// message there before the message is known here. A lease ends with that message, for whose
// payload the space becomes the buffer; unused (Driver::end_lease); with the session; or with the
// process.
//
// The number of a lease is chosen by the arena's host and never used again in its incarnation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "core/base/ids.h"

namespace netbinder {

// The most leases `ahead` that a peer may have unused in one process.
inline constexpr std::size_t kMaxLeasesAhead = 64;
// The security context of a call, with its final zero.
inline constexpr std::uint32_t kMaxLeaseContextBytes = 4097;

// A peer's request for space.
struct LeaseRequest {
  // The node of ours that it is about to call, or our call that it is about to answer.
  std::variant<NodeNumber, CallId> recipient;
  std::uint64_t bytes = 0;          // of the payload's image
  std::uint32_t context_bytes = 0;  // of the call's security context, with its final zero
  bool oneway = false;
  // For a later message that may never come: given only if there is plenty of room.
  bool ahead = false;
  friend bool operator==(const LeaseRequest&, const LeaseRequest&) = default;
};

struct Lease {
  LeaseId id;
  ProcessId process;           // whose arena it is
  std::span<std::byte> bytes;  // where the image goes, as many as were asked for
  std::span<std::byte> arena;  // all of it
};

}  // namespace netbinder
