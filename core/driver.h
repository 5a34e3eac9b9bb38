// SPDX-License-Identifier: Apache-2.0
//
// The binder driver of one host, as a deterministic state machine: events in (the functions of this
// class), effects out (core/model/effects.h). It does no I/O and has no clock, threads or
// randomness of its own. It owns the Model and the parts that act on it, and has no rules itself.
//
// Thread: all calls from one thread. Events are handled to the end: a thread that an event wakes
// goes on with its read before the event returns.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "core/base/peer_service_manager.h"
#include "core/base/stored_claim.h"
#include "core/model/credentials.h"
#include "core/model/driver_setup.h"
#include "core/model/effects.h"
#include "core/model/transaction_log.h"
#include "core/model/write_read.h"
#include "core/view/plain_views.h"
#include "core/view/viewer.h"
#include "core/wire/lease.h"
#include "core/wire/payload_place.h"
#include "core/wire/peer_message.h"
#include "core/wire/version.h"

namespace netbinder {

// Types that are not complete here are in core/base/statistics.h, core/model/call_observer.h, and
// core/view/.
class CallObserver;
class DebugCollection;
class LoadCollection;
class UsageCollection;
struct DebugState;
struct ObjectCounts;
struct Statistics;

class Driver {
 public:
  // The largest arena. Only this much of a larger mapping is used.
  static constexpr std::uint64_t kMaxArenaBytes = 4U << 20;
  static constexpr std::size_t kMaxContexts = 256;

  Driver(DriverSetup setup, Effects& effects);
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // ---- processes ----
  // -ENXIO: no such context, -EMFILE: too many processes, of this user or altogether.
  std::expected<ProcessId, int> open(std::string_view context, Credentials credentials);
  // The last descriptor is gone: the process dies, and the memory of its arena is touched no more.
  // A large process ends in slices: go_on() does the rest.
  void close(ProcessId process);
  // Some descriptor was closed: threads blocked in a read return.
  void flush(ProcessId process);
  // mmap: `memory` is the arena here, `user_address` where the program has it. -EBUSY: it has one.
  int map_arena(ProcessId process, std::uint64_t user_address, std::span<std::byte> memory);

  // munmap of these addresses. If the arena began there, nothing can be received any more.
  void unmap_arena(ProcessId process, std::uint64_t address, std::uint64_t bytes);
  // The program that has the arena has ended, though others still have its descriptor.
  void mapping_lost(ProcessId process);
  // The program's effective user has changed. Calls that were made before keep the old one.
  void set_euid(ProcessId process, std::uint32_t euid);

  // Adds a context, which stays until it is removed. -EEXIST; -ENOSPC: there are kMaxContexts.
  int add_context(ContextSetup setup);
  // ---- the host's policy (core/model/access_rules.h) ----
  // Replaces the rules for who may manage a context. A manager stays one.
  void set_manage_rules(std::string_view context, AccessRules rules);
  // Sets who may call the node that a handle of `holder` leads to. Only nodes of this host have
  // rules; without any, everybody who has the node may call it.
  void set_call_rules(ProcessId holder, Handle handle, AccessRules rules);
  // The program whose synchronous call that thread of a process handles now. Its groups are valid
  // until the next event. Nothing: it handles none, or its caller has gone.
  struct Caller {
    Subject subject;
    std::int32_t pid = 0;  // 0: on another host
  };
  [[nodiscard]] std::optional<Caller> caller_of(ProcessId process, ThreadId thread) const;
  // The user of the program that owns the node of a handle; nothing unless it is a node of this
  // host.
  [[nodiscard]] std::optional<std::uint32_t> owner_of(ProcessId holder, Handle handle) const;
  // A process of this host's own has denied something in its answer to a call.
  void tell_denial(ProcessId process, const Denial& denial);

  // Takes over the bounds of processes, threads, nodes and users, the users of other hosts, and the
  // arbiter of context managers with the number of the list that names it. Whatever exceeds a new
  // bound already stays.
  void change(const DriverSetup& setup);
  // Removes the device; processes that have it open keep it. 0; -ENOENT; or -EPERM for a context of
  // cluster scope or with a built-in manager.
  int remove_context(std::string_view name);
  [[nodiscard]] bool has_context(std::string_view name) const;

  // ---- long work, done in slices with other events in between ----
  // Processes that are ending (core/local/teardown.h), and freezes that are being told
  // (core/local/freezes.h). While there are any, go_on() is to be called soon and again.
  [[nodiscard]] bool has_more() const;
  void go_on();

  // ---- ioctls; each ends with Effects::ioctl_done, perhaps before the call returns ----
  void write_read(ProcessId process, ThreadId thread, const WriteReadRequest& request);
  // Whether a call or a reply among these commands of that thread would go to another host.
  [[nodiscard]] bool leads_elsewhere(ProcessId process, ThreadId thread,
                                     std::span<const std::byte> commands) const;
  // Any other ioctl. `argument` is the structure that the program's pointer leads to. It is read
  // and written in place if the ioctl is done when this returns (those that wait do not write).
  // Empty `argument` means the pointer was bad.
  void control(ProcessId process, ThreadId thread, std::uint32_t command,
               std::span<std::byte> argument);
  // Brings all posted reads here, so that views show who waits.
  void take_posted_reads();
  // A signal arrived: if the thread's ioctl waits, it ends with -EINTR.
  void interrupt(ProcessId process, ThreadId thread);
  // The descriptors of Effects::install_files, in order; or the error why none was installed.
  void files_installed(ProcessId process, ThreadId thread,
                       std::expected<std::span<const int>, int> fds);

  // ---- time ----
  // Sets the time, in milliseconds or microseconds of any monotonic clock; any event may follow.
  void set_time(std::uint64_t now_ms);
  void set_time_us(std::uint64_t now_us);
  [[nodiscard]] std::uint64_t now_us() const;
  void timer_expired();

  // ---- peers; not on a host that is alone (DriverSetup::reach) ----
  void peer_connected(HostId host, Incarnation incarnation, std::string name,
                      WireVersion version = kNewestVersion);
  void peer_lost(HostId host);
  // A `lease` of that peer's ends here: the payload is in its space already. There is no place if
  // the message is not for the lease's process, or is larger than its space.
  PayloadPlace payload_arriving(HostId host, const PeerMessage& message, LeaseId lease = {});
  void payload_abandoned(HostId host);
  void message_arrived(HostId host, PeerMessage message);
  // Lends space for a payload of that peer's, which nobody touches here until the lease ends.
  // Nothing if there is no room, or if the peer may not name the recipient.
  std::optional<Lease> lease(HostId host, const LeaseRequest& request);
  // Ends an unused lease and frees its space. Leases of processes that died have ended already.
  void end_lease(HostId host, LeaseId lease);

  // ---- claims that a store decides (DriverSetup::claims_by) ----
  // The answer to the oldest Effects::ask_for_claim of the context that has none yet.
  void claim_answered(std::string_view context, ClaimAnswer answer);
  // A claim that was granted holds no more, or soon will not: this host's manager is deposed.
  void claim_lost(std::string_view context);
  // The claim of the context has this holder now, on this host or another one; nothing: none.
  void claim_held(std::string_view context, std::optional<ClaimHolder> holder);

  // ---- the built-in service manager ----
  // Makes the node `ptr` of `process` the one that handle 0 leads to while no process is manager.
  // The built-in manager of each other host gets a node of its own, which is given to no other
  // host: its ptr is `peer_ptr` plus the host's number.
  void set_builtin_manager(ProcessId process, std::uint64_t ptr, std::uint64_t peer_ptr);
  using PeerServiceManager = netbinder::PeerServiceManager;
  // Peers' built-in managers that became known since the last call, for the process that has this
  // host's built-in manager.
  std::vector<PeerServiceManager> take_new_peer_managers(ProcessId builtin);
  [[nodiscard]] bool has_new_peer_managers() const;

  // ---- those who follow calls ----
  // Null: nobody does. It outlives the driver, or is taken away before.
  void observe_calls(CallObserver* observer);

  // ---- views ----
  using Counts = DriverCounts;
  using ProcessView = netbinder::ProcessView;
  using ContextView = netbinder::ContextView;
  using Holders = NodeHolders;
  [[nodiscard]] Counts counts() const;
  [[nodiscard]] const Statistics& statistics() const;
  [[nodiscard]] std::vector<ProcessView> processes() const;
  [[nodiscard]] std::vector<ContextView> contexts() const;
  // The users that have a process, by uid.
  [[nodiscard]] const std::map<std::uint32_t, UserUsage>& users() const;
  [[nodiscard]] std::int32_t pid_of(ProcessId process) const;
  [[nodiscard]] std::string context_of(ProcessId process) const;
  // The home host of the node that a handle of a process leads to; none if that is no live node.
  [[nodiscard]] std::optional<HostId> home_of(ProcessId process, Handle handle) const;
  // The other holders of a strong reference to the node that a handle of a process leads to:
  // neither the process itself nor the node's owner. Of an imported node, only this host's holders
  // are known.
  [[nodiscard]] Holders other_holders(ProcessId process, Handle handle) const;
  // The references held between this host and each peer, by host. For tests and the simulator.
  [[nodiscard]] std::vector<PeerLedger> ledgers() const;
  // The contents of the driver's debug files, to be made in slices: of one program, or of all (0).
  [[nodiscard]] DebugCollection collect(const Viewer& viewer, std::int32_t pid = 0) const;
  // The sums of what programs use, to be made in slices.
  [[nodiscard]] UsageCollection collect_usage() const;
  // The load of each program that the viewer sees, to be made in slices.
  [[nodiscard]] LoadCollection collect_loads(const Viewer& viewer) const;
  [[nodiscard]] std::uint64_t processes_opened() const;
  // All at once. Work in proportion to what the viewer sees.
  [[nodiscard]] DebugState debug_state(const Viewer& viewer = {}) const;
  [[nodiscard]] std::vector<TransactionLogEntry> log(const Viewer& viewer) const;
  [[nodiscard]] std::vector<TransactionLogEntry> failed_log(const Viewer& viewer) const;
  [[nodiscard]] ObjectCounts object_counts() const;
  [[nodiscard]] const TransactionLog& log() const;
  [[nodiscard]] const TransactionLog& failed_log() const;
  [[nodiscard]] std::string host_name(HostId host) const;
  // The number of this host's list of hosts, and of a peer's as it has told it; 0: it has none.
  [[nodiscard]] ListNumber host_list() const;
  [[nodiscard]] ListNumber host_list_of(HostId peer) const;
  // Aborts if any structure contradicts another. For tests and the simulator.
  void check_invariants() const;

 private:
  // The Model and the parts that act on it, which no other floor sees.
  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace netbinder
