// SPDX-License-Identifier: Apache-2.0
#include "node-agent/peer_questions.h"

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
  const std::uint64_t now_ms = monotonic_ms();
  if (!allowances_.try_emplace(from, now_ms).first->second.take(now_ms)) {
    return later("{\"error\":\"too many questions of this host\"}\n");
  }
  const Asker asker{.uid = agent_.user_here(from, uid), .where = Asker::Where::kOnAnotherHost};
  log::agent.trace("host {} asks for uid {}, {} here: {}", from.value(), uid, asker.uid, question);
  auto now = answer_admin(agent_, reload_, asker, question, later);
  if (now) later(std::move(now->line));
}

}  // namespace netbinder
