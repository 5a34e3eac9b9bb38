// SPDX-License-Identifier: Apache-2.0
//
// Calls and replies: which thread gets them, and which one reads of a failure. Owned by the Driver.
#pragma once

#include <cstdint>
#include <expected>

#include "core/model/elsewhere.h"
#include "core/model/model.h"

namespace netbinder {

class Calls {
 public:
  explicit Calls(Model& model) : model_(model) {}

  // BC_TRANSACTION and BC_REPLY, and their scatter-gather variants. The thread reads of a failure;
  // the caller does if a reply could not be made.
  Step transact(Thread& thread, const CallData& call);
  Step reply(Thread& thread, const CallData& reply);

  // Queues a call whose payload is in its target's arena; `handler` is the thread that is to handle
  // it, or null. On success the call is queued, and the result is the command that the caller of a
  // oneway call reads.
  std::expected<std::uint32_t, BrError> queue_call(Transaction& call, Process& target,
                                                   Thread* handler);
  // Queues the reply to a call, and ends the call.
  void queue_reply(CallStacks::Owner reply, Transaction& in_reply_to);
  // The thread reads that its call has failed before it was queued.
  static void refuse(Thread& thread, std::uint32_t debug_id, const BrError& error);
  // The head of a call or reply that `sender` makes.
  [[nodiscard]] TransactionHead head(const Thread& sender, const CallData& call,
                                     TransactionHead::Kind kind,
                                     const TransactionLogEntry& entry) const;

 private:
  [[nodiscard]] TransactionLogEntry log_entry(Thread& thread, const CallData& call,
                                              TransactionLogEntry::Kind kind);
  CallOutcome make_call(Thread& thread, const CallData& call, TransactionLogEntry& entry);
  // `answered` is the call that the thread has handled; it is off the thread's stack already.
  std::expected<void, BrError> make_reply(Thread& thread, const CallData& reply,
                                          TransactionLogEntry& entry, Transaction& answered);
  // The node that the call is made to.
  std::expected<Node*, BrError> target_of(Thread& thread, const CallData& call) const;
  CallOutcome call_locally(Thread& thread, const CallData& call, Node& node,
                           TransactionLogEntry& entry);
  // Ends the waiting call of the node that `by` replaces (TF_UPDATE_TXN), if there is one.
  static void drop_outdated(OnewayQueue& oneways, const Transaction& by, CallStacks& calls);

  Model& model_;
};

}  // namespace netbinder
