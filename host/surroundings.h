// SPDX-License-Identifier: Apache-2.0
//
// The calls of a NodeHost to the program that it is part of. Implemented by its owner.
#pragma once

#include <string_view>

#include "core/base/ids.h"
#include "core/model/access_rules.h"

namespace netbinder {

class Surroundings {
 public:
  virtual ~Surroundings() = default;
  // Sends programs the responses that their ProcessHosts have collected. Called when nothing queued
  // for the network has to go first.
  virtual void respond() = 0;
  virtual void peer_connected(HostId /*peer*/) {}
  virtual void peer_lost(HostId /*peer*/) {}
  // The session with the peer is given up.
  virtual void protocol_broken(HostId peer, std::string_view reason) = 0;
  // See Effects. Claims are those of contexts and of unique names (NameClaimKey).
  virtual void home_unreachable(HostId /*home*/, HostId /*passed_on_by*/) {}
  virtual void ask_for_claim(std::string_view /*claim*/) {}
  virtual void release_claim(std::string_view /*claim*/) {}
  virtual void host_list_told(HostId /*peer*/, ListNumber /*number*/) {}
  virtual void access_denied(const Denial& /*denial*/) {}
};

}  // namespace netbinder
