// SPDX-License-Identifier: Apache-2.0
#include "core/local/freezes.h"

#include <algorithm>
#include <cerrno>

#include "core/local/ioctls.h"

namespace netbinder {

namespace {

bool has_outstanding(const Process* process) { return process->outstanding() > 0; }

}  // namespace

Outcome Freezes::freeze(Thread& thread, const binder_freeze_info& info) {
  const auto pid = static_cast<std::int32_t>(info.pid);
  const std::vector<Process*> targets = model_.processes_of(pid);
  if (targets.empty()) return std::unexpected(-EINVAL);
  if (info.enable == 0) {
    for (Process* target : targets) {
      target->thaw();
      tell(*target);
    }
    return Step::kDone;
  }
  if (info.timeout_ms > 0 && std::any_of(targets.begin(), targets.end(), has_outstanding)) {
    if (!thread.process().begin_waiting_for_quiet(kMaxWaiters)) return std::unexpected(-EAGAIN);
    for (Process* target : targets) target->freeze();
    const std::uint64_t deadline_ms = model_.now_ms + info.timeout_ms;
    const std::uint64_t number = next_waiter_++;
    thread.process().loopers().enter(
        thread, AwaitingQuiet{.pid = pid, .deadline_ms = deadline_ms, .number = number});
    waiters_[pid].emplace(number, &thread);
    model_.effects.set_timer(deadline_ms);
    return Step::kSuspended;
  }
  // They are frozen one after the other. If one is busy, those before it stay frozen.
  for (Process* target : targets) {
    target->freeze();
    if (target->calls_pending()) {
      target->abandon_freeze();
      return std::unexpected(-EAGAIN);
    }
    tell(*target);
  }
  return Step::kDone;
}

int Freezes::end_waiting(std::int32_t pid) {
  const std::vector<Process*> targets = model_.processes_of(pid);
  const bool pending = std::any_of(targets.begin(), targets.end(),
                                   [](const Process* target) { return target->calls_pending(); });
  for (Process* target : targets) {
    if (pending) {
      target->abandon_freeze();
    } else {
      tell(*target);
    }
  }
  return pending ? -EAGAIN : 0;
}

void Freezes::calls_ended(std::int32_t pid) {
  if (!waiters_.contains(pid)) return;
  const std::vector<Process*> targets = model_.processes_of(pid);
  if (!std::any_of(targets.begin(), targets.end(), has_outstanding)) let_go_on(pid, Whom::kAll);
}

void Freezes::check_waiters() {
  std::vector<std::int32_t> pids;
  for (const auto& [pid, waiters] : waiters_) pids.push_back(pid);
  for (const std::int32_t pid : pids) {
    calls_ended(pid);
    let_go_on(pid, Whom::kExpired);
  }
}

void Freezes::let_go_on(std::int32_t pid, Whom whom) {
  const auto group = waiters_.find(pid);
  if (group == waiters_.end()) return;
  std::vector<Thread*> go_on;
  std::erase_if(group->second, [&](const auto& waiter) {
    const bool expired = waiter.second->template in<AwaitingQuiet>()->deadline_ms <= model_.now_ms;
    if (whom == Whom::kExpired && !expired) return false;
    go_on.push_back(waiter.second);
    return true;
  });
  if (group->second.empty()) waiters_.erase(group);
  if (go_on.empty()) return;
  const int result = end_waiting(pid);
  for (Thread* thread : go_on) {
    thread->process().end_waiting_for_quiet();
    ioctls_.finish(*thread, result);
  }
}

void Freezes::abandon(Thread& thread) {
  const AwaitingQuiet waiting = *thread.in<AwaitingQuiet>();
  for (Process* target : model_.processes_of(waiting.pid)) target->abandon_freeze();
  const auto group = waiters_.find(waiting.pid);
  group->second.erase(waiting.number);
  if (group->second.empty()) waiters_.erase(group);
  thread.process().end_waiting_for_quiet();
}

int Freezes::frozen_info(binder_frozen_status_info& info) const {
  info.sync_recv = 0;
  info.async_recv = 0;
  const std::vector<Process*> targets = model_.processes_of(static_cast<std::int32_t>(info.pid));
  if (targets.empty()) return -EINVAL;
  for (const Process* target : targets) {
    const std::uint32_t pending = target->calls_pending() ? 1 : 0;
    info.sync_recv |= (target->sync_received() ? 1U : 0U) | (pending << 1);
    info.async_recv |= target->async_received() ? 1U : 0U;
  }
  return 0;
}

void Freezes::tell(Process& process) {
  stop_telling(process);  // what is left of an earlier change is told with this one
  tell_some({.process = &process});
}

void Freezes::tell_some(Telling telling) {
  Process& process = *telling.process;
  Slice slice(model_.setup.slice_units);
  for (auto next = process.nodes().lower_bound(telling.next_ptr); next != process.nodes().end();) {
    Node& node = *next++;  // it may end
    if (!slice.take()) {
      telling_.push_back({.process = &process, .next_ptr = node.ptr()});
      return;
    }
    slice.use(node.refs().size());
    for (Ref& ref : node.refs()) ref.owner_froze(process.frozen());
    model_.nodes.looked_at(node);
  }
}

void Freezes::go_on_telling() {
  const Telling telling = telling_.front();
  telling_.pop_front();
  tell_some(telling);
}

void Freezes::process_ends(const Process& process) { stop_telling(process); }

void Freezes::stop_telling(const Process& process) {
  std::erase_if(telling_, [&](const Telling& each) { return each.process == &process; });
}

Outcome Freezes::request_notification(Thread& thread, const binder_handle_cookie& request) {
  Process& process = thread.process();
  ProcessRef* ref = process.refs().find(Handle{request.handle});
  if (ref == nullptr) return std::unexpected(-EINVAL);
  const auto requested = process.refs().request_freeze(*ref, request.cookie);
  if (!requested) return std::unexpected(requested.error());
  FreezeNotification* freeze = *requested;
  if (freeze == nullptr) return std::unexpected(-EINVAL);
  Node& node = ref->node();
  const ImportedNode* import = node.import();
  if (import != nullptr && !import->frozen()) {
    // The node's home is asked. Its answer goes to all processes that have asked for it.
    model_.elsewhere->await_freeze_state(thread, node);
    return Step::kSuspended;
  }
  if (!node.dead()) {
    freeze->start(import != nullptr ? *import->frozen() : node.owner()->frozen());
    process.loopers().queue(*freeze);
  }
  return Step::kDone;
}

int Freezes::clear_notification(Thread& thread, const binder_handle_cookie& request) {
  Process& process = thread.process();
  ProcessRef* ref = process.refs().find(Handle{request.handle});
  if (ref == nullptr || ref->freeze() == nullptr) return -EINVAL;
  if (ref->freeze()->cookie() != request.cookie) return -EINVAL;
  FreezeNotification& freeze = process.refs().detach_freeze(*ref);
  if (freeze.clear() == FreezeNotification::Next::kQueue) process.loopers().queue(freeze);
  return 0;
}

int Freezes::notification_done(Thread& thread, std::uint64_t cookie) {
  Process& process = thread.process();
  auto* const freeze = static_cast<FreezeNotification*>(process.delivered_freezes().find(cookie));
  if (freeze == nullptr) return -EINVAL;
  if (freeze->done() == FreezeNotification::Next::kQueue) process.loopers().queue(*freeze);
  return 0;
}

}  // namespace netbinder
