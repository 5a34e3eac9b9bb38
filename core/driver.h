// SPDX-License-Identifier: Apache-2.0
//
// The binder driver of one host, as a deterministic state machine: events in (the public
// functions), effects out (core/effects.h). No I/O, no clock, no threads, no randomness of its own.
//
// Thread: all calls from one thread. Events are handled to the end: a thread woken by an event
// continues its read before the event returns.
//
// The implementation is spread over files by concern:
//   driver.cc         processes, ioctls, the end of an event     control.cc     other ioctls
//   command_stream.cc BC_* commands                              read_side.cc   BR_* commands
//   call.cc           calls and replies                          translation.cc objects in payloads
//   references.cc     nodes and refs                             death.cc       death notifications
//   freeze.cc         freezing                                   release.cc     teardown
//   peers.cc          peer sessions and ledgers                  peer_calls.cc  calls between hosts
//   managers.cc       context managers                           inspect.cc     views, invariants
//   debug_view.cc     what the debug files tell                  placement.cc   payloads arriving
//   leases.cc         space lent to peers                        adoption.cc    arrived payloads
#pragma once

#include <array>
#include <boost/container/flat_map.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.h"
#include "core/debug_view.h"
#include "core/effects.h"
#include "core/ids.h"
#include "core/lease.h"
#include "core/peer.h"
#include "core/peer_message.h"
#include "core/pool.h"
#include "core/process.h"
#include "core/statistics.h"
#include "core/transaction_log.h"
#include "core/uapi.h"

namespace netbinder {

struct ContextSetup {
  std::string name;
  bool cluster_wide = true;
};

struct DriverSetup {
  HostId host{1};
  std::string host_name = "localhost";
  Incarnation incarnation{1};
  HostId arbiter{1};  // decides who is context manager in contexts of cluster scope
  std::vector<ContextSetup> contexts;
  std::size_t max_processes = 4096;
  std::size_t max_threads_per_process = 512;
  std::size_t max_nodes_per_process = 1U << 20;
  std::uint64_t max_message_bytes = 4U << 20;  // all parts of a payload to another host
};

// A BINDER_WRITE_READ. The commands were copied from the program already and are only used during
// the call; the read buffer stays valid until ioctl_done.
struct WriteReadRequest {
  std::span<const std::byte> commands;
  bool reads = false;      // read_size was not 0
  bool fresh_read = true;  // read_consumed was 0
  bool nonblocking = false;
  std::int32_t nice = 0;  // the thread's
  std::span<std::byte> read_buffer;
};

// One arrived payload's place, see PeerEvents::payload_arriving.
struct PayloadPlace {
  ProcessId process;
  std::span<std::byte> bytes;  // empty: nowhere, discard
};

class Driver {
 public:
  // A mapping is never larger than this; a longer one is cut.
  static constexpr std::uint64_t kMaxArenaBytes = 4U << 20;
  static constexpr std::size_t kMaxFilesOfMessage = 253;  // of one call or reply to another host

  Driver(DriverSetup setup, Effects& effects);
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // ---- processes (driver.cc, release.cc) ----
  // -ENXIO: no such context, -EMFILE: too many processes.
  std::expected<ProcessId, int> open(std::string_view context, Credentials credentials);
  // The last descriptor is gone: the process dies.
  void close(ProcessId process);
  // Some descriptor was closed: threads blocked in a read return.
  void flush(ProcessId process);
  // mmap: `memory` is the arena here, `user_address` where the program has it. -EBUSY: has one.
  int map_arena(ProcessId process, std::uint64_t user_address, std::span<std::byte> memory);

  // A further context; for good. -EEXIST, -ENOSPC: kMaxContexts.
  static constexpr std::size_t kMaxContexts = 256;
  int add_context(ContextSetup setup);
  [[nodiscard]] bool has_context(std::string_view name) const;

  // ---- ioctls; each ends with Effects::ioctl_done, perhaps before the call returns ----
  void write_read(ProcessId process, ThreadId thread, const WriteReadRequest& request);
  // Any other ioctl. `argument` is what the program's pointer leads to, read and written in place
  // if the ioctl is done when this returns (of those that wait, none writes).
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
  // Tells the time; any event may follow. Milliseconds of any monotonic clock.
  void set_time(std::uint64_t now_ms) { now_ms_ = now_ms; }
  void timer_expired();

  // ---- peers (peers.cc, peer_calls.cc, placement.cc) ----
  void peer_connected(HostId host, Incarnation incarnation, std::string name);
  void peer_lost(HostId host);
  // With a `lease` of that peer's, which ends: the payload is in its space already. Nowhere, if the
  // message is not for the process whose space it is, or larger than it.
  PayloadPlace payload_arriving(HostId host, const PeerMessage& message, LeaseId lease = {});
  void payload_abandoned(HostId host);
  void message_arrived(HostId host, PeerMessage message);

  // ---- leases (leases.cc) ----
  // That a peer may have unused in one process, of those `ahead`.
  static constexpr std::size_t kMaxAheadLeases = 64;
  // Of a call's security context, with its final zero.
  static constexpr std::uint32_t kMaxLeaseContextBytes = 4097;
  // Space for a payload of that peer's, which nobody touches here until the lease ends. Nothing, if
  // there is no room or the recipient is not the peer's to name.
  std::optional<Lease> lease(HostId host, const LeaseRequest& request);
  // It will not be used: the space is free again. Leases of processes that died have ended.
  void end_lease(HostId host, LeaseId lease);

  // ---- the built-in service manager (managers.cc) ----
  // Makes the node `ptr` of `process` the one handle 0 leads to while no process is manager, and
  // `peer_ptr` the one that other hosts' built-in managers, and nobody else, are given.
  void set_builtin_manager(ProcessId process, std::uint64_t ptr, std::uint64_t peer_ptr);
  struct PeerServiceManager {
    HostId host;
    Handle handle;  // in the built-in manager's process, with one strong reference
  };
  // Peers' built-in managers that became known since the last call, for the process that is this
  // host's own.
  std::vector<PeerServiceManager> take_new_peer_managers(ProcessId builtin);
  [[nodiscard]] bool has_new_peer_managers() const { return !new_peer_managers_.empty(); }

  // ---- views (inspect.cc) ----
  struct Counts {
    std::size_t processes, threads, nodes, refs, transactions, deaths, buffers;
    std::size_t leases;  // whose buffers are not counted
  };
  [[nodiscard]] Counts counts() const;
  [[nodiscard]] const Statistics& statistics() const { return statistics_; }
  struct ProcessView {
    ProcessId id;
    std::int32_t pid;
    std::string context;
    std::size_t threads, nodes, refs, buffers;
    std::uint64_t arena_bytes;
    std::uint64_t free_async_bytes;
  };
  [[nodiscard]] std::vector<ProcessView> processes() const;
  struct ContextView {
    std::string name;
    bool cluster_wide;
    std::string manager;  // "none", "builtin", "pid N" or "host NAME"
  };
  [[nodiscard]] std::vector<ContextView> contexts() const;
  [[nodiscard]] std::int32_t pid_of(ProcessId process) const;
  [[nodiscard]] std::string context_of(ProcessId process) const;
  // The home host of what a handle of a process leads to; none if it is no live node.
  [[nodiscard]] std::optional<HostId> home_of(ProcessId process, Handle handle) const;
  // Who, beside the process itself and the owner, holds a strong reference to what a handle of a
  // process leads to. Of an imported node only this host's are known. Work in proportion to the
  // owner's buffers.
  struct Holders {
    bool here = false;  // a process of this host, or a call on its way
    std::vector<HostId> peers;
  };
  [[nodiscard]] Holders other_holders(ProcessId process, Handle handle) const;
  // By host. For tests and the simulator.
  [[nodiscard]] std::vector<PeerLedger> ledgers() const;
  // What the driver's debug files tell (debug_view.cc). Work in proportion to all there is.
  [[nodiscard]] DebugState debug_state() const;
  [[nodiscard]] ObjectCounts object_counts() const;
  [[nodiscard]] const TransactionLog& log() const { return log_; }
  [[nodiscard]] const TransactionLog& failed_log() const { return failed_log_; }
  [[nodiscard]] std::string host_name(HostId host) const;
  // Aborts if any structure contradicts another. For tests and the simulator.
  void check_invariants() const;

 private:
  // Why a call failed, and where that was decided: the logs tell the line, as the kernel's do.
  struct Failure {
    Failure(std::uint32_t with_command, std::int32_t with_error,
            std::source_location where = std::source_location::current())
        : command(with_command), error(with_error), line(where.line()) {}
    std::uint32_t command;  // BR_FAILED_REPLY, BR_DEAD_REPLY, BR_FROZEN_REPLY
    std::int32_t error;     // negative errno
    std::uint32_t line;
    const char* reason = nullptr;  // static text, for the log
  };
  enum class Step { kContinue, kSuspend };
  using StepResult = std::expected<Step, int>;
  enum class RefKind : std::uint8_t { kWeak, kStrong };

  struct OutgoingCall {
    Peer* peer = nullptr;                // null: a local call other hosts know of
    Transaction* transaction = nullptr;  // synchronous
    Thread* waiting = nullptr;           // its ioctl goes on when the call is accepted
    std::uint32_t debug_id = 0;
  };
  struct Handoff {
    Node* node;
    RefKind kind;
    HostId recipient;
  };

  // driver.cc
  Process* find_process(ProcessId id);
  [[nodiscard]] const Process* find_process(ProcessId id) const;
  Thread* get_thread(Process& process, ThreadId tid);
  // By ptr: the order in which one event reaches them.
  static std::vector<Node*> nodes_in_order(const Process& process);
  void finish_ioctl(Thread& thread, int error);
  void finish_event();
  void touch(Process& process);
  void note_ready(Thread& thread);
  void make_runnable(Thread& thread);
  [[nodiscard]] bool would_find_work(const Process& process) const;

  // command_stream.cc
  // Runs the commands from io.write_consumed on; true when they are done, false when suspended.
  std::expected<bool, int> run_commands(Thread& thread);
  StepResult run_command(Thread& thread, std::uint32_t command, std::span<const std::byte> payload);
  void continue_commands(Thread& thread);
  void command_free_buffer(Thread& thread, std::uint64_t address);
  void command_register_looper(Thread& thread);
  void command_reference(Thread& thread, std::uint32_t command, Handle handle);
  void command_reference_done(Thread& thread, bool strong, const binder_ptr_cookie& target);

  // posted_reads.cc
  [[nodiscard]] static bool may_post_read(const Thread& thread);
  static void let_post_read(Thread& thread);
  static void end_posting(Thread& thread);
  // Of a thread that may post, before there is work for it; it waits then. False: it has none.
  bool take_posted_read(Thread& thread);
  bool take_a_posted_read(Process& process);  // the latest

  // read_side.cc
  void start_read(Thread& thread);
  void begin_read(Thread& thread);
  static void wait_for_work(Thread& thread);
  void continue_read(Thread& thread);
  [[nodiscard]] static bool available_for_process_work(const Thread& thread);
  [[nodiscard]] bool has_work(const Thread& thread, bool process_work) const;
  enum class Delivered { kMore, kStop, kSuspended };
  Delivered deliver(Thread& thread, Work& work);
  Delivered deliver_transaction(Thread& thread, Transaction& transaction);
  void emit_transaction(Thread& thread, Transaction& transaction);
  static void lend_nice(Thread& thread, Transaction& transaction, const Node& node);
  void deliver_node(Thread& thread, Node& node);
  void end_read(Thread& thread);
  void put(Thread& thread, const void* bytes, std::size_t size);
  template <typename T>
  void put_command(Thread& thread, std::uint32_t command, const T& payload);
  void put_command(Thread& thread, std::uint32_t command);
  void count_told(Thread& thread, std::uint32_t command);

  // todo lists (read_side.cc)
  void queue_thread_work(Thread& thread, Work& work);
  void queue_deferred_thread_work(Thread& thread, Work& work);
  void pay_completion(Thread& thread, Transaction& transaction);
  void queue_process_work(Process& process, Work& work);
  void queue_own_work(Thread& thread, Work& work);  // to a looper itself, else its process
  Thread* select_waiting_thread(Process& process);
  void wake_process(Process& process);
  void wake(Thread& thread);

  // call.cc
  StepResult command_transaction(Thread& thread, const binder_transaction_data& data,
                                 std::uint64_t extra_size, bool is_reply);
  std::expected<Step, Failure> call(Thread& thread, const binder_transaction_data& data,
                                    std::uint64_t extra_size, TransactionLogEntry& entry);
  std::expected<void, Failure> reply(Thread& thread, const binder_transaction_data& data,
                                     std::uint64_t extra_size, TransactionLogEntry& entry,
                                     Transaction*& in_reply_to);
  void log_failure(TransactionLogEntry entry, const Failure& failure);
  // A call or reply of `sender`, with what every one has of its data.
  Transaction& new_transaction(const Thread& sender, const binder_transaction_data& data,
                               std::uint32_t debug_id);
  // Queues a call whose buffer is filled at its target. An error leaves it to the caller.
  // On success, the command that tells the caller of a oneway call where it is.
  std::expected<std::uint32_t, Failure> queue_call(Transaction& transaction, Process& target,
                                                   Thread* target_thread);
  void queue_reply(Transaction& transaction, Transaction& in_reply_to);
  Thread* nested_target(const Thread& thread, const Process& target) const;
  // The end of a synchronous call, or of the one that its caller was handling if that is gone; told
  // when its caller is done with what it handles meanwhile.
  void send_failed_reply(Transaction* transaction, Failure failure);
  // Takes the transaction off the top of its caller's stack.
  void pop_transaction(Thread& thread, Transaction& transaction);
  void set_stack(Thread& thread, Transaction* top);
  void tell_doom(Thread& thread);  // of a call that failed while its caller handled another
  // Whether its caller is yet to be done with another call, which came meanwhile.
  static bool handles_another(const Transaction& transaction);
  // From everything but the stacks: nothing of it is left at its target.
  void detach(Transaction& transaction);
  void free_transaction(Transaction& transaction);
  void discard_transaction(Transaction& transaction, Failure failure);
  [[nodiscard]] std::string security_context_of(const Process& sender) const;
  std::expected<Buffer*, Failure> allocate_buffer(Process& target, PayloadShape& shape,
                                                  std::string_view security_context, bool async,
                                                  std::int32_t sender_pid,
                                                  std::uint64_t& context_offset,
                                                  Buffer* lent = nullptr);

  // translation.cc
  struct LocalTarget;
  struct PeerTarget;
  template <typename Target>
  friend class Translator;
  std::expected<Node*, int> node_of_binder(Process& process, const flat_binder_object& object);
  // Copies and translates a payload of a thread into a buffer of a process on this host.
  std::expected<void, Failure> translate_to_process(Thread& sender,
                                                    const binder_transaction_data& data,
                                                    Process& target, Buffer& buffer,
                                                    bool accept_fds, Transaction& transaction);
  // The same for a peer: fills the image and the table of objects.
  std::expected<void, Failure> translate_to_peer(Thread& sender,
                                                 const binder_transaction_data& data, Peer& peer,
                                                 const PayloadShape& shape, bool accept_fds,
                                                 Payload& image, std::vector<WireObject>& objects);
  static void clear_gaps(const PayloadShape& shape, std::span<std::byte> image);

  // adoption.cc
  struct Adoption;
  // Gives the objects of an arrived payload their meaning in the receiver.
  std::expected<std::vector<FileFixup>, Failure> adopt_payload(Peer& peer,
                                                               const PayloadShape& shape,
                                                               std::span<const WireObject> objects,
                                                               Process& target, Buffer& buffer,
                                                               bool accept_fds);
  // Takes what a payload that is not wanted brings, and gives it back.
  void disown_payload(Peer& peer, std::span<const WireObject> objects);

  // translation.cc
  // Lets go of what the first `count` objects of a buffer hold.
  void release_objects(Process& process, Buffer& buffer, std::size_t count);
  void release_object(Process& process, const HeldObject& held);
  static HeldObject held_by(const flat_binder_object& object);
  // The same, and frees the buffer.
  void release_buffer(Process& process, Buffer& buffer,
                      std::size_t count = static_cast<std::size_t>(-1));
  void drop_files(std::vector<FileFixup>& files);

  // references.cc
  Node& create_node(Process& owner, std::uint64_t ptr, std::uint64_t cookie, std::uint32_t flags);
  void destroy_node(Node& node);
  void dequeue_node_work(Node& node);
  // `holder_thread`: the thread on whose todo list the owner hears of it; null where the driver
  // refuses a first reference. False: refused.
  bool increment_node(Node& node, RefKind kind, bool from_ref, Thread* holder_thread);
  void decrement_node(Node& node, RefKind kind, bool from_ref);
  void drop_node_if_unused(Node& node);
  Ref& get_ref(Process& process, Node& node);
  Ref& get_ref(Peer& peer, Node& node);
  bool increment_ref(Ref& ref, RefKind kind, Thread* holder_thread);
  void decrement_ref(Ref& ref, RefKind kind);
  void destroy_ref(Ref& ref);
  std::expected<Handle, int> increment_ref_for_node(Process& process, Node& node, RefKind kind,
                                                    Thread* holder_thread);
  Node* node_of_handle(Process& process, Handle handle, bool need_strong);

  // death.cc
  void request_death(Thread& thread, const binder_handle_cookie& request);
  void clear_death(Thread& thread, const binder_handle_cookie& request);
  void death_done(Thread& thread, std::uint64_t cookie);
  void node_died(Node& node);
  void destroy_death(DeathNotification& death);

  // freeze.cc
  [[nodiscard]] static bool calls_pending(const Process& process);
  std::vector<Process*> processes_of_pid(std::int32_t pid);  // latest first
  static void begin_freeze(Process& process, bool frozen);
  // Nothing: the thread waits.
  std::optional<int> freeze(Thread& thread, const binder_freeze_info& info);
  int end_freeze(std::int32_t pid);
  void check_freeze_waiters();
  void abandon_freeze(Thread& thread);
  int frozen_info(binder_frozen_status_info& info);
  void notify_freeze(Process& process);
  void tell_freeze(Ref& ref, bool frozen);
  void end_freeze_state_waits(HostId home, std::optional<NodeNumber> node);
  void handle(Peer& peer, peer::WatchFreeze& message);
  void handle(Peer& peer, peer::FreezeState& message);
  StepResult request_freeze_notification(Thread& thread, const binder_handle_cookie& request);
  int clear_freeze_notification(Thread& thread, const binder_handle_cookie& request);
  int freeze_notification_done(Thread& thread, std::uint64_t cookie);

  // control.cc
  std::optional<int> run_control(Thread& thread, std::uint32_t command,
                                 std::span<std::byte> argument);
  int node_debug_info(Process& process, binder_node_debug_info& info);
  int node_info_for_ref(Process& process, binder_node_info_for_ref& info);

  // debug_view.cc
  [[nodiscard]] TransactionView view_of(const Transaction& transaction) const;
  [[nodiscard]] WorkView view_of(const Work& work) const;
  [[nodiscard]] ThreadView view_of(const Thread& thread) const;
  [[nodiscard]] NodeView view_of(const Node& node) const;
  [[nodiscard]] ProcessDebugView view_of(const Process& process) const;

  // release.cc
  void release_thread(Thread& thread);
  void release_process(Process& process);
  void release_node(Node& node);
  void release_work(TodoList& list);

  // peers.cc
  Peer* find_peer(HostId host);
  WireNode export_node(Peer& peer, Node& node, RefKind kind, Thread* holder_thread);
  void unexport_node(Peer& peer, const WireNode& wire);
  // The node a wire reference names, holding one received reference (or a claim of one). A dead
  // node if it cannot be reached any more. An error is the peer's fault.
  std::expected<Node*, std::string> import_node(Peer& peer, const WireNode& wire);
  Node& imported_node(Peer& home, NodeNumber number);
  Node& foreign_node(const NodeIdentity& identity);
  Node& dead_node(const NodeIdentity& identity);
  void give_back(Node& node);
  void imported_node_died(Node& node);
  void finish_handoff(HandoffId handoff);
  void handle(Peer& peer, peer::ReleaseRefs& message);
  void handle(Peer& peer, peer::NodeDied& message);
  void handle(Peer& peer, peer::ClaimRef& message);
  void handle(Peer& peer, peer::ClaimResult& message);
  void handle(Peer& peer, peer::HandoffDone& message);
  void handle(Peer& peer, peer::FileMessage& message);

  // peer_calls.cc
  std::expected<Step, Failure> call_peer(Thread& thread, Node& node,
                                         const binder_transaction_data& data,
                                         std::uint64_t extra_size, TransactionLogEntry& entry);
  std::expected<void, Failure> reply_to_peer(Thread& thread, const binder_transaction_data& data,
                                             std::uint64_t extra_size, Transaction& in_reply_to);
  std::vector<CallAncestor> ancestors_of(const Thread& thread, CallId own);
  Thread* nested_target(const std::vector<CallAncestor>& ancestors, const Process& target) const;
  void forget_call(Transaction& transaction);
  [[nodiscard]] static bool commands_follow(const Thread& thread);
  // The caller of a call that was not queued is told, as if the call had failed here.
  void refuse_call(Thread& thread, std::uint32_t debug_id, Failure failure);
  void end_outgoing(CallId id, Failure failure, bool was_queued);
  // Whether the caller's ioctl is the one that made the call.
  [[nodiscard]] static bool waits_in(const Transaction& transaction);
  void go_on(Thread& thread);  // with the commands behind what it waited for
  void fail_to_peer(Transaction& transaction, Failure failure);
  TransactionLogEntry log_entry(const Peer& from, TransactionLogEntry::Kind kind,
                                const PayloadShape& shape);
  std::expected<std::uint32_t, Failure> accept_call(Peer& peer, peer::Call& message,
                                                    const ArrivingPayload& arrived,
                                                    std::uint32_t debug_id);
  void handle(Peer& peer, peer::Call& message);
  void handle(Peer& peer, peer::Reply& message);
  void handle(Peer& peer, peer::CallFailed& message);
  void handle(Peer& peer, peer::CallAccepted& message);

  // placement.cc
  void release_arriving(const ArrivingPayload& arrived);
  // What a peer can name of ours: a node to call, a call to answer. Null: not so, or no more.
  Node* callable_node(Peer& peer, NodeNumber number);
  Process* awaiting_process(Peer& peer, CallId call);
  std::expected<ArrivingPayload, Failure> place(Peer& peer, const PeerMessage& message,
                                                LeaseId lease);
  std::expected<ArrivingPayload, Failure> take_arriving(Peer& peer, PeerMessage& message);

  // leases.cc
  void release_lease(LeasedSpace& lease);
  // It is its holder's no more; its buffer is the caller's to use or to release.
  Buffer& take_back(LeasedSpace& lease);
  void check_leases() const;

  // managers.cc
  Context* find_context(std::string_view name);
  std::optional<int> become_manager(Thread& thread, std::uint64_t ptr, std::uint64_t cookie,
                                    std::uint32_t flags);
  int install_manager(Process& process, std::uint64_t ptr, std::uint64_t cookie,
                      std::uint32_t flags);
  [[nodiscard]] std::optional<int> refuse_manager(const Process& process) const;
  void hold_manager(Node& node);
  void manager_gone(Context& context);
  void drop_remote_manager(Context& context);
  void announce_manager(Peer& peer, Context& context);
  void announce_claimed_manager(Context& context);
  void claim_decided(Context& context, bool granted);
  void handle(Peer& peer, peer::ClaimContext& message);
  void handle(Peer& peer, peer::ContextClaimResult& message);
  void handle(Peer& peer, peer::ContextReleased& message);
  void handle(Peer& peer, peer::ContextManager& message);
  void handle(Peer& peer, peer::ServiceManager& message);

  DriverSetup setup_;
  Effects& effects_;
  Statistics statistics_;
  TransactionLog log_;
  TransactionLog failed_log_;
  std::uint64_t now_ms_ = 0;

  std::vector<std::unique_ptr<Context>> contexts_;
  boost::unordered_flat_map<std::uint64_t, std::unique_ptr<Process>> processes_;
  boost::container::flat_map<HostId, std::unique_ptr<Peer>> peers_;
  boost::unordered_flat_map<NodeNumber, Node*, std::hash<NodeNumber>> exported_;
  // Those that somebody here still refers to. One node for each identity, so one handle.
  boost::unordered_flat_map<NodeIdentity, Node*, std::hash<NodeIdentity>> dead_nodes_;
  boost::unordered_flat_map<CallId, OutgoingCall, std::hash<CallId>> outgoing_;
  boost::unordered_flat_map<HandoffId, Handoff, std::hash<HandoffId>> handoffs_;
  struct NewManager {
    std::string context;
    HostId host;
    Node* node;  // a local strong reference
  };
  std::vector<NewManager> new_peer_managers_;

  Pool<Node> nodes_;
  Pool<Ref> refs_;
  Pool<Transaction> transactions_;
  Pool<CompletionWork> completions_;
  Pool<DeathNotification> deaths_;
  Pool<FreezeNotification> freezes_;
  Pool<LeasedSpace> leases_;

  std::vector<Thread*> freeze_waiters_;
  std::vector<Thread*> freeze_state_waiters_;
  bool calls_ended_ = false;  // freeze_waiters_ may go on

  // Of the event being handled.
  std::vector<Thread*> runnable_;
  std::vector<Process*> touched_;
  std::vector<Node*> giving_back_;
  std::vector<int> close_fds_;

  std::uint64_t threads_created_ = 0;
  std::uint64_t next_process_ = 1;
  std::uint64_t next_node_ = 1;
  std::uint64_t next_call_ = 1;
  std::uint64_t next_handoff_ = 1;
  std::uint64_t next_lease_ = 1;
  std::uint32_t next_debug_id_ = 1;
};

}  // namespace netbinder
