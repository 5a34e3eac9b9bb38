// SPDX-License-Identifier: Apache-2.0
//
// One incarnation of a host's agent: a NodeHost, like an agent's, on a SimTransport, with simulated
// time in place of timers. It ends like a killed agent: nobody is notified.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/check.h"
#include "core/driver.h"
#include "core/model/effects.h"
#include "host/node_host.h"
#include "host/process_host.h"
#include "host/surroundings.h"
#include "host/timer.h"
#include "tests/sim/call_follower.h"
#include "tests/sim/shadow.h"
#include "tests/sim/sim_files.h"
#include "tests/sim/watched_transport.h"

namespace netbinder::sim {

class World;

class SimHost final : private Timer, private Surroundings {
 public:
  SimHost(World& world, HostId id, std::uint64_t life);
  ~SimHost() override;
  SimHost(const SimHost&) = delete;
  SimHost& operator=(const SimHost&) = delete;

  void start();

  [[nodiscard]] Driver& driver() { return host_->driver(); }
  [[nodiscard]] HostId id() const { return id_; }
  [[nodiscard]] std::uint64_t life() const { return life_; }
  [[nodiscard]] Incarnation incarnation() const { return incarnation(id_, life_); }
  static Incarnation incarnation(HostId id, std::uint64_t life) {
    return Incarnation{id.value() * 1000ULL + life};
  }
  // Null if the context has no built-in manager.
  [[nodiscard]] BuiltinManager* manager();
  [[nodiscard]] SimFiles& files() { return files_; }

  // ---- for programs ----
  void add_process(ProcessId process, ProcessHost& host) { host_->add_process(process, host); }
  void close_process(ProcessId process, std::span<std::byte> arena);
  // To be called before and after each call to the driver; flush() follows once in each turn.
  void before_event();
  void after_event();
  void flush();

  // ---- for the transport ----
  [[nodiscard]] PeerEvents& events() { return host_->peer_events(); }

  // ---- for the simulation ----
  [[nodiscard]] ShadowPtr shadow(HostId peer) const { return transport_->shadow(peer); }
  [[nodiscard]] bool connected(HostId peer) const { return shadow(peer) != nullptr; }
  void give_up(HostId peer);
  // Whatever it is.
  void say(HostId peer, const PeerMessage& message);
  // The agent reads its configuration again and has another list of hosts.
  void take_list(ListNumber number, HostId arbiter);
  void set_stalled(bool stalled) { transport_->set_stalled(stalled); }
  [[nodiscard]] bool stalled() const { return transport_->stalled(); }
  void check_calls_read() { calls_.check_read(driver().statistics()); }
  void check_no_calls() { calls_.check_nothing_open(); }
  void check_leases() const { transport_->check_leases(); }
  // For tests to compare.
  [[nodiscard]] const HostWork& work() const { return host_->work(); }

 private:
  // ---- Timer ----
  [[nodiscard]] std::uint64_t now_ms() const override;
  void set(std::uint64_t deadline_ms) override;

  // ---- Surroundings ----
  void respond() override {}  // programs hear at once
  void protocol_broken(HostId peer, std::string_view reason) override;

  World& world_;
  HostId id_;
  std::uint64_t life_;
  std::uint64_t timer_ = 0;  // how often it was set
  bool goes_on_ = false;     // a slice of work is scheduled
  void go_on_later();
  DriverSetup setup_;
  SimFiles files_;
  CallFollower calls_;
  std::optional<WatchedTransport> transport_;
  std::optional<NodeHost> host_;
};

}  // namespace netbinder::sim
