// SPDX-License-Identifier: Apache-2.0
//
// Claims of contexts, as a store outside of the driver decides them. Plain values.
#pragma once

#include <cstdint>

#include "core/base/ids.h"

namespace netbinder {

// The authority that decides which host has the manager of a context of cluster scope.
enum class ClaimsBy : std::uint8_t {
  kArbiter,  // one of the hosts, DriverSetup::arbiter
  kStore,    // asked by Effects::ask_for_claim; there is no arbiter
};

// The store's answer to a claim of this host.
enum class ClaimAnswer : std::uint8_t {
  kGranted,
  kHeld,         // the claim of another host holds
  kUnreachable,  // nothing was decided
};

// When a claim was granted, by the store's own count: later claims have greater ones. 0 is none.
using ClaimEpoch = StrongId<struct ClaimEpochTag, std::uint64_t>;

// The host whose claim of a context holds.
struct ClaimHolder {
  HostId host;
  Incarnation incarnation;
  ClaimEpoch epoch;
  friend bool operator==(const ClaimHolder&, const ClaimHolder&) = default;
};

}  // namespace netbinder
