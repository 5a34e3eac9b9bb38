// SPDX-License-Identifier: Apache-2.0
//
// A few hosts with programs, driven by the fuzzer's bytes one step after the other.
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "tests/fuzz/forge.h"
#include "tests/fuzz/host.h"
#include "tests/fuzz/input.h"

namespace netbinder::fuzz {

// A host that is none of the cluster's.
inline constexpr std::uint32_t kStranger = 7;

class World {
 public:
  explicit World(Input input);
  void run();

 private:
  using Link = std::pair<std::uint32_t, std::uint32_t>;  // from, to

  void step();
  void end();

  Host& host(std::uint32_t id) { return *hosts_[id - 1]; }
  [[nodiscard]] bool real(std::uint32_t id) const { return id <= hosts_.size(); }
  Program* some_program(Host& host);
  Program* open_program(Host& host);
  void program_step(Host& host);
  void thread_step(Host& host, Program& program, std::uint32_t tid);
  void control_step(Host& host, Program& program, std::uint32_t tid);
  void peer_step();

  void connect(std::uint32_t a, std::uint32_t b);
  void disconnect(std::uint32_t a, std::uint32_t b);
  void deliver(std::uint32_t from, std::uint32_t to, std::uint8_t how);
  void arrive(std::uint32_t from, std::uint32_t to, Letter letter, std::uint8_t how,
              LeaseId lease = {});
  void message_arrived(std::uint32_t from, std::uint32_t to, Letter letter);
  void finish_arriving(std::uint32_t from, std::uint32_t to);
  void end_given_up_sessions();

  // leases.cc
  struct HeldLease {
    std::uint32_t holder;
    std::uint32_t home;
    Lease lease;
  };
  void lease_step();
  void ask_for_lease(std::uint32_t holder, std::uint32_t home);
  void end_some_lease(std::uint32_t holder, std::uint32_t home);
  void deliver_by_lease(std::uint32_t holder, std::uint32_t home);
  // A lease that was granted, to whichever host, or one that was not.
  LeaseId some_lease(std::uint32_t holder, std::uint32_t home);
  void deliver_until_payload(std::uint32_t holder, std::uint32_t home);
  // The holder's device writes, into space that nobody has touched.
  void write_to(const HeldLease& held, const Payload& payload, std::uint8_t filler);
  // The space of a lease that its holder has; null if it is not its, or there is no more.
  HeldLease* find_lease(std::uint32_t holder, std::uint32_t home, LeaseId id);
  void forget(const HeldLease* held);  // perhaps null
  void forget_leases(std::uint32_t holder, std::uint32_t home);

  [[nodiscard]] Forger forger(std::uint32_t self, std::uint32_t victim) const;
  [[nodiscard]] std::uint64_t incarnation_of(std::uint32_t id) const { return id * 1000ULL; }

  Input input_;
  ProgramMemory memory_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::set<Link> connected_;
  std::map<Link, Letter> arriving_;  // whose payload has a place already
  bool leases_ = false;              // some host has a device
  std::vector<HeldLease> held_;
  std::vector<LeaseId> granted_;
  bool hostile_peers_ = false;  // some message was not a Driver's
  std::int32_t next_pid_ = 100;
};

}  // namespace netbinder::fuzz
