// SPDX-License-Identifier: Apache-2.0
//
// Transactions from their making to their end, and the stacks of calls that threads make and
// handle. Owned by the Model.
//
// A stack's top is the latest call; a thread handles a call (to_thread) or waits in one (from). The
// rules here are: a transaction ends exactly once; if a call fails, its caller reads so, or the
// thread that waits for a caller that is gone; a caller that handles another call reads so only
// after that one (the doom of a call); a completion that is owed is queued before anything else.
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

  // The transaction is not queued yet: if the owner drops it, nothing of it is left.
  [[nodiscard]] Owner make(const TransactionHead& head) { return pool_.make(head); }

  // ---- queuing ----
  // The transaction is for a thread of that process from now on, and counts as outstanding there.
  static void address_to(Transaction& transaction, Process& process);
  // The thread waits for the reply to the call.
  static void push_outgoing(Thread& caller, Transaction& call);
  // The thread has read the call and handles it.
  static void push_incoming(Thread& handler, Transaction& call);
  // Takes back a call of the thread's that was never queued; the thread reads nothing of it.
  void withdraw(Thread& caller, Transaction& call);
  // Takes the call that the thread handles off its stack, to be replied to. Null: the thread
  // handles none.
  Transaction* take_handled(Thread& handler);
  // Takes the call, the top of the caller's stack, off it: the caller no longer waits for it.
  // Queues an owed completion, and reports the failure of the call below if that has failed before.
  void pop(Thread& caller, Transaction& call);

  // ---- failing ----
  // Ends a synchronous call without a reply.
  void fail(Transaction& call, const BrError& error);
  // Ends a transaction that was not read and will not be.
  void discard(Transaction& transaction, const BrError& error);
  // If the call on top of the thread's stack has failed while the thread handled another one, the
  // thread now reads so.
  void tell_doom(Thread& thread);
  // Ends a transaction that no stack refers to any more.
  void end(Transaction& transaction);

  // The thread ends, and leaves the calls that it handles or waits in.
  void release(Thread& thread);

  // The thread of the target that waits in this chain of calls, and so handles the call itself.
  // Null: there is none.
  [[nodiscard]] Thread* nested_target(const Thread& caller, const Process& target) const;

  [[nodiscard]] std::size_t live() const { return pool_.live(); }
  [[nodiscard]] std::uint64_t created() const { return pool_.created(); }

 private:
  // Takes the transaction out of everything but the stacks: nothing of it is left at its target.
  void detach(Transaction& transaction);
  void not_outstanding(Transaction& transaction);
  // Whether the caller has to finish another call first, which came in after this one.
  static bool handles_another(const Transaction& call);

  Model& model_;
  Pool<Transaction> pool_;
};

}  // namespace netbinder
