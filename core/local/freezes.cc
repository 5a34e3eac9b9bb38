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
      notify(*target);
    }
    return Step::kDone;
  }
  if (info.timeout_ms > 0 && std::any_of(targets.begin(), targets.end(), has_outstanding)) {
    for (Process* target : targets) target->freeze();
    const std::uint64_t deadline_ms = model_.now_ms + info.timeout_ms;
    thread.process().loopers().enter(thread, AwaitingQuiet{.pid = pid, .deadline_ms = deadline_ms});
    waiters_.push_back(&thread);
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
    notify(*target);
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
      notify(*target);
    }
  }
  return pending ? -EAGAIN : 0;
}

void Freezes::check_waiters() {
  for (std::size_t i = 0; i < waiters_.size();) {
    Thread& thread = *waiters_[i];
    const AwaitingQuiet waiting = *thread.in<AwaitingQuiet>();
    const std::vector<Process*> targets = model_.processes_of(waiting.pid);
    const bool busy = std::any_of(targets.begin(), targets.end(), has_outstanding);
    if (busy && model_.now_ms < waiting.deadline_ms) {
      ++i;
      continue;
    }
    waiters_.erase(waiters_.begin() + static_cast<std::ptrdiff_t>(i));
    ioctls_.finish(thread, end_waiting(waiting.pid));
  }
}

void Freezes::abandon(Thread& thread) {
  for (Process* target : model_.processes_of(thread.in<AwaitingQuiet>()->pid)) {
    target->abandon_freeze();
  }
  std::erase(waiters_, &thread);
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

void Freezes::notify(Process& process) {
  for (Node* node : process.nodes_in_order()) {
    for (Ref& ref : node->refs()) ref.owner_froze(process.frozen());
    model_.nodes.looked_at(*node);
  }
}

Outcome Freezes::request_notification(Thread& thread, const binder_handle_cookie& request) {
  Process& process = thread.process();
  ProcessRef* ref = process.refs().find(Handle{request.handle});
  if (ref == nullptr) return std::unexpected(-EINVAL);
  FreezeNotification* freeze = process.refs().request_freeze(*ref, request.cookie);
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
  for (Work& work : process.delivered_freezes()) {
    auto& freeze = static_cast<FreezeNotification&>(work);
    if (freeze.cookie() != cookie) continue;
    if (freeze.done() == FreezeNotification::Next::kQueue) process.loopers().queue(freeze);
    return 0;
  }
  return -EINVAL;
}

}  // namespace netbinder
