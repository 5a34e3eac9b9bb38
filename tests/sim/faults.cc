// SPDX-License-Identifier: Apache-2.0
//
// The faults of a simulation, and when they happen.
#include "tests/sim/world.h"

namespace netbinder::sim {

void World::next_fault() {
  clock_.after(1 + random_.below(2 * settings_.fault_every_ms), [this] {
    if (!storm_) return;
    fault();
    next_fault();
  });
}

// ---- lists of hosts ----

void World::next_roll() {
  clock_.after(random_.between(20, 400), [this] {
    if (!storm_) return;
    roll();
    next_roll();
  });
}

// The next one may begin before all hosts have this one.
void World::roll() {
  ++oracle_.statistics.rolls;
  newest_list_ = {
      .number = ListNumber{newest_list_.number.value() + 1},
      .arbiter = HostId{static_cast<std::uint32_t>(random_.between(1, settings_.hosts))}};
  trace_.note("roll", {newest_list_.number.value(), newest_list_.arbiter.value()});
  for (std::uint32_t id = 1; id <= settings_.hosts; ++id) {
    clock_.after(random_.below(200),
                 [this, id, list = newest_list_] { give_list(HostId{id}, list); });
  }
}

void World::give_list(HostId id, const HostListOf& list) {
  if (list.number <= lists_[id.value()].number) return;
  SimHost* const at = host(id);
  if (at != nullptr && at->stalled()) {
    clock_.after(20, [this, id, list] { give_list(id, list); });
    return;
  }
  lists_[id.value()] = list;
  trace_.note("list", {id.value(), list.number.value()});
  if (at != nullptr) at->take_list(list.number, list.arbiter);
}

// ---- faults ----

void World::fault() {
  const auto some_host = [this] {
    return HostId{static_cast<std::uint32_t>(random_.between(1, settings_.hosts))};
  };
  const std::uint64_t kind = random_.below(100);
  if (kind < 30) {  // programs
    std::vector<Program*> living;
    each_program([&](Program& each) { living.push_back(&each); });
    if (living.empty()) return;
    Program& victim = *living[random_.below(living.size())];
    if (kind < 12 && settings_.kills) {
      kill(victim.serial());
    } else if (host(victim.host())->stalled()) {
      return;
    } else if (kind < 16 && settings_.freezes && !victim.frozen()) {
      victim.set_frozen(true);
      clock_.after(random_.between(5, 300), [this, serial = victim.serial()] {
        Program* frozen = program(serial);
        if (frozen != nullptr && frozen->frozen()) frozen->set_frozen(false);
      });
    } else if (kind < 22) {
      victim.interrupt(random_.next());
    } else {
      victim.flush();
    }
    return;
  }
  if (!settings_.weather || settings_.hosts < 2) return;
  if (kind < 55) {  // connections
    const ConnectionPtr connection = network_.any_connection();
    if (connection == nullptr) return;
    ++oracle_.statistics.breaks;
    trace_.note("break", {connection->hosts[0].value(), connection->hosts[1].value(), kind});
    if (kind < 42) {
      network_.break_both(connection);
    } else {
      network_.break_one(connection, random_.below(2), kind < 48);
    }
  } else if (kind < 75) {  // partitions, two-sided or one-sided, shorter or longer than patience
    const HostId a = some_host();
    const HostId b = some_host();
    if (a == b) return;
    const bool both = kind < 65;
    const std::uint64_t length = random_.between(10, 900);
    ++oracle_.statistics.cuts;
    trace_.note("cut", {a.value(), b.value(), both ? 1ULL : 0, length});
    network_.cut(a, b);
    if (both) network_.cut(b, a);
    clock_.after(length, [this, a, b, both] {
      network_.heal(a, b);
      if (both) network_.heal(b, a);
    });
  } else if (kind < 90) {  // hosts that read nothing, or do not run at all
    const HostId id = some_host();
    if (host(id) == nullptr) return;
    const bool stall = kind < 82;
    const std::uint64_t length = random_.between(10, 500);
    trace_.note(stall ? "stall" : "clog", {id.value(), length});
    stall ? host(id)->set_stalled(true) : network_.clog(id, true);
    clock_.after(length, [this, id, stall] {
      if (stall && host(id) != nullptr) host(id)->set_stalled(false);
      network_.clog(id, false);
    });
  } else if (kind < 96 && settings_.crashes) {
    const HostId id = some_host();
    if (host(id) == nullptr) return;
    crash(id, random_.one_in(2));
    network_.clog(id, false);
    clock_.after(random_.between(5, 900), [this, id] {
      if (storm_ && host(id) == nullptr) boot(id);
    });
    clock_.after(random_.below(200), [this] {
      if (storm_) start_some_program();
    });
  } else {  // a session is over for no good reason
    const HostId a = some_host();
    const HostId b = some_host();
    if (a == b || host(a) == nullptr || host(a)->stalled()) return;
    trace_.note("give up", {a.value(), b.value()});
    host(a)->give_up(b);
  }
}

}  // namespace netbinder::sim
