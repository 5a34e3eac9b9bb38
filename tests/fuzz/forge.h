// SPDX-License-Identifier: Apache-2.0
//
// Messages of a hostile peer: well-formed ones of another host with a field changed, and invented
// ones with ids that the victim has sent it.
#pragma once

#include "tests/fuzz/host.h"
#include "tests/fuzz/input.h"

namespace netbinder::fuzz {

// The host that forges, and its victim.
struct Forger {
  HostId self;
  Incarnation incarnation;
  HostId victim;
  Incarnation victim_incarnation;
};

void tamper(Input& input, PeerMessage& message, const Forger& forger, const Overheard& heard);
PeerMessage forge(Input& input, const Forger& forger, const Overheard& heard);

}  // namespace netbinder::fuzz
