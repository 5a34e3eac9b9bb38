// SPDX-License-Identifier: Apache-2.0
//
// One host of a cluster: the wiring of driver, transport, the programs' process hosts, descriptors
// in flight and built-in service managers. The agent and the simulator own one each, and so run the
// same wiring in the same order. No I/O and no clock of its own; both are given to it.
//
// Events come from the transport (peer_events()), from process hosts (which call driver()), and
// from the timer. These steps follow an event, in this order:
//   after_event()  the built-in managers run, mostly until they have nothing to do, and the rest is
//                  left to go_on(); programs are answered,
//                  unless something is to go to the network first; peers that broke the protocol
//                  are given up.
//   go_on()        a slice of what is done in slices, as long as there is any.
//   flush()        the transport writes out what is queued, then programs are answered. The network
//                  comes first, as a program that is woken may take the processor.
// Events of peers and of the timer are followed by after_event() here; others that call the driver
// call it themselves. flush() is called once for each turn of the owner's loop.
//
// Owns the driver and the built-in managers. Everything it is given outlives it. Thread: the
// data-plane thread.
#pragma once

#include <boost/container/flat_set.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/stored_claim.h"
#include "core/driver.h"
#include "core/model/effects.h"
#include "host/files.h"
#include "host/host_work.h"
#include "host/policy/policy.h"
#include "host/process_host.h"
#include "host/service-manager/name_claims.h"
#include "host/service-manager/peer_question.h"
#include "host/surroundings.h"
#include "host/timer.h"
#include "transport/transport.h"

namespace netbinder {

class BuiltinManager;
class UniqueNames;
struct ServiceManagerSetup;

struct NodeHostSetup {
  DriverSetup driver;
  std::map<HostId, std::string> host_names;
  std::shared_ptr<const Policy> policy = {};  // null: everything is allowed
};

class NodeHost final : private Effects, private PeerEvents {
 public:
  NodeHost(NodeHostSetup setup, Timer& timer, Files& files, Surroundings& surroundings);
  // Programs get no more answers; peers still get the messages that the end of the core sends.
  ~NodeHost() override;
  NodeHost(const NodeHost&) = delete;
  NodeHost& operator=(const NodeHost&) = delete;

  // Receives the transport's events. The transport is attached before it starts; without one there
  // are no other hosts.
  [[nodiscard]] PeerEvents& peer_events() { return *this; }
  void attach(Transport& transport) { transport_ = &transport; }

  [[nodiscard]] Driver& driver() { return *driver_; }
  [[nodiscard]] const Driver& driver() const { return *driver_; }
  void set_time(std::uint64_t now_ms) { driver_->set_time(now_ms); }
  void set_time_us(std::uint64_t now_us) { driver_->set_time_us(now_us); }

  // Sets the names of the cluster's hosts, which may change.
  void set_host_names(std::map<HostId, std::string> names) { host_names_ = std::move(names); }

  // ---- policy and contexts ----
  // Replaces the policy of the contexts and of the built-in managers; not null.
  void set_policy(std::shared_ptr<const Policy> policy);
  [[nodiscard]] const std::shared_ptr<const Policy>& policy() const { return policy_; }
  // A further context, with the policy's rules; otherwise as Driver::add_context.
  int add_context(ContextSetup setup);

  // ---- processes, which others open in the driver ----
  void add_process(ProcessId process, ProcessHost& host);
  // Closes it in the driver; its ProcessHost is not called any more. `arena` is the memory that
  // ends with it.
  void close_process(ProcessId process, std::span<std::byte> arena);

  // ---- the built-in service managers ----
  void start_manager(ServiceManagerSetup setup);

  // ---- claims that a store decides, of contexts (see Driver) and of unique names (NameClaimKey)
  // ---- after_event() follows.
  void claim_answered(const std::string& claim, ClaimAnswer answer);
  void claim_lost(const std::string& claim);

  [[nodiscard]] std::span<const std::unique_ptr<BuiltinManager>> managers() const {
    return managers_;
  }

  // ---- questions to other hosts' agents (HostQuestions) ----
  // Answers those of other hosts.
  void answer_peers(PeerQuestion::AnswerFor answer);
  // Asks the agent of the host with that name, on behalf of a user of this host.
  void ask_peer(std::string_view host, std::uint32_t uid, const std::string& question,
                PeerQuestion::Heard heard);

  // ---- after events ----
  void after_event();
  void flush();
  // Work that is done in slices, between other events: the ends of large processes, and what is
  // left for the built-in managers. True if there was any; flush() follows, and then it is asked
  // again.
  bool go_on();
  [[nodiscard]] bool has_more() const { return managers_have_work_ || driver_->has_more(); }

  // ---- for the objects around it ----
  void timer_expired();
  // For relays: sends the peer a message about a descriptor.
  void send_about_file(HostId peer, peer::FileMessage message);
  // Ends the session with the peer after this event.
  void give_up(HostId peer, std::string reason) {
    to_give_up_.emplace_back(peer, std::move(reason));
  }

  // ---- views ----
  [[nodiscard]] std::size_t connected_peers() const { return connected_peers_; }
  [[nodiscard]] std::string_view name_of(HostId host) const;
  [[nodiscard]] const HostWork& work() const { return work_; }

 private:
  // ---- Effects ----
  int read_memory(ProcessId process, ThreadId thread, std::uint64_t address,
                  std::span<std::byte> into) override;
  std::expected<FileToken, int> take_file(ProcessId process, ThreadId thread, int fd) override;
  void drop_file(FileToken file) override;
  std::expected<FileNumber, FileRefusal> export_file(HostId peer, FileToken file) override;
  void withdraw_file(HostId peer, FileNumber file) override;
  std::expected<FileToken, int> import_file(HostId peer, FileNumber file) override;
  void install_files(ProcessId process, ThreadId thread, std::span<const FileToken> files) override;
  void ioctl_done(ProcessId process, ThreadId thread, const IoctlResult& result) override;
  std::optional<PostedRead> take_posted_read(ProcessId process, ThreadId thread) override;
  void readiness_changed(ProcessId process, bool readable) override;
  Payload new_payload(HostId peer, std::uint64_t bytes) override;
  void send(HostId peer, PeerMessage message, Payload payload) override;
  void give_up_peer(HostId peer, std::string_view reason) override;
  [[nodiscard]] bool is_member(HostId host) const override { return host_names_.contains(host); }
  void home_unreachable(HostId home, HostId passed_on_by) override {
    surroundings_.home_unreachable(home, passed_on_by);
  }
  void ask_for_claim(std::string_view context) override { surroundings_.ask_for_claim(context); }
  void release_claim(std::string_view context) override { surroundings_.release_claim(context); }
  void host_list_told(HostId peer, ListNumber number) override {
    surroundings_.host_list_told(peer, number);
  }
  void access_denied(const Denial& denial) override { surroundings_.access_denied(denial); }
  void set_timer(std::uint64_t deadline_ms) override;

  // ---- PeerEvents ----
  void session_established(HostId peer, Incarnation incarnation, WireVersion version) override;
  void session_lost(HostId peer) override;
  PayloadDestination payload_arriving(HostId peer, const PeerMessage& message,
                                      std::uint64_t payload_bytes, LeaseId lease) override;
  void payload_abandoned(HostId peer, const PeerMessage& message) override;
  void message_arrived(HostId peer, PeerMessage message) override;
  std::optional<LeasedPlace> lease_wanted(HostId peer, const LeaseRequest& request) override;
  void lease_ended(HostId peer, LeaseId lease) override;

  void run_managers();
  // The names of the context's manager, which there is as long as a claim of its names is there.
  [[nodiscard]] UniqueNames& unique_names(std::string_view context);
  // Sets the timer for the managers' next look, if one of them needs any.
  void begin_looking();
  void set_earliest_timer();
  [[nodiscard]] ProcessHost* host_of(ProcessId process) const;

  std::map<HostId, std::string> host_names_;
  std::shared_ptr<const Policy> policy_;  // never null
  Timer& timer_;
  Files& files_;
  Surroundings& surroundings_;
  Transport* transport_ = nullptr;
  std::unique_ptr<Driver> driver_;
  std::vector<std::unique_ptr<NameClaims>> name_claims_;  // of the managers
  std::vector<std::unique_ptr<BuiltinManager>> managers_;
  bool managers_have_work_ = false;
  PeerQuestion::AnswerFor answer_peer_;
  bool unsent_ = false;  // something was given to the transport since the last flush()
  boost::unordered_flat_map<std::uint64_t, ProcessHost*> processes_;
  std::vector<std::pair<HostId, std::string>> to_give_up_;
  std::size_t connected_peers_ = 0;
  HostWork work_;

  // Peers to which something was exported and not offered yet, and peers that may have offered
  // something since their last message that can name it. Nearly always empty.
  boost::container::flat_set<HostId> to_offer_;
  boost::container::flat_set<HostId> may_have_offered_;

  std::set<std::uint64_t> driver_deadlines_ms_;  // those that it asked for and has not had
  std::optional<std::uint64_t> look_deadline_ms_;
  std::optional<std::uint64_t> timer_deadline_ms_;  // what the timer is set to
};

}  // namespace netbinder
