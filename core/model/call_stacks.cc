// SPDX-License-Identifier: Apache-2.0
#include "core/model/call_stacks.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/model/model.h"

namespace netbinder {

// ---- queuing ----

void CallStacks::address_to(Transaction& transaction, Process& process) {
  transaction.to_process_ = &process;
  transaction.outstanding_ = true;
  process.transaction_begins();
}

void CallStacks::push_outgoing(Thread& caller, Transaction& call) {
  call.from_ = &caller;
  call.from_parent_ = caller.stack_;
  caller.stack_ = &call;
}

void CallStacks::push_incoming(Thread& handler, Transaction& call) {
  call.to_parent_ = handler.stack_;
  call.to_thread_ = &handler;
  handler.stack_ = &call;
}

void CallStacks::withdraw(Thread& caller, Transaction& call) {
  (void)call.take_owed_completion();
  pop(caller, call);
}

Transaction* CallStacks::take_handled(Thread& handler) {
  Transaction* handled = handler.stack_;
  if (handled == nullptr || handled->to_thread_ != &handler) return nullptr;
  handler.stack_ = handled->to_parent_;
  model_.end.touch(handler.process());
  handler.set_nice(handled->saved_nice());
  return handled;
}

// ---- failing ----

void CallStacks::fail(Transaction& call, const BrError& error) {
  Transaction* failed = &call;
  while (failed != nullptr) {
    if (failed->caller_host() != nullptr) {
      model_.reports.failed(*failed, error);
      model_.elsewhere->call_failed(*failed, error);
      end(*failed);
      return;
    }
    if (failed->from_ != nullptr) {
      Thread& caller = *failed->from_;
      if (handles_another(*failed)) {
        detach(*failed);
        failed->doom_ = error;
        return;
      }
      model_.reports.failed(*failed, error);
      pop(caller, *failed);
      // Only a reply that could not be made has an errno; a death has none. An error of one of the
      // caller's later commands is kept.
      if (error.error() != 0 && caller.extended_error().command == BR_OK) {
        caller.set_extended_error(
            {.id = failed->debug_id(), .command = error.command(), .param = error.error()});
      }
      if (!caller.reply_error().pending()) {
        caller.reply_error().set(error.command());
        caller.process().loopers().queue_to(caller, caller.reply_error());
      }
      end(*failed);
      return;
    }
    // The caller is gone, so the thread that waits for the caller is next.
    Transaction* next = failed->from_parent_;
    model_.reports.failed(*failed, error);
    end(*failed);
    failed = next;
  }
}

void CallStacks::discard(Transaction& transaction, const BrError& error) {
  if (transaction.awaits_reply()) {
    fail(transaction, error);
  } else {
    model_.reports.failed(transaction, error);
    end(transaction);
  }
}

void CallStacks::pop(Thread& caller, Transaction& call) {
  NB_CHECK(caller.stack_ == &call && call.from_ == &caller);
  caller.process().loopers().pay_owed_completion(caller);
  call.from_ = nullptr;
  caller.stack_ = call.from_parent_;
  model_.end.touch(caller.process());
  tell_doom(caller);
}

void CallStacks::tell_doom(Thread& thread) {
  Transaction* top = thread.stack_;
  if (top == nullptr || top->from_ != &thread || !top->doom_) return;
  const BrError error = *top->doom_;
  fail(*top, error);
}

bool CallStacks::handles_another(const Transaction& call) {
  const Thread& caller = *call.from_;
  // A call whose descriptors are being installed is neither on the todo list nor on the stack yet.
  const auto* installing = caller.in<InstallingFiles>();
  return caller.stack_ != &call ||
         (installing != nullptr && installing->transaction->awaits_reply()) ||
         std::any_of(caller.todo_.begin(), caller.todo_.end(), [](const Work& work) {
           // The thread reads it before the failure, and it goes on the stack then.
           return work.kind() == WorkKind::kTransaction &&
                  static_cast<const Transaction&>(work).awaits_reply();
         });
}

// ---- ends ----

void CallStacks::not_outstanding(Transaction& transaction) {
  if (!std::exchange(transaction.outstanding_, false)) return;
  Process& receiver = *transaction.to_process_;
  if (receiver.transaction_ends()) model_.end.note_calls_ended(receiver.pid());
}

void CallStacks::detach(Transaction& transaction) {
  not_outstanding(transaction);
  if (transaction.payload_) {
    transaction.payload_.abandon();
  } else if (transaction.buffer_ != nullptr) {
    Allocation::unlink(*transaction.buffer_);
  }
  transaction.buffer_ = nullptr;
  if (transaction.own_call_ != CallId{} || transaction.caller_host() != nullptr) {
    model_.elsewhere->call_ended(transaction);
  }
  transaction.files_.drop();
  transaction.dequeue();
}

void CallStacks::end(Transaction& transaction) {
  model_.reports.ends(transaction);
  detach(transaction);
  pool_.destroy(&transaction);
}

void CallStacks::release(Thread& thread) {
  // A call that the thread handles is answered now, unless the thread waits in another call on its
  // behalf. Then it is answered when that one ends.
  std::vector<Transaction*> answer_now;
  std::vector<Transaction*> doomed;
  bool waits = false;
  for (Transaction* call = thread.stack_; call != nullptr;) {
    if (call->to_thread_ == &thread) {
      if (!waits) answer_now.push_back(call);
      waits = false;
      not_outstanding(*call);
      if (call->buffer_ != nullptr) Allocation::unlink(*call->buffer_);
      call->buffer_ = nullptr;
      call->to_process_ = nullptr;
      call->to_thread_ = nullptr;
      call = call->to_parent_;
    } else {
      NB_CHECK(call->from_ == &thread);
      waits = true;
      call->from_ = nullptr;
      if (call->doom_) doomed.push_back(call);
      call = call->from_parent_;
    }
  }
  thread.stack_ = nullptr;
  for (Transaction* answered : answer_now) fail(*answered, BrError::dead());
  for (Transaction* failed : doomed) fail(*failed, BrError::dead());
}

Thread* CallStacks::nested_target(const Thread& caller, const Process& target) const {
  for (const Transaction* waiting = caller.stack_; waiting != nullptr;
       waiting = waiting->from_parent_) {
    if (waiting->from_ != nullptr) {
      if (&waiting->from_->process() == &target) return waiting->from_;
    } else if (const RemoteCaller* remote = waiting->remote_caller();
               remote != nullptr && !remote->ancestors.empty()) {
      return model_.elsewhere->nested_target(remote->ancestors, target);
    }
  }
  return nullptr;
}

}  // namespace netbinder
