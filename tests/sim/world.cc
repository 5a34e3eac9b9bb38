// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/world.h"

#include <algorithm>
#include <optional>
#include <set>

#include "host/builtin_manager.h"

namespace netbinder::sim {

namespace {

constexpr std::uint64_t kPeaceMs = 2500;

// Until all is quiet. Managers of lazy services ask each other one thing after another, and have a
// queue of it.
std::uint64_t peace_ms(const Settings& settings) {
  return kPeaceMs + (settings.lazy ? 100 * settings.network.max_delay_ms : 0);
}

}  // namespace

Settings Settings::of_seed(std::uint64_t seed, std::uint32_t hosts) {
  Random random(~seed);
  Settings settings;
  settings.seed = seed;
  settings.hosts = hosts != 0 ? hosts : static_cast<std::uint32_t>(random.between(1, 5));
  settings.programs = static_cast<std::uint32_t>(
      std::max<std::uint64_t>(2, random.between(settings.hosts, 2ULL * settings.hosts)));
  settings.storm_ms = random.between(200, 1500);
  settings.think_ms = random.between(2, 40);
  settings.fault_every_ms = random.between(20, 200);
  settings.roomy = random.one_in(3);
  settings.arena_bytes = settings.roomy ? 1U << 20 : random.between(1, 8) * 4096;
  settings.max_filler = random.one_in(3) ? 2500 : 300;
  settings.builtin = random.one_in(3);
  settings.kills = !random.one_in(4);
  settings.weather = !random.one_in(3);
  settings.crashes = settings.weather && random.one_in(2);
  settings.freezes = random.one_in(3);
  settings.network.max_delay_ms = random.one_in(4) ? 60 : random.between(0, 10);
  settings.network.pipe_bytes = random.one_in(3) ? 2048 : 64 * 1024;
  if (random.one_in(4)) {
    settings.limits.in_flight_bytes = 4096;
    settings.limits.in_flight_messages = 4;
    // Hundreds of descriptors of one call have to get through before peace is over.
    settings.network.max_delay_ms = std::min<std::uint64_t>(settings.network.max_delay_ms, 5);
  }
  if (settings.weather && random.one_in(6)) {
    settings.limits.backlog_bytes = 32 * 1024;
    settings.limits.backlog_messages = 64;
  }
  if (random.one_in(2)) settings.devices = random.next() | random.next();
  settings.lazy = settings.builtin && random.one_in(2);
  if (settings.hosts >= 3 && random.one_in(4)) {
    settings.liar = HostId{static_cast<std::uint32_t>(random.between(2, settings.hosts))};
  }
  // From other numbers, so that what a seed is otherwise does not depend on it.
  if (Random versions(seed ^ 0x76657273696F6E73); settings.liar == HostId{} && versions.one_in(5)) {
    settings.older = versions.next();
  }
  if (Random lists(seed ^ 0x6C69737473);
      settings.hosts >= 2 && settings.liar == HostId{} && settings.older == 0) {
    settings.rolls = lists.one_in(3);
  }
  // Half of them, so that others come in between.
  if (seed % 2 == 1) settings.slice_units = 1 + seed / 2 % 4;
  if (settings.lazy && random.one_in(3)) {  // some looks for clients
    settings.storm_ms += 11'000;
    settings.think_ms += 20;
  }
  return settings;
}

World::World(const Settings& settings)
    : settings_(settings),
      random_(settings.seed),
      oracle_(clock_),
      trace_(clock_, settings.verbose),
      network_(clock_, random_, settings.network),
      hosts_(settings.hosts + 1),
      lives_(settings.hosts + 1),
      newest_list_{.number = ListNumber{settings.rolls ? 1U : 0U}, .arbiter = HostId{1}} {
  lists_.assign(settings.hosts + 1, newest_list_);
  oracle_.strict_failures = settings.roomy;
  const std::uint32_t honest = settings.hosts - (settings.liar != HostId{} ? 1 : 0);
  oracle_.pair_down(static_cast<int>(honest * (honest - 1)));
}

World::~World() { hosts_.clear(); }  // they speak to the rest of it

// ---- hosts and programs ----

void World::boot(HostId id) {
  trace_.note("boot", {id.value()});
  auto& host = hosts_[id.value()];
  host = std::make_unique<SimHost>(*this, id, ++lives_[id.value()]);
  host->start();
}

void World::crash(HostId id, bool with_kernel) {
  trace_.note("crash", {id.value(), with_kernel ? 1ULL : 0});
  ++oracle_.statistics.crashes;
  if (!lies(id)) oracle_.trouble();
  each_program([&](Program& program) {
    if (program.host() == id) program.end(true);
  });
  network_.host_gone(id, !with_kernel);
  hosts_[id.value()].reset();
}

Program& World::start_program(HostId where) {
  const std::uint64_t serial = next_serial_++;
  homes_[serial] = where;
  Program& program = *(programs_[serial] = std::make_unique<Program>(*this, *host(where), serial));
  program.start();
  return program;
}

void World::start_some_program() {
  HostId where{static_cast<std::uint32_t>(random_.between(1, settings_.hosts))};
  if (lies(where)) where = HostId{1};  // the arbiter, which does not
  if (host(where) != nullptr) {
    start_program(where);
  } else {
    clock_.after(50, [this] {
      if (storm_) start_some_program();
    });
  }
}

Program* World::program(std::uint64_t serial) {
  const auto found = programs_.find(serial);
  return found == programs_.end() || !found->second->alive() ? nullptr : found->second.get();
}

void World::flush(HostId id) {
  if (SimHost* at = host(id)) at->flush();
}

void World::kill(std::uint64_t serial) {
  Program* victim = program(serial);
  if (victim == nullptr) return;
  ++oracle_.statistics.kills;
  victim->end(false);
  if (!storm_) return;
  clock_.after(random_.below(100), [this] {
    if (storm_) start_some_program();
  });
}

// ---- sessions ----

ShadowPtr World::shadow_of(SessionId session) {
  auto& shadow = shadows_[session];
  if (shadow == nullptr) shadow = std::make_shared<Shadow>();
  return shadow;
}

void World::session_begun(HostId at, HostId peer) {
  if (lies(at) || lies(peer)) return;
  oracle_.pair_down(-1);
  oracle_.trouble();
}

void World::session_ended(HostId at, HostId peer) {
  if (lies(at) || lies(peer)) return;
  oracle_.pair_down(1);
  oracle_.trouble();
  ++losses_[{at, peer}];
}

std::uint64_t World::losses(HostId at, Uid uid) const {
  const auto home = homes_.find(program_of(uid));
  if (home == homes_.end()) return 0;
  const auto found = losses_.find({at, home->second});
  return found == losses_.end() ? 0 : found->second;
}

bool World::all_connected() const {
  for (std::uint32_t a = 1; a <= settings_.hosts; ++a) {
    for (std::uint32_t b = 1; b <= settings_.hosts; ++b) {
      if (a == b) continue;
      const SimHost* here = host(HostId{a});
      const SimHost* there = host(HostId{b});
      if (here == nullptr || there == nullptr || !here->connected(HostId{b}) ||
          here->shadow(HostId{b}) != there->shadow(HostId{a})) {
        return false;
      }
    }
  }
  return true;
}

// ---- managers ----

// Now and then there is another claim, which is refused unless the manager's host is cut off.
bool World::wants_manager() {
  return program(manager_) == nullptr ||
         ((settings_.weather || settings_.rolls) && random_.one_in(8));
}

void World::managed_by(std::uint64_t serial) {
  if (program(manager_) != nullptr && !oracle_.troubled_since(0)) {
    oracle_.fail("programs " + std::to_string(manager_) + " and " + std::to_string(serial) +
                 " both manage the context");
  }
  if (program(manager_) != nullptr && settings_.rolls && nobody_was_lost()) {
    oracle_.fail("program " + std::to_string(serial) + " manages the context, and program " +
                 std::to_string(manager_) + " has not ended, though no host has lost another one");
  }
  manager_ = serial;
}

std::string World::some_service() {
  std::vector<const Program*> registered;
  for (const auto& [serial, each] : programs_) {
    if (each->registered()) registered.push_back(each.get());
  }
  if (registered.empty()) return {};
  return registered[random_.below(registered.size())]->service_name();
}

Uid World::service_uid(const std::string& name) const {
  for (const auto& [serial, each] : programs_) {
    if (each->service_name() == name) return serial * kNodesOfProgram + 1;
  }
  return 0;
}

void World::check_names() {
  if (!settings_.builtin) return;
  std::set<std::pair<std::string, std::string>> living;
  std::set<std::pair<std::string, std::string>> registered;  // for certain
  each_program([&](Program& each) {
    const std::pair name(each.service_name(), "host" + std::to_string(each.host().value()));
    living.insert(name);
    if (each.registered()) registered.insert(name);
  });
  std::optional<std::set<std::pair<std::string, std::string>>> agreed;
  for (std::uint32_t id = 1; id <= settings_.hosts; ++id) {
    std::set<std::pair<std::string, std::string>> names;
    for (const ServiceView& view : host(HostId{id})->manager()->service().services()) {
      if (view.name != "manager") names.emplace(view.name, view.host);
    }
    if (!agreed) agreed = names;
    if (names != *agreed) {
      oracle_.fail("host " + std::to_string(id) + " knows other names than host 1");
    }
    if (!std::ranges::includes(names, registered) || !std::ranges::includes(living, names)) {
      oracle_.fail("host " + std::to_string(id) + " knows " + std::to_string(names.size()) +
                   " names, and there are " + std::to_string(registered.size()));
    }
  }
}

void World::check_managers() {
  // A host names its own manager by its pid, others by their host.
  std::optional<HostId> managing;
  for (std::uint32_t id = 1; id <= settings_.hosts; ++id) {
    if (host(HostId{id})->driver().contexts().front().manager.starts_with("pid ")) {
      if (managing) oracle_.fail("two hosts have a manager of the context");
      managing = HostId{id};
    }
  }
  for (std::uint32_t id = 1; id <= settings_.hosts; ++id) {
    const std::string manager = host(HostId{id})->driver().contexts().front().manager;
    const bool agrees = managing == HostId{id}
                            ? manager.starts_with("pid ")
                            : manager == (managing ? "host host" + std::to_string(managing->value())
                                          : settings_.builtin ? "builtin"
                                                              : "none");
    if (!agrees) {
      oracle_.fail("host " + std::to_string(id) + " has '" + manager + "' as the manager, and " +
                   (managing ? "it is on host " + std::to_string(managing->value())
                             : std::string("there is none")));
    }
  }
}

void World::find_revoked() {
  each_program([&](Program& each) {
    if (each.deposed()) oracle_.revoke(each.manager_node());
  });
}

std::optional<HostId> World::home_of(Uid uid) const {
  const auto home = homes_.find(program_of(uid));
  return home == homes_.end() ? std::nullopt : std::optional(home->second);
}

void World::each_holder(Uid uid, const std::function<void(const Program&, std::uint64_t)>& what) {
  each_program([&](Program& each) {
    if (const auto since = each.holds_since(uid, false)) what(each, *since);
  });
}

void World::check_unheld(Uid uid, bool weakly) {
  each_program([&](Program& each) {
    const auto since = each.holds_since(uid, weakly);
    if (since && !oracle_.troubled_since(*since) && !revoked(uid)) {
      oracle_.fail("node " + std::to_string(uid) + " was released while program " +
                   std::to_string(each.serial()) + " holds it");
    }
  });
}

// ---- sabotage ----

bool World::sabotages(Sabotage what) {
  if (settings_.sabotage != what || oracle_.statistics.sabotaged > 0 || !storm_) return false;
  if (clock_.now_ms() < 1300 || !random_.one_in(5)) return false;
  trace_.note("sabotage", {});
  ++oracle_.statistics.sabotaged;
  return true;
}

bool World::sabotages(Sabotage what, const PeerMessage& message) {
  return settings_.sabotage == what && message.index() == settings_.sabotaged_message &&
         sabotages(what);
}

// ---- the run ----

bool World::run_for(std::uint64_t ms) {
  const std::uint64_t until = clock_.now_ms() + ms;
  while (!oracle_.failed() && clock_.run_one(until)) {
    // Not shortly before the end of the run.
    if (clock_.events() == settings_.kill_at_event && clock_.now_ms() < quiet_from_ms_) kill(1);
    const std::uint64_t every = settings_.check_every;
    if (every != 0 && clock_.events() % every == 0) check_everything();
  }
  return !oracle_.failed();
}

void World::check_everything() {
  for (auto& each : hosts_) {
    if (!each) continue;
    each->driver().check_invariants();
    each->check_calls_read();
    each->check_leases();
  }
  compare_ledgers();
}

bool World::run() {
  for (std::uint32_t id = 1; id <= settings_.hosts; ++id) boot(HostId{id});
  if (!random_.one_in(4)) run_for(400);  // everybody has met before anything begins
  met_first_ = all_connected();
  for (std::uint32_t i = 0; i < settings_.programs; ++i) start_some_program();
  next_fault();
  if (settings_.liar != HostId{}) next_lie();
  if (settings_.rolls) next_roll();
  run_for(settings_.storm_ms);

  storm_ = false;
  quiet_from_ms_ = clock_.now_ms() + peace_ms(settings_) / 2;
  if (oracle_.failed()) return false;
  trace_.note("peace", {});
  network_.heal_everything();
  if (host(settings_.liar) != nullptr) crash(settings_.liar, false);
  for (std::uint32_t id = 1; id <= settings_.hosts; ++id) {
    if (host(HostId{id}) == nullptr) boot(HostId{id});
    host(HostId{id})->set_stalled(false);
    give_list(HostId{id}, newest_list_);
  }
  each_program([](Program& each) {
    if (each.frozen()) each.set_frozen(false);
    each.wind_down();
  });
  run_for(peace_ms(settings_));
  check_peace();
  if (oracle_.failed()) return false;

  trace_.note("kills", {});
  std::vector<std::uint64_t> victims;
  each_program([&](Program& each) {
    if (random_.one_in(2)) victims.push_back(each.serial());
  });
  for (const std::uint64_t victim : victims) kill(victim);
  run_for(1000);
  check_peace();
  if (oracle_.failed()) return false;

  trace_.note("let go", {});
  each_program([](Program& each) { each.let_go(); });
  run_for(keeps_unclaimed() ? 1000 + 12ULL * settings_.timing.timeout_ms : 1000);
  if (oracle_.failed()) return false;
  check_everything();
  if (!settings_.builtin) each_program([](Program& each) { each.check_let_go(); });

  trace_.note("end", {});
  each_program([](Program& each) { each.end(false); });
  run_for(1000);
  check_nothing_left();
  return !oracle_.failed();
}

void World::check_peace() {
  if (oracle_.failed()) return;
  check_everything();
  if (!all_connected()) oracle_.fail("hosts that could meet have not met");
  each_program([](Program& each) { each.check_drained(); });
  for (std::uint32_t id = 1; id <= settings_.hosts; ++id) {
    const std::size_t held = host(HostId{id})->files().held();
    if (held != 0) {
      oracle_.fail("host " + std::to_string(id) + " is left with " + std::to_string(held) +
                   " descriptors in flight");
    }
    const std::size_t handoffs = host(HostId{id})->driver().counts().handoffs;
    if (handoffs != 0 && !keeps_unclaimed()) {
      oracle_.fail("host " + std::to_string(id) + " still keeps " + std::to_string(handoffs) +
                   " references for others");
    }
  }
  if (settings_.rolls && nobody_was_lost() && oracle_.statistics.deposed != 0) {
    oracle_.fail("a manager was deposed, though no host has lost another one");
  }
  oracle_.check_drained();
  check_names();
  check_managers();
}

void World::check_nothing_left() {
  if (oracle_.failed()) return;
  check_everything();
  if (files_.open() != 0) {
    oracle_.fail(std::to_string(files_.open()) + " descriptors are open, and there is nobody left");
  }
  const std::size_t others = settings_.hosts - 1;
  for (std::uint32_t id = 1; id <= settings_.hosts; ++id) {
    host(HostId{id})->check_no_calls();
    const Driver::Counts counts = host(HostId{id})->driver().counts();
    // A built-in manager has a node, one more for each other manager, and a handle to each of these,
    // which it watches.
    const std::size_t managers = settings_.builtin ? 1 : 0;
    const bool clean = counts.processes == managers &&
                       counts.nodes == managers * (1 + 2 * others) &&
                       counts.refs == managers * 2 * others && counts.transactions == 0 &&
                       counts.deaths == managers * others && counts.buffers == 0 &&
                       counts.leases == 0;
    if (!clean) {
      oracle_.fail("host " + std::to_string(id) + " is left with " +
                   std::to_string(counts.processes) + " processes, " +
                   std::to_string(counts.nodes) + " nodes, " + std::to_string(counts.refs) +
                   " refs, " + std::to_string(counts.transactions) + " transactions, " +
                   std::to_string(counts.deaths) + " deaths, " + std::to_string(counts.buffers) +
                   " buffers, " + std::to_string(counts.leases) + " leases");
    }
  }
}

}  // namespace netbinder::sim
