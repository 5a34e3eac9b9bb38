// SPDX-License-Identifier: Apache-2.0
//
// Answers the questions that users of other hosts have for this agent, as its admin socket would:
// users see what the users that they are here see. A host that asks much is told to wait, whoever of
// its users asks, as only it can tell them apart.
//
// Owned by the daemon's main; the agent, which outlives it, calls it. Thread: the data-plane thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/base/ids.h"
#include "host/service-manager/host_questions.h"
#include "node-agent/allowance.h"

namespace netbinder {

class Agent;
class Reload;

class PeerQuestions {
 public:
  static constexpr std::uint32_t kBurst = 64;        // of one host at once
  static constexpr std::uint64_t kIntervalMs = 50;  // after which there may be one more

  PeerQuestions(Agent& agent, Reload& reload);
  ~PeerQuestions();
  PeerQuestions(const PeerQuestions&) = delete;
  PeerQuestions& operator=(const PeerQuestions&) = delete;

 private:
  void answer(HostId from, std::uint32_t uid, const std::string& question,
              HostQuestions::Answer answer);

  Agent& agent_;
  Reload& reload_;
  std::map<HostId, Allowance<kBurst, kIntervalMs>> allowances_;
};

}  // namespace netbinder
