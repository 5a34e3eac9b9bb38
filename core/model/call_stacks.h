// SPDX-License-Identifier: Apache-2.0
//
// Transactions from their making to their end, and the stacks of calls that threads make and
// handle. Owned by the Model.
//
// A stack's top is the latest call; a thread handles a call (to_thread) or waits in one (from). The
// rules that live here: a transaction ends exactly once; a call that fails is told to its caller,
// or to whoever waits for a caller that is gone; not before its caller is done with another call
// that it handles meanwhile (its doom); a completion that is owed is paid before anything else.
#pragma once

#include <cstdint>

#include "core/base/pool.h"
#include "core/model/transaction.h"

namespace netbinder {

class Model;

class CallStacks {
 public:
  using Owner = Pool<Transaction>::Owner;

  explicit CallStacks(Model& model) : model_(model) {}

  // Not queued yet: dropped, it has never been.
  [[nodiscard]] Owner make(const TransactionHead& head) { return pool_.make(head); }

  // ---- queuing ----
  // It is for a thread of that process from now on, and counts as outstanding there.
  static void address_to(Transaction& transaction, Process& process);
  // The thread waits for its reply.
  static void push_outgoing(Thread& caller, Transaction& call);
  // The thread has read it, and handles it.
  static void push_incoming(Thread& handler, Transaction& call);
  // A call of this thread's that was never queued: nothing of it is told.
  void withdraw(Thread& caller, Transaction& call);
  // The call that the thread handles, to be replied to: it is off the thread's stack. Null: the
  // thread handles none.
  Transaction* take_handled(Thread& handler);
  // The caller waits for the call no more: it is off the stack, of which it is the top. Pays a
  // completion that is owed, and tells the caller of a call below that has failed meanwhile.
  void pop(Thread& caller, Transaction& call);

  // ---- failing ----
  // The end of a synchronous call without a reply.
  void fail(Transaction& call, const BrError& error);
  // It was not read, and will not be.
  void discard(Transaction& transaction, const BrError& error);
  // If the call on top of the thread's stack has failed while the thread handled another one, the
  // thread hears of it now.
  void tell_doom(Thread& thread);
  // Nothing refers to it any more.
  void end(Transaction& transaction);

  // The thread ends: the calls that it handles, or waits in, lose that end.
  void release(Thread& thread);

  // The thread of the target that waits in this chain of calls: it handles the call itself. Null:
  // there is none.
  [[nodiscard]] Thread* nested_target(const Thread& caller, const Process& target) const;

  [[nodiscard]] std::size_t live() const { return pool_.live(); }
  [[nodiscard]] std::uint64_t created() const { return pool_.created(); }

 private:
  // From everything but the stacks: nothing of it is left at its target.
  void detach(Transaction& transaction);
  void not_outstanding(Transaction& transaction);
  // Whether its caller is yet to be done with another call, which came meanwhile.
  static bool handles_another(const Transaction& call);

  Model& model_;
  Pool<Transaction> pool_;
};

}  // namespace netbinder
