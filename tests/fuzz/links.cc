// SPDX-License-Identifier: Apache-2.0
//
// The sessions between hosts. As with the transport, messages are in order, and a payload is
// followed by its message, unless it is abandoned, with no other of the same session between them.
#include <cstring>

#include "core/base/check.h"
#include "tests/fuzz/report.h"
#include "tests/fuzz/world.h"

namespace netbinder::fuzz {

namespace {

const char* reached_name(const PeerMessage& message) {
  static constexpr const char* kNames[] = {"message: Call",
                                           "message: Reply",
                                           "message: CallFailed",
                                           "message: CallAccepted",
                                           "message: ReleaseRefs",
                                           "message: NodeDied",
                                           "message: ClaimRef",
                                           "message: ClaimResult",
                                           "message: Introduce",
                                           "message: RecipientLost",
                                           "message: AskIntroductions",
                                           "message: IntroductionsSent",
                                           "message: ClaimContext",
                                           "message: ContextClaimResult",
                                           "message: ContextReleased",
                                           "message: ContextHolder",
                                           "message: ContextManager",
                                           "message: ServiceManager",
                                           "message: WatchFreeze",
                                           "message: FreezeState",
                                           "message: File",
                                           "message: HostList"};
  static_assert(std::size(kNames) == std::variant_size_v<PeerMessage>);
  return kNames[message.index()];
}

}  // namespace

void World::connect(std::uint32_t a, std::uint32_t b) {
  if (a == b || !connected_.insert({std::min(a, b), std::max(a, b)}).second) return;
  for (const auto& [here, there] : {Link(a, b), Link(b, a)}) {
    if (!real(here)) continue;
    host(here).driver.peer_connected(HostId{there}, Incarnation{incarnation_of(there)},
                                     "host" + std::to_string(there));
  }
}

void World::disconnect(std::uint32_t a, std::uint32_t b) {
  if (connected_.erase({std::min(a, b), std::max(a, b)}) == 0) return;
  trace("host %u, host %u: session lost\n", a, b);
  for (const auto& [here, there] : {Link(a, b), Link(b, a)}) {
    arriving_.erase({here, there});
    forget_leases(here, there);
    if (!real(here)) continue;
    host(here).outbox[there].clear();
    host(here).driver.peer_lost(HostId{there});
    host(here).outbox[there].clear();
  }
}

Forger World::forger(std::uint32_t self, std::uint32_t victim) const {
  return {.self = HostId{self},
          .incarnation = Incarnation{incarnation_of(self)},
          .victim = HostId{victim},
          .victim_incarnation = Incarnation{incarnation_of(victim)}};
}

void World::peer_step() {
  const std::uint8_t what = input_.byte();
  const auto hosts = static_cast<std::uint32_t>(hosts_.size());
  const std::uint32_t from = 1 + (what & 3U) % hosts;
  std::uint32_t to = 1 + ((what >> 2) & 3U) % hosts;
  if (from == to) to = 1 + from % hosts;
  switch (what >> 4) {
    case 15: {
      const std::uint32_t b = (what & 0xC) == 0xC ? kStranger : to;
      if (from == b) break;
      if (connected_.contains({std::min(from, b), std::max(from, b)})) {
        disconnect(from, b);
      } else {
        connect(from, b);
      }
      break;
    }
    case 14:
    case 13:
    case 12: {  // a stranger's message
      if (!connected_.contains({from, kStranger})) break;
      hostile_peers_ = true;
      Host& victim = host(from);
      const std::uint8_t how = input_.byte();
      if (arriving_.contains({kStranger, from})) {
        finish_arriving(kStranger, from);
        break;
      }
      Letter letter{
          forge(input_, forger(kStranger, from), victim.overheard[kStranger]), {}, {1, 2, 3, 4, 5}};
      victim.outbox[kStranger].clear();  // read by nobody
      arrive(kStranger, from, std::move(letter), how);
      break;
    }
    case 11:  // one message, perhaps tampered with or cut off
      deliver(from, to, input_.byte());
      break;
    default:
      for (std::uint32_t count = 1 + (what >> 4); count > 0; --count) {
        for (std::uint32_t a = 1; a <= hosts; ++a) {
          for (std::uint32_t b = 1; b <= hosts; ++b) {
            if (a != b && (hosts == 2 || a == from || (what & 0x10) != 0)) deliver(a, b, 0);
          }
        }
      }
      break;
  }
}

void World::deliver(std::uint32_t from, std::uint32_t to, std::uint8_t how) {
  if (from == to || !connected_.contains({std::min(from, to), std::max(from, to)})) return;
  if (arriving_.contains({from, to})) {
    finish_arriving(from, to);
    return;
  }
  auto& outbox = host(from).outbox[to];
  if (outbox.empty()) return;
  Letter letter = std::move(outbox.front());
  outbox.pop_front();
  if ((how & 0xC0) == 0xC0) {
    hostile_peers_ = true;
    tamper(input_, letter.message, forger(from, to), host(to).overheard[from]);
    reach("message tampered with");
  }
  arrive(from, to, std::move(letter), how);
}

void World::arrive(std::uint32_t from, std::uint32_t to, Letter letter, std::uint8_t how,
                   LeaseId lease) {
  Driver& driver = host(to).driver;
  reach(reached_name(letter.message));
  trace("host %u to host %u: %s, %u\n", from, to, reached_name(letter.message), how);
  const bool has_payload = std::holds_alternative<peer::Call>(letter.message) ||
                           std::holds_alternative<peer::Reply>(letter.message);
  if (has_payload && (lease != LeaseId{} || (how & 7U) != 7)) {
    const HeldLease* held = find_lease(from, to, lease);
    if (held != nullptr) write_to(*held, letter.payload, how);
    const PayloadPlace place = driver.payload_arriving(HostId{from}, letter.message, lease);
    if (lease != LeaseId{}) {
      NB_CHECK(place.bytes.empty() ||
               (held != nullptr && place.bytes.data() == held->lease.bytes.data()));
      reach(place.bytes.empty() ? "lease: not for the message" : "lease: used");
      forget(held);
    } else if (!place.bytes.empty() && !letter.payload.empty()) {
      std::memcpy(place.bytes.data(), letter.payload.data(),
                  std::min(place.bytes.size(), letter.payload.size()));
    } else if (!place.bytes.empty()) {
      std::memset(place.bytes.data(), how, place.bytes.size());
    }
    if ((how & 0x38) == 0x38) {
      reach("payload abandoned");
      driver.payload_abandoned(HostId{from});
      // The connection was lost, but not the session: it comes again.
      if (real(from)) host(from).outbox[to].push_front(std::move(letter));
      return;
    }
    if ((how & 0x38) == 0x30) {
      arriving_.emplace(Link{from, to}, std::move(letter));
      return;
    }
  }
  message_arrived(from, to, std::move(letter));
}

void World::message_arrived(std::uint32_t from, std::uint32_t to, Letter letter) {
  host(to).offered[from] = std::move(letter.offers);
  host(to).driver.message_arrived(HostId{from}, std::move(letter.message));
  host(to).offered[from].clear();
  end_given_up_sessions();
}

void World::finish_arriving(std::uint32_t from, std::uint32_t to) {
  const auto found = arriving_.find({from, to});
  if (found == arriving_.end()) return;
  Letter letter = std::move(found->second);
  arriving_.erase(found);
  message_arrived(from, to, std::move(letter));
}

void World::end_given_up_sessions() {
  for (auto& at : hosts_) {
    for (const std::uint32_t peer : std::exchange(at->given_up, {})) {
      NB_CHECK(hostile_peers_);
      disconnect(at->id, peer);
    }
  }
}

}  // namespace netbinder::fuzz
