// SPDX-License-Identifier: Apache-2.0
//
// One life of a host's agent: the core, a SimTransport, the built-in service manager in some runs,
// wired as node-agent/agent.cc does it, with the simulated clock in place of timers. Its end is
// that of a killed agent: nobody is told anything.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/driver.h"
#include "core/model/effects.h"
#include "node-agent/builtin_manager.h"
#include "node-agent/process_host.h"
#include "tests/sim/shadow.h"
#include "transport/sim/observer.h"
#include "transport/sim/sim_transport.h"

namespace netbinder::sim {

class World;

class SimHost final : public Effects, public PeerEvents, public Observer {
 public:
  SimHost(World& world, HostId id, std::uint64_t life);
  ~SimHost() override;
  SimHost(const SimHost&) = delete;
  SimHost& operator=(const SimHost&) = delete;

  void start();

  [[nodiscard]] Driver& driver() { return *driver_; }
  [[nodiscard]] HostId id() const { return id_; }
  [[nodiscard]] std::uint64_t life() const { return life_; }
  [[nodiscard]] Incarnation incarnation() const { return incarnation(id_, life_); }
  static Incarnation incarnation(HostId id, std::uint64_t life) {
    return Incarnation{id.value() * 1000ULL + life};
  }
  [[nodiscard]] BuiltinManager* manager() { return manager_.get(); }

  // Programs are told what becomes of their ioctls.
  void add_process(ProcessId process, ProcessHost& host) { processes_[process.value()] = &host; }
  void remove_process(ProcessId process) { processes_.erase(process.value()); }
  // Before and after anything is asked of the driver.
  void before_event();
  void after_event();

  // The session with a peer, as this end sees it; null without one.
  [[nodiscard]] ShadowPtr shadow(HostId peer) const;
  [[nodiscard]] bool connected(HostId peer) const;
  void give_up(HostId peer);
  // Writes what is to be written.
  void flush() { transport().flush(); }
  // The memory of a process goes.
  void memory_ends(std::span<std::byte> arena) { transport().memory_ends(arena); }
  void set_stalled(bool stalled) { transport_->set_stalled(stalled); }
  [[nodiscard]] bool stalled() const { return transport_->stalled(); }
  // What the core has lent is what peers were given.
  void check_leases() const;

  struct Work {  // of this host, for others to compare
    std::uint64_t sent = 0, ioctls = 0, received = 0;
  };
  Work work;

 private:
  // What is known of a peer beside the transport.
  struct Peer {
    ShadowPtr shadow;        // of the session; null without one
    std::set<LeaseId> lent;  // to it, over its present link, and not ended
    // Where the payload of the message that arrives is to be.
    PayloadDestination arriving;
  };

  // ---- Effects ----
  int read_memory(ProcessId process, ThreadId thread, std::uint64_t address,
                  std::span<std::byte> into) override;
  std::expected<FileToken, int> take_file(ProcessId, ThreadId, int) override {
    return std::unexpected(-EBADF);
  }
  void drop_file(FileToken) override {}
  void install_files(ProcessId, ThreadId, std::span<const FileToken>) override {}
  std::expected<FileNumber, FileRefusal> export_file(HostId, FileToken) override {
    NB_UNREACHABLE();  // programs have none
  }
  void withdraw_file(HostId, FileNumber) override { NB_UNREACHABLE(); }
  std::expected<FileToken, int> import_file(HostId, FileNumber) override {
    return std::unexpected(-ENOENT);
  }
  void ioctl_done(ProcessId process, ThreadId thread, const IoctlResult& result) override;
  std::optional<PostedRead> take_posted_read(ProcessId process, ThreadId thread) override;
  void readiness_changed(ProcessId, bool) override {}
  Payload new_payload(HostId peer, std::uint64_t bytes) override;
  void send(HostId peer, PeerMessage message, Payload payload) override;
  void give_up_peer(HostId peer, std::string_view reason) override;
  void set_timer(std::uint64_t deadline_ms) override;

  // ---- PeerEvents ----
  void session_established(HostId peer, Incarnation incarnation) override;
  void session_lost(HostId peer) override;
  PayloadDestination payload_arriving(HostId peer, const PeerMessage& message,
                                      std::uint64_t payload_bytes, LeaseId lease) override;
  void payload_abandoned(HostId peer, const PeerMessage& message) override;
  void message_arrived(HostId peer, PeerMessage message) override;

  std::optional<LeasedPlace> lease_wanted(HostId peer, const LeaseRequest& request) override;
  void lease_ended(HostId peer, LeaseId lease) override;

  // ---- Observer ----
  void link_lost(HostId peer) override;
  void device_writes(HostId peer, std::span<const std::byte> place) override;
  void protocol_broken(HostId peer, const std::string& how) override;

  // All that the agent's part of this knows of it.
  Transport& transport() { return *transport_; }
  Peer& peer(HostId id) { return peers_[id]; }
  [[nodiscard]] PayloadDestination place_in(const PayloadPlace& place) const;
  // Of the agent's loop.
  void end_of_turn();

  World& world_;
  HostId id_;
  std::uint64_t life_;
  bool gone_ = false;
  std::map<HostId, Peer> peers_;
  std::map<HostId, std::string> to_give_up_;
  std::map<std::uint64_t, ProcessHost*> processes_;
  std::unique_ptr<SimTransport> transport_;
  std::unique_ptr<Driver> driver_;
  bool manager_has_work_ = false;
  std::unique_ptr<BuiltinManager> manager_;
};

}  // namespace netbinder::sim
