// SPDX-License-Identifier: Apache-2.0
#include "core/driver.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/base/check.h"
#include "core/cluster/cluster.h"
#include "core/local/calls.h"
#include "core/local/command_stream.h"
#include "core/local/controls.h"
#include "core/local/freezes.h"
#include "core/local/ioctls.h"
#include "core/local/managers.h"
#include "core/local/read_side.h"
#include "core/local/teardown.h"
#include "core/model/access_control.h"
#include "core/model/model.h"
#include "core/model/no_hosts.h"
#include "core/view/debug_collection.h"
#include "core/view/debug_view.h"
#include "core/view/load_collection.h"
#include "core/view/usage_collection.h"
#include "core/view/views.h"

namespace netbinder {

struct Driver::Parts {
  Parts(DriverSetup setup, Effects& effects)
      : model(std::move(setup), effects),
        ioctls(model),
        read_side(model, ioctls),
        calls(model),
        freezes(model, ioctls),
        managers(model),
        commands(model, ioctls, read_side, calls, freezes),
        controls(freezes, managers),
        teardown(model, freezes, managers),
        cluster(model.setup.reach == Reach::kCluster
                    ? std::make_unique<Cluster>(model, ioctls, managers, calls, commands)
                    : nullptr),
        no_hosts(cluster ? nullptr : std::make_unique<NoHosts>()),
        views(model, cluster.get()),
        debug(model, views, cluster.get()) {
    model.elsewhere = cluster ? static_cast<Elsewhere*>(cluster.get()) : no_hosts.get();
  }

  [[nodiscard]] Process& process(ProcessId id) const {
    Process* process = model.find_process(id);
    NB_CHECK(process != nullptr);
    return *process;
  }

  // The thread of an ioctl that begins; null: it has failed already.
  Thread* begin_ioctl(ProcessId id, ThreadId tid) {
    Process& owner = process(id);
    Thread* thread = ioctls.thread(owner, tid);
    if (thread == nullptr) {
      model.effects.ioctl_done(id, tid, IoctlResult{.error = -ENOMEM});
      return nullptr;
    }
    NB_CHECK(thread->idle());
    owner.loopers().end_posting(*thread);
    return thread;
  }

  void finish_event() {
    model.end.run_all([this](Thread& thread) { read_side.go_on(thread); },
                      [this](std::int32_t pid) { freezes.calls_ended(pid); },
                      [this](Node& node) { model.elsewhere->give_back(node); },
                      [](Process& process) { process.loopers().tell_readiness(); });
    model.reports.event_ended();
  }

  Model model;
  Ioctls ioctls;
  ReadSide read_side;
  Calls calls;
  Freezes freezes;
  Managers managers;
  CommandStream commands;
  Controls controls;
  Teardown teardown;
  std::unique_ptr<Cluster> cluster;   // null on a host that is alone
  std::unique_ptr<NoHosts> no_hosts;  // null in a cluster
  Views views;
  DebugViews debug;
};

Driver::Driver(DriverSetup setup, Effects& effects)
    : parts_(std::make_unique<Parts>(std::move(setup), effects)) {
  for (const ContextSetup& context : parts_->model.setup.contexts)
    NB_CHECK(add_context(context) == 0);
}

Driver::~Driver() {
  while (parts_->cluster && !parts_->cluster->peers().all().empty()) {
    peer_lost(parts_->cluster->peers().all().begin()->first);
  }
  if (parts_->cluster) {
    parts_->cluster->stop_awaiting();
    parts_->finish_event();
  }
  while (!parts_->model.processes().empty()) close(parts_->model.processes().begin()->second->id());
  while (has_more()) go_on();
}

// ---- processes ----

int Driver::add_context(ContextSetup setup) {
  if (has_context(setup.name)) return -EEXIST;
  parts_->model.end_unused_contexts();
  if (parts_->model.contexts().size() >= kMaxContexts) return -ENOSPC;
  const std::string name = setup.name;
  parts_->model.add_context(std::move(setup.name),
                            setup.cluster_wide ? Context::Scope::kCluster : Context::Scope::kHost);
  Context& made = *parts_->model.find_context(name);
  made.set_builtin_yields(setup.builtin_yields);
  made.set_manage_rules(std::move(setup.manage_rules));
  return 0;
}

void Driver::change(const DriverSetup& setup) {
  parts_->model.setup.max_processes = setup.max_processes;
  parts_->model.setup.max_threads_per_process = setup.max_threads_per_process;
  parts_->model.setup.max_nodes_per_process = setup.max_nodes_per_process;
  parts_->model.setup.user_limits = setup.user_limits;
  parts_->model.setup.uid_maps = setup.uid_maps;
  if (!parts_->cluster || parts_->model.setup.claims_by == ClaimsBy::kStore) return;
  parts_->cluster->change_list(setup.list, setup.arbiter);
  parts_->finish_event();
}

// ---- the host's policy ----

void Driver::set_manage_rules(std::string_view context, AccessRules rules) {
  if (Context* const found = parts_->model.find_context(context)) {
    found->set_manage_rules(std::move(rules));
  }
}

void Driver::set_call_rules(ProcessId holder, Handle handle, AccessRules rules) {
  Node* const node = parts_->process(holder).refs().node_of(handle, RefKind::kStrong);
  if (node == nullptr || !node->local()) return;
  node->set_call_rules(rules.empty() ? nullptr
                                     : std::make_unique<const AccessRules>(std::move(rules)));
}

std::optional<Driver::Caller> Driver::caller_of(ProcessId id, ThreadId tid) const {
  const Thread* const thread = parts_->process(id).find_thread(tid);
  const Transaction* const call = thread == nullptr ? nullptr : thread->stack();
  if (call == nullptr || call->to_thread() != thread) return std::nullopt;
  if (const RemoteCaller* const remote = call->remote_caller()) {
    if (remote->peer == nullptr) return std::nullopt;
    return Caller{.subject = {.host = remote->peer->host(), .uid = call->head().sender_euid}};
  }
  if (call->from() == nullptr) return std::nullopt;
  const Process& caller = call->from()->process();
  Subject subject = caller.subject();
  subject.uid = call->head().sender_euid;  // as it was when it called
  return Caller{.subject = subject, .pid = caller.pid()};
}

std::optional<std::uint32_t> Driver::owner_of(ProcessId holder, Handle handle) const {
  const Node* const node = parts_->process(holder).refs().node_of(handle, RefKind::kStrong);
  if (node == nullptr || !node->local()) return std::nullopt;
  return node->owner()->credentials().euid;
}

void Driver::tell_denial(ProcessId id, const Denial& denial) {
  netbinder::tell_denial(parts_->model, parts_->process(id).context(), denial);
}

int Driver::remove_context(std::string_view name) {
  Context* const context = parts_->model.find_context(name);
  if (context == nullptr) return -ENOENT;
  if (context->cluster_wide() || context->builtin() != nullptr) return -EPERM;
  context->remove_device();
  parts_->model.end_unused_contexts();
  return 0;
}

bool Driver::has_context(std::string_view name) const {
  return parts_->model.find_context(name) != nullptr;
}

std::expected<ProcessId, int> Driver::open(std::string_view context, Credentials credentials) {
  Context* in = parts_->model.find_context(context);
  if (in == nullptr) return std::unexpected(-ENXIO);
  const UserUsage& user = parts_->model.users.of(credentials.euid);
  const std::size_t reserve = user.uid() == 0 ? 0
                                              : std::min(parts_->model.setup.processes_for_root,
                                                         parts_->model.setup.max_processes / 8);
  if (parts_->model.processes().size() + parts_->model.ending().size() >=
          parts_->model.setup.max_processes - reserve ||
      !user.may_add_process()) {
    parts_->model.users.forget_if_gone(credentials.euid);
    return std::unexpected(-EMFILE);
  }
  return parts_->model.add_process(*in, std::move(credentials)).id();
}

void Driver::close(ProcessId id) {
  if (parts_->model.find_process(id) == nullptr) return;
  parts_->teardown.end(parts_->model.take_process(id));
  parts_->finish_event();
}

bool Driver::has_more() const {
  return !parts_->model.ending().empty() || parts_->freezes.has_untold();
}

void Driver::go_on() {
  if (!has_more()) return;
  if (!parts_->model.ending().empty()) parts_->teardown.go_on();
  if (parts_->freezes.has_untold()) parts_->freezes.go_on_telling();
  parts_->finish_event();
}

void Driver::flush(ProcessId id) {
  Process* process = parts_->model.find_process(id);
  if (process == nullptr) return;
  for (const auto& [tid, thread] : process->threads()) {
    if (thread->may_post()) (void)process->loopers().take_posted_read(*thread);
    thread->return_from_next_read();
    process->loopers().wake(*thread);
  }
  parts_->finish_event();
}

int Driver::map_arena(ProcessId id, std::uint64_t user_address, std::span<std::byte> memory) {
  NB_CHECK(!memory.empty() && memory.size() <= kMaxArenaBytes);
  Arena& arena = parts_->process(id).arena();
  if (arena.mapped()) return -EBUSY;
  arena.map(user_address, memory);
  return 0;
}

void Driver::unmap_arena(ProcessId id, std::uint64_t address, std::uint64_t bytes) {
  Arena& arena = parts_->process(id).arena();
  if (arena.starts_in(address, bytes)) arena.close();
}

void Driver::mapping_lost(ProcessId id) { parts_->process(id).arena().close(); }

void Driver::set_euid(ProcessId id, std::uint32_t euid) { parts_->process(id).set_euid(euid); }

// ---- ioctls ----

void Driver::write_read(ProcessId id, ThreadId tid, const WriteReadRequest& request) {
  Thread* thread = parts_->begin_ioctl(id, tid);
  if (thread == nullptr) return;
  parts_->commands.begin(*thread, request);
  parts_->finish_event();
}

bool Driver::leads_elsewhere(ProcessId id, ThreadId tid,
                             std::span<const std::byte> commands) const {
  const Process* const process = parts_->model.find_process(id);
  return parts_->cluster != nullptr && process != nullptr &&
         CommandStream::leads_elsewhere(*process, process->find_thread(tid), commands);
}

void Driver::control(ProcessId id, ThreadId tid, std::uint32_t command,
                     std::span<std::byte> argument) {
  Thread* thread = parts_->begin_ioctl(id, tid);
  if (thread == nullptr) return;
  thread->io().reset();
  thread->nice_is_as_told();
  if (command == BINDER_THREAD_EXIT) {
    parts_->teardown.end(*thread);
    thread->process().remove_thread(tid);
    parts_->model.effects.ioctl_done(id, tid, IoctlResult{});
  } else {
    const Outcome outcome = parts_->controls.run(*thread, command, argument);
    if (!outcome) {
      parts_->ioctls.finish(*thread, outcome.error());
    } else if (*outcome == Step::kDone) {
      parts_->ioctls.finish(*thread, 0);
    }
  }
  parts_->finish_event();
}

void Driver::take_posted_reads() {
  for (const auto& [id, process] : parts_->model.processes()) {
    while (process->loopers().take_a_posted_read()) {
    }
  }
  parts_->finish_event();
}

void Driver::interrupt(ProcessId id, ThreadId tid) {
  Process* process = parts_->model.find_process(id);
  Thread* thread = process == nullptr ? nullptr : process->find_thread(tid);
  if (thread == nullptr) return;
  if (thread->reading()) {
    thread->io().discard_read();
    parts_->ioctls.finish(*thread, -EINTR);
    if (!process->loopers().todo().empty()) process->loopers().wake_one();
  } else if (thread->in<AwaitingQuiet>() != nullptr) {
    parts_->freezes.abandon(*thread);
    parts_->ioctls.finish(*thread, -EINTR);
  }
  parts_->finish_event();
}

void Driver::files_installed(ProcessId id, ThreadId tid,
                             std::expected<std::span<const int>, int> fds) {
  Process* process = parts_->model.find_process(id);
  Thread* thread = process == nullptr ? nullptr : process->find_thread(tid);
  if (thread == nullptr || thread->in<InstallingFiles>() == nullptr) return;
  parts_->read_side.files_installed(*thread, fds);
  parts_->finish_event();
}

// ---- time ----

void Driver::set_time(std::uint64_t now_ms) { set_time_us(now_ms * 1000); }

void Driver::set_time_us(std::uint64_t now_us) {
  parts_->model.now_us = now_us;
  parts_->model.now_ms = now_us / 1000;
}

std::uint64_t Driver::now_us() const { return parts_->model.now_us; }

void Driver::timer_expired() {
  parts_->freezes.check_waiters();
  if (parts_->cluster) parts_->cluster->timer_expired();
  parts_->finish_event();
}

// ---- peers ----

void Driver::peer_connected(HostId host, Incarnation incarnation, std::string name,
                            WireVersion version) {
  NB_CHECK(parts_->cluster != nullptr);
  parts_->cluster->peer_connected(host, incarnation, std::move(name), version);
  parts_->finish_event();
}

void Driver::peer_lost(HostId host) {
  if (parts_->cluster) parts_->cluster->peer_lost(host);
  parts_->finish_event();
}

void Driver::claim_answered(std::string_view context, ClaimAnswer answer) {
  if (parts_->cluster) parts_->cluster->claims().answered(context, answer);
  parts_->finish_event();
}

void Driver::claim_lost(std::string_view context) {
  if (parts_->cluster) parts_->cluster->claims().lost(context);
  parts_->finish_event();
}

void Driver::claim_held(std::string_view context, std::optional<ClaimHolder> holder) {
  if (parts_->cluster) parts_->cluster->claims().held(context, holder);
  parts_->finish_event();
}

ListNumber Driver::host_list() const { return parts_->model.setup.list; }

ListNumber Driver::host_list_of(HostId peer) const {
  return parts_->cluster ? parts_->cluster->lists().of(peer) : ListNumber{};
}

PayloadPlace Driver::payload_arriving(HostId host, const PeerMessage& message, LeaseId lease) {
  return parts_->cluster ? parts_->cluster->payload_arriving(host, message, lease) : PayloadPlace{};
}

void Driver::payload_abandoned(HostId host) {
  if (parts_->cluster) parts_->cluster->payload_abandoned(host);
  parts_->finish_event();
}

void Driver::message_arrived(HostId host, PeerMessage message) {
  if (parts_->cluster) parts_->cluster->message_arrived(host, std::move(message));
  parts_->finish_event();
}

std::optional<Lease> Driver::lease(HostId host, const LeaseRequest& request) {
  return parts_->cluster ? parts_->cluster->lease(host, request) : std::nullopt;
}

void Driver::end_lease(HostId host, LeaseId lease) {
  if (parts_->cluster) parts_->cluster->end_lease(host, lease);
}

// ---- the built-in service manager ----

void Driver::set_builtin_manager(ProcessId id, std::uint64_t ptr, std::uint64_t peer_ptr) {
  parts_->managers.set_builtin(parts_->process(id), ptr, peer_ptr);
  parts_->finish_event();
}

std::vector<PeerServiceManager> Driver::take_new_peer_managers(ProcessId builtin) {
  if (!parts_->cluster) return {};
  std::vector<PeerServiceManager> taken =
      parts_->cluster->claims().take_new_peer_managers(parts_->process(builtin));
  parts_->finish_event();
  return taken;
}

bool Driver::has_new_peer_managers() const {
  return parts_->cluster && parts_->cluster->claims().has_new_peer_managers();
}

// ---- those who follow calls ----

void Driver::observe_calls(CallObserver* observer) { parts_->model.reports.observe(observer); }

// ---- views ----

DriverCounts Driver::counts() const { return parts_->views.counts(); }
const Statistics& Driver::statistics() const { return parts_->model.statistics; }
std::vector<ProcessView> Driver::processes() const { return parts_->views.processes(); }
std::vector<ContextView> Driver::contexts() const { return parts_->views.contexts(); }
const std::map<std::uint32_t, UserUsage>& Driver::users() const {
  return parts_->model.users.all();
}
std::int32_t Driver::pid_of(ProcessId process) const { return parts_->views.pid_of(process); }
std::string Driver::context_of(ProcessId process) const {
  return parts_->views.context_of(process);
}
std::optional<HostId> Driver::home_of(ProcessId process, Handle handle) const {
  return parts_->views.home_of(process, handle);
}
NodeHolders Driver::other_holders(ProcessId process, Handle handle) const {
  return parts_->views.other_holders(process, handle);
}
std::vector<PeerLedger> Driver::ledgers() const { return parts_->views.ledgers(); }
DebugCollection Driver::collect(const Viewer& viewer, std::int32_t pid) const {
  return {parts_->model, parts_->debug, viewer, pid};
}
UsageCollection Driver::collect_usage() const { return UsageCollection(parts_->model); }
LoadCollection Driver::collect_loads(const Viewer& viewer) const { return {parts_->model, viewer}; }
std::uint64_t Driver::processes_opened() const { return parts_->model.processes_created(); }
DebugState Driver::debug_state(const Viewer& viewer) const { return parts_->debug.state(viewer); }
std::vector<TransactionLogEntry> Driver::log(const Viewer& viewer) const {
  return parts_->debug.entries(parts_->model.log, viewer);
}
std::vector<TransactionLogEntry> Driver::failed_log(const Viewer& viewer) const {
  return parts_->debug.entries(parts_->model.failed_log, viewer);
}
ObjectCounts Driver::object_counts() const { return parts_->debug.object_counts(); }
const TransactionLog& Driver::log() const { return parts_->model.log; }
const TransactionLog& Driver::failed_log() const { return parts_->model.failed_log; }
std::string Driver::host_name(HostId host) const { return parts_->views.host_name(host); }

void Driver::check_invariants() const {
  NB_CHECK(parts_->model.end.empty());
  parts_->model.each_process([](const Process& each) { each.check(); });
  if (parts_->cluster) parts_->cluster->check();
  parts_->views.check_totals();
}

}  // namespace netbinder
