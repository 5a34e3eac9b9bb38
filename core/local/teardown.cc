// SPDX-License-Identifier: Apache-2.0
#include "core/local/teardown.h"

#include "core/local/freezes.h"
#include "core/local/managers.h"

namespace netbinder {

void Teardown::end(Thread& thread) {
  thread.die();
  LooperPool& loopers = thread.process().loopers();
  loopers.remove(thread);
  end_ioctl(thread);
  model_.calls.release(thread);
  end_all(thread.todo());
  loopers.no_work_left(thread);
}

void Teardown::end_ioctl(Thread& thread) {
  if (thread.in<AwaitingAcceptance>() != nullptr || thread.in<AwaitingClaim>() != nullptr ||
      thread.in<AwaitingFreezeState>() != nullptr || thread.in<ClaimingContext>() != nullptr) {
    model_.elsewhere->thread_ends(thread);
  } else if (thread.in<AwaitingQuiet>() != nullptr) {
    freezes_.abandon(thread);
  } else if (const auto* installing = thread.in<InstallingFiles>()) {
    model_.calls.discard(*installing->transaction, BrError::dead());
  }
  thread.process().loopers().enter(thread, Idle{});
}

void Teardown::end(Process& process) {
  process.die();
  managers_.process_ends(process);
  for (const auto& [tid, thread] : process.threads()) end(*thread);

  for (Node* node : process.nodes_in_order()) {
    end_all(node->oneways().waiting());
    model_.nodes.owner_died(*node);
  }
  process.remove_nodes();

  for (ProcessRef* ref : process.refs().all()) ref->destroy();
  end_all(process.loopers().todo());
  end_all(process.delivered_deaths());
  end_all(process.delivered_freezes());
  model_.elsewhere->process_ends(process);
  process.arena().clear();
  model_.end.forget(process);
  process.remove_threads();
}

void Teardown::end_all(TodoList& list) {
  while (!list.empty()) {
    Work& work = list.front();
    list.pop_front();
    switch (work.kind()) {
      case WorkKind::kTransaction:
        model_.calls.discard(static_cast<Transaction&>(work), BrError::dead());
        break;
      case WorkKind::kTransactionComplete:
      case WorkKind::kTransactionPending:
      case WorkKind::kOnewaySpamSuspect:
        model_.completions.destroy(static_cast<CompletionWork*>(&work));
        break;
      case WorkKind::kDeadBinder:
      case WorkKind::kDeadBinderAndClear:
      case WorkKind::kClearDeath:
        // A notification that has a ref belongs to it. Otherwise this list was its last owner.
        if (auto& death = static_cast<DeathNotification&>(work); death.ref() == nullptr) {
          model_.deaths.destroy(&death);
        }
        break;
      case WorkKind::kFrozenBinder:
      case WorkKind::kClearFreeze:
        if (auto& freeze = static_cast<FreezeNotification&>(work); freeze.ref() == nullptr) {
          model_.freezes.destroy(&freeze);
        }
        break;
      case WorkKind::kDeposed:
        break;
      case WorkKind::kReturnError:
        (void)static_cast<ErrorWork&>(work).take();
        break;
      case WorkKind::kNode:
        break;
    }
  }
}

}  // namespace netbinder
