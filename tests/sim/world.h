// SPDX-License-Identifier: Apache-2.0
//
// One simulation: a cluster, programs on it, and faults, all from one seed. A run has parts: the
// storm; peace, in which everything begun comes to its end; half of the programs are killed;
// everything is let go of; everybody ends. After each part the rules for that state are checked.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tests/sim/host.h"
#include "tests/sim/open_files.h"
#include "tests/sim/oracle.h"
#include "tests/sim/program.h"
#include "tests/sim/shadow.h"
#include "tests/sim/trace.h"
#include "transport/sim/network.h"

namespace netbinder::sim {

// By this the programs know the calls of a host that lies, where it has come by a node of theirs.
inline constexpr std::uint32_t kLiarEuid = 666;

// A wrong done once, on purpose, which the checkers must find.
enum class Sabotage {
  kNone,
  kDropMessage,       // a message that arrived does not reach the core
  kDuplicateMessage,  // it reaches it twice
  kLoseEffect,        // a message the core sends is not sent
  kLoseIoctl,         // the end of an ioctl is not told
  kLoseDeath,         // a program does not hear of a death it read of
};

struct Settings {
  std::uint64_t seed = 1;
  bool verbose = false;
  std::uint64_t check_every = 512;  // so many events all structures are checked; 0: when asked

  std::uint32_t hosts = 3;
  std::uint32_t programs = 6;
  std::uint64_t storm_ms = 1000;
  std::uint64_t think_ms = 20;
  std::uint64_t max_filler = 600;
  std::size_t arena_bytes = 16 * 1024;
  std::size_t slice_units = 256;  // of the ends of processes
  bool roomy = false;  // arenas that are never full
  bool builtin = false;
  bool lazy = false;          // every other program's service is; with builtin only
  bool kills = true;          // of programs and threads
  bool crashes = true;        // of agents
  bool weather = true;        // faults of the network
  bool freezes = false;       // of programs
  std::uint64_t older = 0;    // which hosts speak the oldest version only: a bit each; no liars then
  // Lists of hosts are numbered, and every now and then the hosts get another one, with another
  // arbiter, one after the other. No liars then, and no older hosts.
  bool rolls = false;
  HostId liar{};              // a host that lies, not the arbiter; 0: none
  std::uint64_t devices = 0;  // which hosts have one that writes into arenas of others: a bit each
  std::uint64_t fault_every_ms = 60;
  SessionTiming timing{.timeout_ms = 400,
                       .heartbeat_ms = 60,
                       .suspect_ms = 200,
                       .handshake_ms = 150,
                       .ack_delay_ms = 5};
  SessionLimits limits;
  NetworkSettings network;

  Sabotage sabotage = Sabotage::kNone;
  std::size_t sabotaged_message = 0;  // index in PeerMessage
  std::uint64_t kill_at_event = 0;    // kills one program when so many events are over

  // Whether the mask of hosts has that one; those from 64 on are in none.
  static bool has(std::uint64_t hosts, HostId id) {
    return id.value() < 64 && (hosts >> id.value() & 1) != 0;
  }

  static Settings of_seed(std::uint64_t seed, std::uint32_t hosts = 0);
};

// A list of hosts, as far as it matters here.
struct HostListOf {
  ListNumber number;
  HostId arbiter{1};
};

class World {
 public:
  explicit World(const Settings& settings);
  ~World();

  // True if nothing was found.
  bool run();
  [[nodiscard]] std::uint64_t trace_hash() const { return trace_.hash(); }

  // ---- by hand, for tests ----
  void boot(HostId id);
  void crash(HostId id, bool with_kernel);
  Program& start_program(HostId host);
  bool run_for(std::uint64_t ms);
  [[nodiscard]] bool all_connected() const;
  // A reference that was passed on to a host that cannot reach its home is dead there, is never
  // claimed, and is kept until the home gives up. So is one whose claim an older host has refused, as
  // its introduction was slow.
  [[nodiscard]] bool keeps_unclaimed() const {
    return settings_.weather || settings_.liar != HostId{} || settings_.older != 0 || !met_first_;
  }
  // Checks that homes count for peers exactly what these hold and what is under way.
  void compare_ledgers();
  void check_names();
  // A home refuses a claim: in good weather only if the introducer does not hold the node, either.
  void check_refusal(HostId home, HostId claimant, const peer::ClaimResult& result);
  // All hosts have the same manager.
  void check_managers();
  // The list that a host's configuration has.
  [[nodiscard]] const HostListOf& list_of(HostId id) const { return lists_[id.value()]; }

  // ---- for hosts and programs ----
  [[nodiscard]] const Settings& settings() const { return settings_; }
  EventQueue& clock() { return clock_; }
  Random& random() { return random_; }
  Network& network() { return network_; }
  Trace& trace() { return trace_; }
  Oracle& oracle() { return oracle_; }
  OpenFiles& files() { return files_; }
  // The traces of all calls there were.
  std::unordered_map<SpanId, TraceId>& traces() { return traces_; }
  // Those of other hosts that were replied to.
  std::unordered_set<SpanId>& replied_to() { return replied_to_; }
  SimHost* host(HostId id) { return hosts_[id.value()].get(); }
  [[nodiscard]] const SimHost* host(HostId id) const { return hosts_[id.value()].get(); }
  // Null if the program is gone.
  Program* program(std::uint64_t serial);
  void flush(HostId host);
  void kill(std::uint64_t serial);

  ShadowPtr shadow_of(SessionId session);
  [[nodiscard]] bool lies(HostId host) const { return host == settings_.liar; }
  void session_begun(HostId host, HostId peer);
  void session_ended(HostId host, HostId peer);
  // How many sessions a host has lost with the host of a node.
  [[nodiscard]] std::uint64_t losses(HostId host, Uid uid) const;

  [[nodiscard]] bool has_device(HostId id) const {
    return Settings::has(settings_.devices, id);
  }
  [[nodiscard]] bool wants_manager();
  void managed_by(std::uint64_t serial);
  // Tells the oracle of managers that have been deposed, whether or not they have read so.
  void find_revoked();
  [[nodiscard]] bool revoked(Uid uid) {
    find_revoked();
    return oracle_.revoked(uid);
  }
  [[nodiscard]] std::string some_service();
  [[nodiscard]] Uid service_uid(const std::string& name) const;
  // The owner read that nobody holds it; with `weakly`, that nobody holds it in any way.
  void check_unheld(Uid uid, bool weakly);
  [[nodiscard]] std::optional<HostId> home_of(Uid uid) const;
  // Calls `what` with each program that holds it strongly, and with the time since when it does.
  void each_holder(Uid uid, const std::function<void(const Program&, std::uint64_t)>& what);

  [[nodiscard]] bool sabotages(Sabotage what);
  [[nodiscard]] bool sabotages(Sabotage what, const PeerMessage& message);

 private:
  void start_some_program();
  void next_fault();
  void fault();
  void next_roll();
  void roll();
  // The host's configuration has that list from now on, and its agent takes it over as soon as it
  // runs.
  void give_list(HostId id, const HostListOf& list);
  // No host has lost another one since before the first program.
  [[nodiscard]] bool nobody_was_lost() const { return met_first_ && !settings_.weather; }
  void next_lie();
  void lie();
  void check_everything();
  void check_peace();
  void check_nothing_left();
  template <typename F>
  void each_program(F&& what) {
    for (auto& [serial, program] : programs_) {
      if (program->alive()) what(*program);
    }
  }

  Settings settings_;
  EventQueue clock_;
  Random random_;
  Oracle oracle_;
  Trace trace_;
  Network network_;
  OpenFiles files_;
  std::unordered_map<SpanId, TraceId> traces_;
  std::unordered_set<SpanId> replied_to_;
  bool storm_ = true;
  bool met_first_ = false;  // all hosts were connected before the first program was started
  std::uint64_t quiet_from_ms_ = static_cast<std::uint64_t>(-1);
  std::vector<std::unique_ptr<SimHost>> hosts_;  // by id
  std::vector<std::uint64_t> lives_;
  std::vector<HostListOf> lists_;  // by host
  HostListOf newest_list_;
  std::map<std::uint64_t, std::unique_ptr<Program>> programs_;  // the dead as well
  std::map<std::uint64_t, HostId> homes_;                       // of programs
  std::map<SessionId, ShadowPtr> shadows_;                      // all there were
  std::map<std::pair<HostId, HostId>, std::uint64_t> losses_;
  std::uint64_t manager_ = 0;
  std::uint64_t next_serial_ = 1;
};

}  // namespace netbinder::sim
