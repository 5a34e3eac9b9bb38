// SPDX-License-Identifier: Apache-2.0
//
// Teardown. The order of a process's end:
//   1. it is dead: nothing is queued to it any more, it is no context's manager;
//   2. its threads: callers that wait for them are told BR_DEAD_REPLY;
//   3. its nodes: whoever asked hears of their death; nodes others refer to stay as dead ones;
//   4. its refs: the nodes they held are let go;
//   5. what is still queued to it; calls among it fail at their callers;
//   6. its buffers, those lent to peers among them.
#include <algorithm>

#include "core/check.h"
#include "core/driver.h"

namespace netbinder {

void Driver::release_thread(Thread& thread) {
  thread.is_dead = true;
  end_posting(thread);
  static_cast<WaitingHook&>(thread).unlink();
  std::replace(runnable_.begin(), runnable_.end(), &thread, static_cast<Thread*>(nullptr));
  if (const auto* awaiting = std::get_if<AwaitingAcceptance>(&thread.state)) {
    // A synchronous call goes on, with nobody who waits for it.
    if (outgoing_.at(awaiting->call).transaction == nullptr) {
      outgoing_.erase(awaiting->call);
    } else {
      outgoing_.at(awaiting->call).waiting = nullptr;
    }
  } else if (std::holds_alternative<AwaitingFreezeState>(thread.state)) {
    std::erase(freeze_state_waiters_, &thread);
  } else if (std::holds_alternative<ClaimingContext>(thread.state)) {
    thread.process.context.claimant = nullptr;  // a grant that still comes is given back
  } else if (std::holds_alternative<AwaitingQuiet>(thread.state)) {
    abandon_freeze(thread);
  } else if (const auto* installing = std::get_if<InstallingFiles>(&thread.state)) {
    installing->transaction->files.clear();  // the host program has them
    discard_transaction(*installing->transaction, {BR_DEAD_REPLY, 0});
  }
  thread.state = Idle{};
  note_ready(thread);

  // The calls this thread handles, or waits in, lose that end. One that it handles is answered now,
  // unless it waits in a call on behalf of it: then when that one ends.
  Transaction* transaction = thread.transaction_stack;
  std::vector<Transaction*> answer_now;
  std::vector<Transaction*> doomed;
  bool waits = false;
  while (transaction != nullptr) {
    if (transaction->to_thread == &thread) {
      if (!waits) answer_now.push_back(transaction);
      waits = false;
      if (std::exchange(transaction->outstanding, false)) {
        if (--transaction->to_process->outstanding_transactions == 0) calls_ended_ = true;
      }
      transaction->to_process = nullptr;
      transaction->to_thread = nullptr;
      if (transaction->buffer != nullptr) {
        transaction->buffer->transaction = nullptr;
        transaction->buffer = nullptr;
      }
      transaction = transaction->to_parent;
    } else {
      NB_CHECK(transaction->from == &thread);
      waits = true;
      transaction->from = nullptr;
      if (transaction->doom_command != 0) doomed.push_back(transaction);
      transaction = transaction->from_parent;
    }
  }
  thread.transaction_stack = nullptr;
  for (Transaction* answered : answer_now) send_failed_reply(answered, {BR_DEAD_REPLY, 0});
  for (Transaction* failed : doomed) send_failed_reply(failed, {BR_DEAD_REPLY, 0});
  release_work(thread.todo);
  thread.process_todo = false;
  note_ready(thread);
}

void Driver::release_process(Process& process) {
  process.is_dead = true;
  if (Node* manager = process.context.manager; manager != nullptr && manager->owner == &process) {
    manager_gone(process.context);
  }
  if (Node* builtin = process.context.builtin; builtin != nullptr && builtin->owner == &process) {
    process.context.builtin = nullptr;
    process.context.builtin_for_peers = nullptr;
  }
  for (const auto& [tid, thread] : process.threads) release_thread(*thread);

  for (Node* node : nodes_in_order(process)) release_node(*node);
  process.nodes.clear();

  for (Ref* ref : process.handles.all()) destroy_ref(*ref);
  release_work(process.todo);
  release_work(process.delivered_deaths);
  release_work(process.delivered_freezes);
  while (!process.leases.empty()) release_lease(process.leases.front());
  for (auto& [host, peer] : peers_) {
    if (peer->arriving && peer->arriving->process == process.id) {
      peer->arriving->buffer = nullptr;
      peer->arriving->command = BR_DEAD_REPLY;
      peer->arriving->error = 0;
    }
  }
  while (Buffer* buffer = process.allocator.first_allocated()) {
    NB_CHECK(buffer->transaction == nullptr);
    process.allocator.release(buffer);
  }
  std::replace(touched_.begin(), touched_.end(), &process, static_cast<Process*>(nullptr));
  process.threads.clear();
}

void Driver::release_node(Node& node) {
  release_work(node.async_todo);
  node.work.dequeue();
  node.local_strong = 0;
  node.local_weak = 0;
  if (node.refs.empty()) {
    destroy_node(node);
    return;
  }
  node.owner = nullptr;
  dead_nodes_.emplace(node.identity, &node);
  node_died(node);
}

void Driver::release_work(TodoList& list) {
  while (!list.empty()) {
    Work& work = list.front();
    list.pop_front();
    switch (work.kind) {
      case WorkKind::kTransaction:
        discard_transaction(static_cast<Transaction&>(work), {BR_DEAD_REPLY, 0});
        break;
      case WorkKind::kTransactionComplete:
      case WorkKind::kTransactionPending:
      case WorkKind::kOnewaySpamSuspect:
        completions_.destroy(static_cast<CompletionWork*>(&work));
        break;
      case WorkKind::kDeadBinder:
      case WorkKind::kDeadBinderAndClear:
      case WorkKind::kClearDeath:
        // A notification with a ref is the ref's; without one, this list was its last owner.
        if (auto& death = static_cast<DeathNotification&>(work); death.ref == nullptr) {
          deaths_.destroy(&death);
        }
        break;
      case WorkKind::kFrozenBinder:
      case WorkKind::kClearFreeze:
        if (auto& freeze = static_cast<FreezeNotification&>(work); freeze.ref == nullptr) {
          freezes_.destroy(&freeze);
        }
        break;
      case WorkKind::kReturnError:
        static_cast<ErrorWork&>(work).command = BR_OK;
        break;
      case WorkKind::kNode:
        break;
    }
  }
}

}  // namespace netbinder
