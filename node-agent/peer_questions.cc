// SPDX-License-Identifier: Apache-2.0
#include "node-agent/peer_questions.h"

#include <algorithm>
#include <utility>

#include "node-agent/admin_answer.h"
#include "node-agent/agent.h"
#include "node-agent/clock.h"
#include "transport/log.h"

namespace netbinder {

PeerQuestions::PeerQuestions(Agent& agent, Reload& reload) : agent_(agent), reload_(reload) {
  agent_.answer_peers([this](HostId from, std::uint32_t uid, const std::string& question,
                             HostQuestions::Answer later) {
    answer(from, uid, question, std::move(later));
  });
}

PeerQuestions::~PeerQuestions() { agent_.answer_peers({}); }

void PeerQuestions::answer(HostId from, std::uint32_t uid, const std::string& question,
                           HostQuestions::Answer later) {
  if (!may_ask(from)) return later("{\"error\":\"too many questions of this host\"}\n");
  const Asker asker{.uid = agent_.user_here(from, uid), .where = Asker::Where::kOnAnotherHost};
  log::agent.trace("host {} asks for uid {}, {} here: {}", from.value(), uid, asker.uid, question);
  auto now = answer_admin(agent_, reload_, asker, question, later);
  if (now) later(std::move(now->line));
}

bool PeerQuestions::may_ask(HostId host) {
  const std::uint64_t now_ms = monotonic_ms();
  Account& account = accounts_[host];
  const std::uint64_t more = (now_ms - account.since_ms) / kIntervalMs;
  account.left = std::min<std::uint64_t>(kBurst, account.left + more);
  account.since_ms = account.left == kBurst ? now_ms : account.since_ms + more * kIntervalMs;
  if (account.left == 0) return false;
  --account.left;
  return true;
}

}  // namespace netbinder
