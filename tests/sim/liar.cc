// SPDX-License-Identifier: Apache-2.0
//
// A host whose agent says what is not so. It has no programs, and begins an honest life when the
// storm is over. Whatever it has said, only its own sessions may have ended of it: the others'
// programs are judged as if it had been silent.
#include <algorithm>
#include <vector>

#include "tests/sim/world.h"

namespace netbinder::sim {

namespace {

// The false messages of a liar to one victim, made from what it knows of the victim and guesses.
class Lie {
 public:
  Lie(World& world, Random& random, HostId liar, HostId victim)
      : world_(world), random_(random), liar_(liar), victim_(victim) {
    for (const PeerLedger& ledger : world.host(liar)->driver().ledgers()) {
      if (ledger.host != victim) continue;
      for (const auto& entry : ledger.received) held_.push_back(entry.node);
    }
  }

  PeerMessage make() {
    switch (random_.below(14)) {
      case 0:
        return peer::ClaimRef{.node = node_of_victim(),
                              .strong = random_.one_in(2),
                              .introducer = some_host(),
                              .handoff = handoff()};
      case 1:
        return peer::Introduce{.node = node_of_victim(),
                               .strong = random_.one_in(2),
                               .recipient = some_host(),
                               .handoff = handoff()};
      case 2:
        return peer::ReleaseRefs{.node = node_of_victim(),
                                 .strong = random_.below(3),
                                 .weak = random_.below(4)};
      case 3:
        return peer::ClaimResult{.node = number(),
                                 .strong = random_.one_in(2),
                                 .introducer = some_host(),
                                 .handoff = handoff(),
                                 .alive = random_.one_in(2)};
      case 4:
        return peer::NodeDied{.node = number()};
      case 5:
        return peer::ContextManager{.context = "binder", .node = own_node()};
      case 6:
        return peer::ContextHolder{.context = "binder",
                                   .holder = some_host(),
                                   .incarnation = world_.host(liar_)->incarnation(),
                                   .holds = random_.one_in(2)};
      case 7:
        return peer::ContextClaimResult{.context = "binder", .granted = random_.one_in(2)};
      case 8:
        return peer::ContextReleased{.context = "binder"};
      case 9:
        return peer::ServiceManager{.context = "binder", .node = own_node()};
      case 10:
        return peer::CallFailed{.call = CallId{random_.below(64)},
                                .queued = random_.one_in(2),
                                .command = BR_DEAD_REPLY,
                                .error = 0};
      case 11:
        if (random_.one_in(2)) return peer::RecipientLost{.recipient = some_host()};
        if (random_.one_in(4)) return peer::AskIntroductions{};
        if (random_.one_in(4)) return peer::IntroductionsSent{};
        if (random_.one_in(4)) {
          return peer::HostList{.number = ListNumber{random_.below(4)},
                                .newest = ListNumber{random_.below(4)}};
        }
        return peer::FreezeState{.node = number(), .frozen = true};
      case 12: {
        peer::Reply reply;
        reply.call = CallId{random_.below(64)};
        reply.shape = {.data_size = 8, .offsets_size = 0, .extra_size = 0};
        return reply;
      }
      default:
        return call();
    }
  }

 private:
  HostId some_host() {
    return HostId{static_cast<std::uint32_t>(random_.between(1, world_.settings().hosts))};
  }
  // Nodes of a host are numbered from 1.
  NodeNumber number() { return NodeNumber{random_.between(1, 24)}; }
  NodeNumber node_of_victim() {
    return held_.empty() || random_.one_in(2) ? number() : held_[random_.below(held_.size())];
  }
  HandoffId handoff() {
    const SimHost* introducer = world_.host(some_host());
    const Incarnation life =
        introducer != nullptr ? introducer->incarnation() : world_.host(liar_)->incarnation();
    return HandoffId{first_number_of(life) + random_.below(8)};
  }
  WireNode own_node() {
    return {.node = {.host = random_.one_in(3) ? some_host() : liar_,
                     .incarnation = world_.host(liar_)->incarnation(),
                     .number = number()},
            .strong = true,
            .handoff = random_.one_in(4) ? handoff() : HandoffId{},
            .dead = random_.one_in(6)};
  }
  // A call of a node that it was not given, as far as it knows.
  PeerMessage call() {
    peer::Call call;
    call.call = CallId{random_.next()};
    do {
      call.target = number();
    } while (std::ranges::find(held_, call.target) != held_.end());
    call.code = 1;
    call.flags = TF_ONE_WAY;
    call.sender_euid = kLiarEuid;
    call.security_context = random_.one_in(3) ? "u:r:init:s0@host1" : own_context();
    call.shape = {.data_size = 24, .offsets_size = 0, .extra_size = 0};
    if (random_.one_in(2)) {
      call.shape.offsets_size = 8;
      call.objects.push_back({.offset = 0, .content = own_node()});
    }
    return call;
  }
  [[nodiscard]] std::string own_context() const {
    return "u:r:liar:s0@host" + std::to_string(liar_.value());
  }

  World& world_;
  Random& random_;
  HostId liar_;
  HostId victim_;
  std::vector<NodeNumber> held_;
};

}  // namespace

void World::next_lie() {
  clock_.after(1 + random_.below(settings_.fault_every_ms / 2 + 2), [this] {
    if (!storm_) return;
    lie();
    next_lie();
  });
}

void World::lie() {
  const HostId liar = settings_.liar;
  const HostId victim{static_cast<std::uint32_t>(random_.between(1, settings_.hosts))};
  SimHost* from = host(liar);
  if (from == nullptr || victim == liar || !from->connected(victim) || from->stalled()) return;
  const PeerMessage message = Lie(*this, random_, liar, victim).make();
  ++oracle_.statistics.lies;
  trace_.note("lie", {victim.value(), message.index()});
  from->say(victim, message);
}

}  // namespace netbinder::sim
