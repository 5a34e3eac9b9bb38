// SPDX-License-Identifier: Apache-2.0
//
// The reports of the agent's NodeHost, and where they go: responses to the channels, claims to the
// membership, and the rest, each at its own rate, to the log.
//
// Owned by the Agent. Thread: the data-plane thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string_view>

#include "host/surroundings.h"
#include "node-agent/denial_log.h"
#include "node-agent/list_differences.h"

namespace netbinder {

class Membership;
class NodeHost;
class ProgramChannels;

class AgentSurroundings final : public Surroundings {
 public:
  // `self` is this host. `peer_is_lost` is called in the middle of an event. The membership
  // outlives this.
  AgentSurroundings(HostId self, Membership& membership,
                    std::function<void(HostId peer)> peer_is_lost);
  // The host that reports, and the channels of its programs. To be called before the first event; both outlive
  // the last one.
  void attach(const NodeHost& host, ProgramChannels& channels) {
    host_ = &host;
    channels_ = &channels;
  }

  void respond() override;
  void peer_connected(HostId peer) override;
  void peer_lost(HostId peer) override;
  void protocol_broken(HostId peer, std::string_view reason) override;
  void home_unreachable(HostId home, HostId passed_on_by) override;
  void ask_for_claim(std::string_view claim) override;
  void release_claim(std::string_view claim) override;
  // Logs that the peer's list of hosts is another one than ours, if it is.
  void host_list_told(HostId peer, ListNumber number) override;
  void access_denied(const Denial& denial) override;

 private:
  const HostId self_;
  Membership& membership_;
  const std::function<void(HostId)> peer_is_lost_;
  const NodeHost* host_ = nullptr;
  ProgramChannels* channels_ = nullptr;
  DenialLog denials_;
  ListDifferences lists_;
  std::map<HostId, std::uint64_t> unreachable_told_ms_;
};

}  // namespace netbinder
