// SPDX-License-Identifier: Apache-2.0
//
// One life of a host's agent: the core, a session for each other host, the built-in service manager
// in some runs, wired as node-agent/agent.cc and transport/tcp/peer_link.cc do it, with the
// simulated network and clock in place of sockets and timers. Its end is that of a killed agent:
// nobody is told anything.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/check.h"
#include "core/driver.h"
#include "core/effects.h"
#include "node-agent/builtin_manager.h"
#include "node-agent/process_host.h"
#include "tests/sim/network.h"
#include "tests/sim/shadow.h"
#include "transport/session.h"

namespace netbinder::sim {

class World;

class SimHost final : public Effects, public PeerEvents, public NetworkHost {
 public:
  SimHost(World& world, HostId id, std::uint64_t life);
  ~SimHost() override;
  SimHost(const SimHost&) = delete;
  SimHost& operator=(const SimHost&) = delete;

  void start();

  [[nodiscard]] Driver& driver() { return *driver_; }
  [[nodiscard]] HostId id() const { return id_; }
  [[nodiscard]] std::uint64_t life() const override { return life_; }
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
  // What ended a session, if it was a fault of this host or a peer: never to be seen.
  void give_up(HostId peer);
  // Writes what is to be written, ends what is to end.
  void settle_dirty();
  void set_stalled(bool stalled);
  [[nodiscard]] bool stalled() const { return stalled_; }
  // What the core has lent is what peers were given.
  void check_leases() const;

  struct Work {  // of this host, for others to compare
    std::uint64_t sent = 0, ioctls = 0, received = 0;
  };
  Work work;

  // ---- NetworkHost ----
  void dialled(HostId peer, const ConnectionPtr& connection) override;
  bool head_arrived(const ConnectionPtr& connection, std::size_t side,
                    const OutgoingFrame& frame) override;
  void payload_arrived(const ConnectionPtr& connection, std::size_t side,
                       const OutgoingFrame& frame) override;
  void broken(const ConnectionPtr& connection, std::size_t side) override;
  void writable(const ConnectionPtr& connection, std::size_t side) override;

 private:
  // Space in an arena of another host's.
  struct KeptLease {
    LeaseRequest request;
    Lease lease;                   // of number 0: refused
    std::shared_ptr<void> memory;  // behind it
  };
  struct Link {
    HostId peer;
    std::unique_ptr<Session> session;
    ConnectionPtr connection;
    std::size_t side = 0;
    bool dialling = false;
    std::uint64_t wait_ms = 0;
    std::uint64_t timer_ms = Session::kNever;
    PayloadDestination destination;
    std::span<const std::byte> arriving;  // the payload, for comparison
    std::uint64_t session_to_come = 0;    // named by a Welcome, not established yet
    ShadowPtr shadow;
    // Of the shadow's: sent by the core, and the first waits for space.
    std::deque<Letter*> held;
    std::uint64_t asking = 0;               // the request that is to be answered; 0: none
    std::vector<KeptLease> kept;            // given ahead
    std::set<LeaseId> lent;                 // to the peer, and not used
    std::span<const std::byte> lent_place;  // where the payload of the message that arrives is
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

  Link& link(HostId peer) { return links_.at(peer); }
  bool hello_arrived(const ConnectionPtr& connection, std::size_t side, const Frame& frame);
  void handle(Link& link, FrameOutcome outcome, const OutgoingFrame& frame);
  void dial_later(Link& link);
  void drop_link(Link& link);
  void pump(Link& link);
  void settle(Link& link);
  void arm_timer(Link& link);

  // host_leases.cc
  // After a delay, unless either end loses the connection before.
  template <typename What>
  static void over_device(World& world, const ConnectionPtr& connection, HostId from, HostId to,
                          What what);
  bool goes_by_device(const Link& to, const Letter& letter);
  void send_held(Link& to);
  // Number 0: for a message that is yet to come.
  void ask(const Link& to, LeaseRequest request, std::uint64_t number);
  void lease_asked(HostId peer, const LeaseRequest& request, std::uint64_t number);
  void lease_answered(HostId home, const KeptLease& given, std::uint64_t number);
  void keep(Link& to, const KeptLease& given);
  void write_by_device(const Link& to, Letter& letter, const KeptLease& space);
  void give_back(Link& to, LeaseId id);
  void lose_leases(Link& link);
  LeaseId lease_of_next(Link& from);

  World& world_;
  HostId id_;
  std::uint64_t life_;
  bool gone_ = false;
  bool stalled_ = false;
  bool settling_ = false;
  std::map<HostId, Link> links_;
  std::uint64_t lease_requests_ = 0;
  std::set<HostId> dirty_;
  std::map<HostId, std::string> to_give_up_;
  std::map<std::uint64_t, ProcessHost*> processes_;
  std::unique_ptr<Driver> driver_;
  std::unique_ptr<BuiltinManager> manager_;
};

}  // namespace netbinder::sim
