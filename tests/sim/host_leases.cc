// SPDX-License-Identifier: Apache-2.0
//
// Payloads by lease, between hosts that have a device: the sender asks for space, or has some from
// before; its device writes; then the message goes, with those behind it in their order. What was
// asked and lent belongs to the connection: when an end loses that, it lends no more, and messages
// take their payloads along.
#include <algorithm>

#include "tests/sim/host.h"
#include "tests/sim/world.h"

namespace netbinder::sim {

namespace {

constexpr std::byte kUntouched{0x5C};

// What its payload needs; for a device of that host's.
LeaseRequest request_for(const Letter& letter) {
  LeaseRequest request;
  request.bytes = letter.payload.size();
  if (const auto* call = std::get_if<peer::Call>(&letter.message)) {
    request.recipient = call->target;
    request.oneway = (call->flags & TF_ONE_WAY) != 0;
    request.context_bytes = static_cast<std::uint32_t>(call->security_context.size() + 1);
  } else {
    request.recipient = std::get<peer::Reply>(letter.message).call;
  }
  return request;
}

bool serves(const LeaseRequest& given, const LeaseRequest& needed) {
  return given.recipient == needed.recipient && given.oneway == needed.oneway &&
         given.bytes >= needed.bytes && given.context_bytes >= needed.context_bytes;
}

}  // namespace

template <typename What>
void SimHost::over_device(World& world, const ConnectionPtr& connection, HostId from, HostId to,
                          What what) {
  const std::uint64_t delay = world.random().below(world.settings().network.max_delay_ms + 1);
  world.clock().after(delay, [&world, connection, from, to, what = std::move(what)]() mutable {
    SimHost* host = world.host(to);
    if (host == nullptr || host->link(from).connection != connection) return;
    if (world.network().is_cut(from, to) || world.network().clogged(to)) {
      world.clock().after(5, [&world, connection, from, to, what = std::move(what)]() mutable {
        over_device(world, connection, from, to, std::move(what));
      });
      return;
    }
    what(*host);
  });
}

bool SimHost::goes_by_device(const Link& to, const Letter& letter) {
  return to.session->link_up() && !letter.payload.empty() && world_.has_device(id_) &&
         world_.has_device(to.peer) && world_.random().one_in(2);
}

void SimHost::send_held(Link& to) {
  while (!to.held.empty()) {
    Letter& letter = *to.held.front();
    if (letter.by_device && letter.lease == LeaseId{} && to.session->link_up()) {
      const LeaseRequest needed = request_for(letter);
      const auto kept = std::ranges::find_if(
          to.kept, [&](const KeptLease& each) { return serves(each.request, needed); });
      if (kept != to.kept.end()) {
        write_by_device(to, letter, *kept);
        to.kept.erase(kept);
      } else {
        if (to.asking == 0) {
          to.asking = letter.asks = ++lease_requests_;
          ask(to, needed, letter.asks);
        }
        return;
      }
    }
    to.session->send(letter.message, letter.payload);
    to.held.pop_front();
    dirty_.insert(to.peer);
  }
}

void SimHost::ask(const Link& to, LeaseRequest request, std::uint64_t number) {
  request.ahead = number == 0;
  over_device(world_, to.connection, id_, to.peer, [asking = id_, request, number](SimHost& home) {
    home.lease_asked(asking, request, number);
  });
}

void SimHost::lease_asked(HostId peer, const LeaseRequest& request, std::uint64_t number) {
  before_event();
  const auto lease = driver_->lease(peer, request);
  after_event();
  world_.trace().note("lease", {id_.value(), peer.value(), lease ? lease->id.value() : 0});
  KeptLease given{.request = request, .lease = {}, .memory = {}};
  auto& statistics = world_.oracle().statistics;
  if (lease) {
    ++(request.ahead ? statistics.leases_ahead : statistics.leases);
    std::ranges::fill(lease->bytes, kUntouched);
    link(peer).lent.insert(lease->id);
    given.lease = *lease;
    given.memory = processes_.at(lease->process.value())->arena_owner();
  } else {
    ++statistics.leases_refused;
  }
  over_device(
      world_, link(peer).connection, id_, peer,
      [home = id_, given, number](SimHost& asking) { asking.lease_answered(home, given, number); });
  settle_dirty();
}

void SimHost::lease_answered(HostId home, const KeptLease& given, std::uint64_t number) {
  Link& to = link(home);
  const bool granted = given.lease.id != LeaseId{};
  if (number != 0) to.asking = 0;
  // Meanwhile one that was kept may have served.
  if (number == 0 || to.held.empty() || to.held.front()->asks != number) {
    if (granted) keep(to, given);
  } else if (!granted) {
    to.held.front()->by_device = false;
  } else {
    write_by_device(to, *to.held.front(), given);
    if (std::holds_alternative<NodeNumber>(given.request.recipient) && world_.random().one_in(2)) {
      LeaseRequest more = given.request;
      more.bytes += world_.random().below(200);
      ask(to, more, 0);
    }
  }
  send_held(to);
  settle_dirty();
}

void SimHost::keep(Link& to, const KeptLease& given) {
  to.kept.push_back(given);
  world_.clock().after(world_.random().between(5, 200),
                       [&world = world_, connection = to.connection, self = id_, home = to.peer,
                        id = given.lease.id] {
                         SimHost* holder = world.host(self);
                         if (holder == nullptr || holder->link(home).connection != connection)
                           return;
                         holder->give_back(holder->link(home), id);
                       });
}

void SimHost::write_by_device(const Link& to, Letter& letter, const KeptLease& space) {
  letter.lease = space.lease.id;
  // The other end may have lost the connection already: then nothing is written there.
  SimHost* home = world_.host(to.peer);
  if (home == nullptr || home->link(id_).connection != to.connection) return;
  if (!std::ranges::all_of(space.lease.bytes, [](std::byte byte) { return byte == kUntouched; })) {
    world_.oracle().fail("space that was lent has changed");
  }
  std::ranges::copy(letter.payload.bytes(), space.lease.bytes.begin());
}

void SimHost::give_back(Link& to, LeaseId id) {
  const auto kept =
      std::ranges::find_if(to.kept, [&](const KeptLease& each) { return each.lease.id == id; });
  if (kept == to.kept.end()) return;
  to.kept.erase(kept);
  over_device(world_, to.connection, id_, to.peer, [holder = id_, id](SimHost& home) {
    if (home.link(holder).lent.erase(id) == 0) return;
    ++home.world_.oracle().statistics.leases_returned;
    home.before_event();
    home.driver_->end_lease(holder, id);
    home.after_event();
    home.settle_dirty();
  });
}

void SimHost::lose_leases(Link& link) {
  link.asking = 0;
  link.kept.clear();
  for (const LeaseId id : std::exchange(link.lent, {})) {
    ++world_.oracle().statistics.leases_lost;
    before_event();
    driver_->end_lease(link.peer, id);
    after_event();
  }
}

LeaseId SimHost::lease_of_next(Link& from) {
  from.lent_place = {};
  const auto& letters = from.shadow->to[id_];
  // Lent over a connection of before, it has ended.
  if (letters.empty() || from.lent.erase(letters.front().lease) == 0) return {};
  ++world_.oracle().statistics.leases_used;
  return letters.front().lease;
}

void SimHost::check_leases() const {
  std::size_t lent = 0;
  for (const auto& [peer, link] : links_) lent += link.lent.size();
  if (driver_->counts().leases > lent) {  // fewer: some ended with their processes
    world_.oracle().fail("host " + std::to_string(id_.value()) + " lends " +
                         std::to_string(driver_->counts().leases) + " leases, and peers have " +
                         std::to_string(lent));
  }
}

}  // namespace netbinder::sim
