// SPDX-License-Identifier: Apache-2.0
#include "core/driver.h"

#include <cerrno>
#include <utility>

#include "core/base/check.h"
#include "core/cluster/cluster.h"
#include "core/model/access_control.h"
#include "core/model/no_hosts.h"

namespace netbinder {

Driver::Driver(DriverSetup setup, Effects& effects)
    : model_(std::move(setup), effects),
      ioctls_(model_),
      read_side_(model_, ioctls_),
      calls_(model_),
      freezes_(model_, ioctls_),
      managers_(model_),
      commands_(model_, ioctls_, read_side_, calls_, freezes_),
      controls_(freezes_, managers_),
      teardown_(model_, freezes_, managers_),
      cluster_(model_.setup.reach == Reach::kCluster
                   ? std::make_unique<Cluster>(model_, ioctls_, managers_, calls_, commands_)
                   : nullptr),
      views_(model_, cluster_.get()),
      debug_(model_, views_, cluster_.get()) {
  if (cluster_) {
    model_.elsewhere = cluster_.get();
  } else {
    no_hosts_ = std::make_unique<NoHosts>();
    model_.elsewhere = no_hosts_.get();
  }
  for (const ContextSetup& context : model_.setup.contexts) NB_CHECK(add_context(context) == 0);
}

Driver::~Driver() {
  while (cluster_ && !cluster_->peers().all().empty()) {
    peer_lost(cluster_->peers().all().begin()->first);
  }
  if (cluster_) {
    cluster_->stop_awaiting();
    finish_event();
  }
  while (!model_.processes().empty()) close(model_.processes().begin()->second->id());
  while (has_more()) go_on();
}

// ---- processes ----

Process& Driver::process(ProcessId id) const {
  Process* process = model_.find_process(id);
  NB_CHECK(process != nullptr);
  return *process;
}

int Driver::add_context(ContextSetup setup) {
  if (has_context(setup.name)) return -EEXIST;
  model_.end_unused_contexts();
  if (model_.contexts().size() >= kMaxContexts) return -ENOSPC;
  const std::string name = setup.name;
  model_.add_context(std::move(setup.name),
                     setup.cluster_wide ? Context::Scope::kCluster : Context::Scope::kHost);
  Context& made = *model_.find_context(name);
  made.set_builtin_yields(setup.builtin_yields);
  made.set_manage_rules(std::move(setup.manage_rules));
  return 0;
}

void Driver::change(const DriverSetup& setup) {
  model_.setup.max_processes = setup.max_processes;
  model_.setup.max_threads_per_process = setup.max_threads_per_process;
  model_.setup.max_nodes_per_process = setup.max_nodes_per_process;
  model_.setup.user_limits = setup.user_limits;
  model_.setup.uid_maps = setup.uid_maps;
  if (!cluster_ || model_.setup.claims_by == ClaimsBy::kStore) return;
  cluster_->change_list(setup.list, setup.arbiter);
  finish_event();
}

// ---- the host's policy ----

void Driver::set_manage_rules(std::string_view context, AccessRules rules) {
  if (Context* const found = model_.find_context(context)) {
    found->set_manage_rules(std::move(rules));
  }
}

void Driver::set_call_rules(ProcessId holder, Handle handle, AccessRules rules) {
  Node* const node = process(holder).refs().node_of(handle, RefKind::kStrong);
  if (node == nullptr || !node->local()) return;
  node->set_call_rules(rules.empty() ? nullptr
                                     : std::make_unique<const AccessRules>(std::move(rules)));
}

std::optional<Driver::Caller> Driver::caller_of(ProcessId id, ThreadId tid) const {
  const Thread* const thread = process(id).find_thread(tid);
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
  const Node* const node = process(holder).refs().node_of(handle, RefKind::kStrong);
  if (node == nullptr || !node->local()) return std::nullopt;
  return node->owner()->credentials().euid;
}

void Driver::tell_denial(ProcessId id, const Denial& denial) {
  netbinder::tell_denial(model_, process(id).context(), denial);
}

int Driver::remove_context(std::string_view name) {
  Context* const context = model_.find_context(name);
  if (context == nullptr) return -ENOENT;
  if (context->cluster_wide() || context->builtin() != nullptr) return -EPERM;
  context->remove_device();
  model_.end_unused_contexts();
  return 0;
}

std::expected<ProcessId, int> Driver::open(std::string_view context, Credentials credentials) {
  Context* in = model_.find_context(context);
  if (in == nullptr) return std::unexpected(-ENXIO);
  const UserUsage& user = model_.users.of(credentials.euid);
  const std::size_t reserve =
      user.uid() == 0 ? 0 : std::min(model_.setup.processes_for_root, model_.setup.max_processes / 8);
  if (model_.processes().size() + model_.ending().size() >= model_.setup.max_processes - reserve ||
      !user.may_add_process()) {
    model_.users.forget_if_gone(credentials.euid);
    return std::unexpected(-EMFILE);
  }
  return model_.add_process(*in, std::move(credentials)).id();
}

void Driver::close(ProcessId id) {
  if (model_.find_process(id) == nullptr) return;
  teardown_.end(model_.take_process(id));
  finish_event();
}

void Driver::go_on() {
  if (!has_more()) return;
  if (!model_.ending().empty()) teardown_.go_on();
  if (freezes_.has_untold()) freezes_.go_on_telling();
  finish_event();
}

void Driver::flush(ProcessId id) {
  Process* process = model_.find_process(id);
  if (process == nullptr) return;
  for (const auto& [tid, thread] : process->threads()) {
    if (thread->may_post()) (void)process->loopers().take_posted_read(*thread);
    thread->return_from_next_read();
    process->loopers().wake(*thread);
  }
  finish_event();
}

int Driver::map_arena(ProcessId id, std::uint64_t user_address, std::span<std::byte> memory) {
  NB_CHECK(!memory.empty() && memory.size() <= kMaxArenaBytes);
  Arena& arena = process(id).arena();
  if (arena.mapped()) return -EBUSY;
  arena.map(user_address, memory);
  return 0;
}

void Driver::unmap_arena(ProcessId id, std::uint64_t address, std::uint64_t bytes) {
  Arena& arena = process(id).arena();
  if (arena.starts_in(address, bytes)) arena.close();
}

void Driver::mapping_lost(ProcessId id) { process(id).arena().close(); }

void Driver::set_euid(ProcessId id, std::uint32_t euid) { process(id).set_euid(euid); }

// ---- ioctls ----

Thread* Driver::begin_ioctl(ProcessId id, ThreadId tid) {
  Process& owner = process(id);
  Thread* thread = ioctls_.thread(owner, tid);
  if (thread == nullptr) {
    model_.effects.ioctl_done(id, tid, IoctlResult{.error = -ENOMEM});
    return nullptr;
  }
  NB_CHECK(thread->idle());
  owner.loopers().end_posting(*thread);
  return thread;
}

void Driver::write_read(ProcessId id, ThreadId tid, const WriteReadRequest& request) {
  Thread* thread = begin_ioctl(id, tid);
  if (thread == nullptr) return;
  commands_.begin(*thread, request);
  finish_event();
}

bool Driver::leads_elsewhere(ProcessId id, ThreadId tid,
                             std::span<const std::byte> commands) const {
  const Process* const process = model_.find_process(id);
  return cluster_ != nullptr && process != nullptr &&
         CommandStream::leads_elsewhere(*process, process->find_thread(tid), commands);
}

void Driver::control(ProcessId id, ThreadId tid, std::uint32_t command,
                     std::span<std::byte> argument) {
  Thread* thread = begin_ioctl(id, tid);
  if (thread == nullptr) return;
  thread->io().reset();
  thread->nice_is_as_told();
  if (command == BINDER_THREAD_EXIT) {
    teardown_.end(*thread);
    thread->process().remove_thread(tid);
    model_.effects.ioctl_done(id, tid, IoctlResult{});
  } else {
    const Outcome outcome = controls_.run(*thread, command, argument);
    if (!outcome) {
      ioctls_.finish(*thread, outcome.error());
    } else if (*outcome == Step::kDone) {
      ioctls_.finish(*thread, 0);
    }
  }
  finish_event();
}

void Driver::take_posted_reads() {
  for (const auto& [id, process] : model_.processes()) {
    while (process->loopers().take_a_posted_read()) {
    }
  }
  finish_event();
}

void Driver::interrupt(ProcessId id, ThreadId tid) {
  Process* process = model_.find_process(id);
  Thread* thread = process == nullptr ? nullptr : process->find_thread(tid);
  if (thread == nullptr) return;
  if (thread->reading()) {
    thread->io().discard_read();
    ioctls_.finish(*thread, -EINTR);
    if (!process->loopers().todo().empty()) process->loopers().wake_one();
  } else if (thread->in<AwaitingQuiet>() != nullptr) {
    freezes_.abandon(*thread);
    ioctls_.finish(*thread, -EINTR);
  }
  finish_event();
}

void Driver::files_installed(ProcessId id, ThreadId tid,
                             std::expected<std::span<const int>, int> fds) {
  Process* process = model_.find_process(id);
  Thread* thread = process == nullptr ? nullptr : process->find_thread(tid);
  if (thread == nullptr || thread->in<InstallingFiles>() == nullptr) return;
  read_side_.files_installed(*thread, fds);
  finish_event();
}

void Driver::timer_expired() {
  freezes_.check_waiters();
  if (cluster_) cluster_->timer_expired();
  finish_event();
}

// ---- peers ----

void Driver::peer_connected(HostId host, Incarnation incarnation, std::string name,
                            WireVersion version) {
  NB_CHECK(cluster_ != nullptr);
  cluster_->peer_connected(host, incarnation, std::move(name), version);
  finish_event();
}

void Driver::peer_lost(HostId host) {
  if (cluster_) cluster_->peer_lost(host);
  finish_event();
}

void Driver::claim_answered(std::string_view context, ClaimAnswer answer) {
  if (cluster_) cluster_->claims().answered(context, answer);
  finish_event();
}

void Driver::claim_lost(std::string_view context) {
  if (cluster_) cluster_->claims().lost(context);
  finish_event();
}

void Driver::claim_held(std::string_view context, std::optional<ClaimHolder> holder) {
  if (cluster_) cluster_->claims().held(context, holder);
  finish_event();
}

ListNumber Driver::host_list_of(HostId peer) const {
  return cluster_ ? cluster_->lists().of(peer) : ListNumber{};
}

PayloadPlace Driver::payload_arriving(HostId host, const PeerMessage& message, LeaseId lease) {
  return cluster_ ? cluster_->payload_arriving(host, message, lease) : PayloadPlace{};
}

void Driver::payload_abandoned(HostId host) {
  if (cluster_) cluster_->payload_abandoned(host);
  finish_event();
}

void Driver::message_arrived(HostId host, PeerMessage message) {
  if (cluster_) cluster_->message_arrived(host, std::move(message));
  finish_event();
}

std::optional<Lease> Driver::lease(HostId host, const LeaseRequest& request) {
  return cluster_ ? cluster_->lease(host, request) : std::nullopt;
}

void Driver::end_lease(HostId host, LeaseId lease) {
  if (cluster_) cluster_->end_lease(host, lease);
}

// ---- the built-in service manager ----

void Driver::set_builtin_manager(ProcessId id, std::uint64_t ptr, std::uint64_t peer_ptr) {
  managers_.set_builtin(process(id), ptr, peer_ptr);
  finish_event();
}

std::vector<PeerServiceManager> Driver::take_new_peer_managers(ProcessId builtin) {
  if (!cluster_) return {};
  std::vector<PeerServiceManager> taken =
      cluster_->claims().take_new_peer_managers(process(builtin));
  finish_event();
  return taken;
}

bool Driver::has_new_peer_managers() const {
  return cluster_ && cluster_->claims().has_new_peer_managers();
}

// ---- the end of an event ----

void Driver::finish_event() {
  model_.end.run_all([this](Thread& thread) { read_side_.go_on(thread); },
                     [this](std::int32_t pid) { freezes_.calls_ended(pid); },
                     [this](Node& node) { model_.elsewhere->give_back(node); },
                     [](Process& process) { process.loopers().tell_readiness(); });
}

void Driver::check_invariants() const {
  NB_CHECK(model_.end.empty());
  model_.each_process([](const Process& each) { each.check(); });
  if (cluster_) cluster_->check();
  views_.check_totals();
}

}  // namespace netbinder
