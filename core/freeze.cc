// SPDX-License-Identifier: Apache-2.0
//
// Freezing a program: all its binder processes refuse synchronous calls and queue oneway ones.
// BINDER_FREEZE names this host's programs only; refs on other hosts hear of it all the same: their
// host asks a node's home once, and is told of every change from then on.
#include <algorithm>
#include <cerrno>

#include "core/check.h"
#include "core/driver.h"

namespace netbinder {

bool Driver::calls_pending(const Process& process) {
  if (process.outstanding_transactions > 0) return true;
  for (const auto& [tid, thread] : process.threads) {
    if (thread->transaction_stack != nullptr) return true;
  }
  return false;
}

std::vector<Process*> Driver::processes_of_pid(std::int32_t pid) {
  std::vector<Process*> found;
  for (auto& [id, process] : processes_) {
    if (process->credentials.pid == pid) found.push_back(process.get());
  }
  std::sort(found.begin(), found.end(),
            [](const Process* a, const Process* b) { return a->id.value() > b->id.value(); });
  return found;
}

void Driver::begin_freeze(Process& process, bool frozen) {
  process.sync_received = false;
  process.async_received = false;
  process.is_frozen = frozen;
}

std::optional<int> Driver::freeze(Thread& thread, const binder_freeze_info& info) {
  const auto pid = static_cast<std::int32_t>(info.pid);
  const std::vector<Process*> targets = processes_of_pid(pid);
  if (targets.empty()) return -EINVAL;
  if (info.enable == 0) {
    for (Process* target : targets) {
      begin_freeze(*target, false);
      notify_freeze(*target);
    }
    return 0;
  }
  const bool busy = std::any_of(targets.begin(), targets.end(), [](const Process* target) {
    return target->outstanding_transactions > 0;
  });
  if (busy && info.timeout_ms > 0) {
    for (Process* target : targets) begin_freeze(*target, true);
    thread.state = AwaitingQuiet{.pid = pid, .deadline_ms = now_ms_ + info.timeout_ms};
    note_ready(thread);
    freeze_waiters_.push_back(&thread);
    effects_.set_timer(now_ms_ + info.timeout_ms);
    return std::nullopt;
  }
  // One after the other, and those before the first that is busy stay frozen.
  for (Process* target : targets) {
    begin_freeze(*target, true);
    if (calls_pending(*target)) {
      target->is_frozen = false;
      return -EAGAIN;
    }
    notify_freeze(*target);
  }
  return 0;
}

int Driver::end_freeze(std::int32_t pid) {
  const std::vector<Process*> targets = processes_of_pid(pid);
  bool pending = false;
  for (const Process* target : targets) pending = pending || calls_pending(*target);
  for (Process* target : targets) {
    if (pending) {
      target->is_frozen = false;
    } else {
      notify_freeze(*target);
    }
  }
  return pending ? -EAGAIN : 0;
}

void Driver::check_freeze_waiters() {
  for (std::size_t i = 0; i < freeze_waiters_.size();) {
    Thread& thread = *freeze_waiters_[i];
    const AwaitingQuiet waiting = std::get<AwaitingQuiet>(thread.state);
    bool busy = false;
    for (const Process* target : processes_of_pid(waiting.pid)) {
      busy = busy || target->outstanding_transactions > 0;
    }
    if (busy && now_ms_ < waiting.deadline_ms) {
      ++i;
      continue;
    }
    freeze_waiters_.erase(freeze_waiters_.begin() + static_cast<std::ptrdiff_t>(i));
    finish_ioctl(thread, end_freeze(waiting.pid));
  }
}

void Driver::abandon_freeze(Thread& thread) {
  const auto& waiting = std::get<AwaitingQuiet>(thread.state);
  for (Process* target : processes_of_pid(waiting.pid)) target->is_frozen = false;
  std::erase(freeze_waiters_, &thread);
}

int Driver::frozen_info(binder_frozen_status_info& info) {
  info.sync_recv = 0;
  info.async_recv = 0;
  const std::vector<Process*> targets = processes_of_pid(static_cast<std::int32_t>(info.pid));
  if (targets.empty()) return -EINVAL;
  for (const Process* target : targets) {
    const std::uint32_t pending = calls_pending(*target) ? 1 : 0;
    info.sync_recv |= (target->sync_received ? 1U : 0U) | (pending << 1);
    info.async_recv |= target->async_received ? 1U : 0U;
  }
  return 0;
}

void Driver::notify_freeze(Process& process) {
  for (Node* node : nodes_in_order(process)) {
    for (Ref& ref : node->refs) tell_freeze(ref, process.is_frozen);
    // Looking at it held it, and this is the end of that.
    if (node->local_weak == 0 && node->refs.empty()) drop_node_if_unused(*node);
  }
}

void Driver::tell_freeze(Ref& ref, bool frozen) {
  if (ref.watches_freeze) {
    effects_.send(ref.peer->host, peer::FreezeState{.node = ref.node->number, .frozen = frozen},
                  {});
  }
  FreezeNotification* freeze = ref.freeze;
  if (freeze == nullptr) return;
  if (!freeze->queued()) {
    freeze->is_frozen = frozen;
    freeze->kind = WorkKind::kFrozenBinder;
    queue_process_work(*ref.process, *freeze);
  } else {
    // Not read yet: the latest state will be read. Read but not acknowledged: again after it.
    if (freeze->sent && freeze->is_frozen != frozen) freeze->resend = true;
    freeze->is_frozen = frozen;
  }
}

void Driver::handle(Peer& peer, peer::WatchFreeze& message) {
  // Of a node that has died the peer hears otherwise; but it waits for an answer.
  bool frozen = false;
  if (const auto found = peer.refs.find(message.node); found != peer.refs.end()) {
    found->second->watches_freeze = true;
    const Node& node = *found->second->node;
    frozen = node.local() && node.owner->is_frozen;
  }
  effects_.send(peer.host, peer::FreezeState{.node = message.node, .frozen = frozen}, {});
}

void Driver::handle(Peer& peer, peer::FreezeState& message) {
  if (const auto found = peer.imports.find(message.node); found != peer.imports.end()) {
    Node& node = *found->second;
    if (node.frozen != message.frozen) {
      node.frozen = message.frozen;
      for (Ref& ref : node.refs) tell_freeze(ref, message.frozen);
    }
  }
  end_freeze_state_waits(peer.host, message.node);
}

void Driver::end_freeze_state_waits(HostId home, std::optional<NodeNumber> node) {
  std::vector<Thread*> done;
  std::erase_if(freeze_state_waiters_, [&](Thread* thread) {
    const auto& awaited = std::get<AwaitingFreezeState>(thread->state);
    if (awaited.home != home || (node && awaited.node != *node)) return false;
    done.push_back(thread);
    return true;
  });
  for (Thread* thread : done) go_on(*thread);
}

Driver::StepResult Driver::request_freeze_notification(Thread& thread,
                                                       const binder_handle_cookie& request) {
  Process& process = thread.process;
  Ref* ref = process.handles.find(Handle{request.handle});
  if (ref == nullptr || ref->freeze != nullptr) return std::unexpected(-EINVAL);
  FreezeNotification* freeze = freezes_.create(process, std::uint64_t{request.cookie});
  freeze->ref = ref;
  ref->freeze = freeze;
  Node& node = *ref->node;
  if (node.local() || (node.imported() && node.frozen)) {
    freeze->is_frozen = node.local() ? node.owner->is_frozen : *node.frozen;
    queue_process_work(process, *freeze);
  } else if (node.imported()) {
    if (!std::exchange(node.asked_freeze_state, true)) {
      effects_.send(node.home->host, peer::WatchFreeze{.node = node.number}, {});
    }
    thread.state = AwaitingFreezeState{.home = node.home->host, .node = node.number};
    note_ready(thread);
    freeze_state_waiters_.push_back(&thread);
    return Step::kSuspend;
  }
  return Step::kContinue;
}

int Driver::clear_freeze_notification(Thread& thread, const binder_handle_cookie& request) {
  Process& process = thread.process;
  Ref* ref = process.handles.find(Handle{request.handle});
  if (ref == nullptr || ref->freeze == nullptr) return -EINVAL;
  FreezeNotification& freeze = *ref->freeze;
  if (freeze.cookie != request.cookie) return -EINVAL;
  ref->freeze = nullptr;
  freeze.ref = nullptr;
  freeze.kind = WorkKind::kClearFreeze;
  if (!freeze.queued()) {
    queue_process_work(process, freeze);
  } else if (freeze.sent) {
    freeze.resend = true;
  }
  return 0;
}

int Driver::freeze_notification_done(Thread& thread, std::uint64_t cookie) {
  for (Work& work : thread.process.delivered_freezes) {
    auto& freeze = static_cast<FreezeNotification&>(work);
    if (freeze.cookie != cookie) continue;
    freeze.dequeue();
    freeze.sent = false;
    if (std::exchange(freeze.resend, false)) queue_process_work(thread.process, freeze);
    return 0;
  }
  return -EINVAL;
}

}  // namespace netbinder
