// SPDX-License-Identifier: Apache-2.0
#include "core/local/teardown.h"

#include <utility>

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
  }
  const auto* const installing = thread.in<InstallingFiles>();
  Transaction* const unread = installing != nullptr ? installing->transaction : nullptr;
  thread.process().loopers().enter(thread, Idle{});
  // After the state that names it: a call of this thread's own may fail with it.
  if (unread != nullptr) model_.calls.discard(*unread, BrError::dead());
}

void Teardown::end(std::unique_ptr<Process> process) {
  begin(*process);
  Slice slice(model_.setup.slice_units);
  if (!end_some(*process, slice)) {
    model_.add_ending(std::move(process));
  } else {
    model_.end_process(std::move(process));
  }
}

void Teardown::go_on() {
  std::unique_ptr<Process> process = model_.take_ending();
  Slice slice(model_.setup.slice_units);
  if (!end_some(*process, slice)) {
    model_.add_ending(std::move(process));
  } else {
    model_.end_process(std::move(process));
  }
}

void Teardown::begin(Process& process) {
  process.die();
  model_.end.forget(process);
  managers_.process_ends(process);
  freezes_.process_ends(process);
  model_.elsewhere->process_ends(process);
  for (const auto& [tid, thread] : process.threads()) end(*thread);
  process.remove_threads();
  // Threads that wait until it has no call in flight stop waiting for it.
  if (process.outstanding() > 0) model_.end.note_calls_ended(process.pid());
}

bool Teardown::end_some(Process& process, Slice& slice) {
  while (!process.nodes().empty()) {
    Node& node = *process.nodes().begin();
    if (!end_some(node.oneways().waiting(), slice) || !slice.take()) return false;
    slice.use(node.refs().size());
    model_.nodes.owner_died(node);
  }
  while (ProcessRef* ref = process.refs().first()) {
    if (!slice.take()) return false;
    ref->destroy();
  }
  if (!end_some(process.loopers().todo(), slice) ||
      !end_some(process.delivered_deaths().list(), slice) ||
      !end_some(process.delivered_freezes().list(), slice)) {
    return false;
  }
  while (process.arena().drop_a_buffer()) {
    if (!slice.take()) return false;
  }
  return true;
}

void Teardown::end_all(TodoList& list) {
  while (!list.empty()) {
    Work& work = list.front();
    list.pop_front();
    end(work);
  }
}

bool Teardown::end_some(TodoList& list, Slice& slice) {
  while (!list.empty()) {
    if (!slice.take()) return false;
    Work& work = list.front();
    list.pop_front();
    end(work);
  }
  return true;
}

void Teardown::end(Work& work) {
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

}  // namespace netbinder
