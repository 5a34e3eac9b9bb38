// SPDX-License-Identifier: Apache-2.0
//
// Calls and replies: who gets them, and who hears when they fail. Owned by the Driver.
#pragma once

#include <cstdint>
#include <expected>

#include "core/model/elsewhere.h"
#include "core/model/model.h"

namespace netbinder {

class Calls {
 public:
  explicit Calls(Model& model) : model_(model) {}

  // BC_TRANSACTION and BC_REPLY, and their like with scatter-gather. What fails is told to the
  // thread, or, of a reply that could not be made, to the caller.
  Step transact(Thread& thread, const CallData& call);
  Step reply(Thread& thread, const CallData& reply);

  // Queues a call whose payload is in its target's arena; `handler` is the thread it is for, or
  // null. On success it is queued, and the result is the command that tells the caller of a oneway
  // call where it is.
  std::expected<std::uint32_t, BrError> queue_call(Transaction& call, Process& target,
                                                   Thread* handler);
  // Queues the reply to a call, which ends.
  void queue_reply(CallStacks::Owner reply, Transaction& in_reply_to);
  // The thread hears that its call has failed before it was queued.
  static void refuse(Thread& thread, std::uint32_t debug_id, const BrError& error);
  // The head of a call or reply of `sender`.
  [[nodiscard]] TransactionHead head(const Thread& sender, const CallData& call,
                                     TransactionHead::Kind kind, std::uint32_t debug_id) const;

 private:
  [[nodiscard]] TransactionLogEntry log_entry(Thread& thread, const CallData& call,
                                              TransactionLogEntry::Kind kind);
  CallOutcome make_call(Thread& thread, const CallData& call, TransactionLogEntry& entry);
  // To a call that the thread has handled, and that is off its stack already.
  std::expected<void, BrError> make_reply(Thread& thread, const CallData& reply,
                                          TransactionLogEntry& entry, Transaction& answered);
  // The node that the call is made to.
  std::expected<Node*, BrError> target_of(Thread& thread, const CallData& call) const;
  CallOutcome call_locally(Thread& thread, const CallData& call, Node& node,
                           TransactionLogEntry& entry);
  // Ends the call that this one replaces, if one like it waits for the node.
  static void drop_outdated(OnewayQueue& oneways, const Transaction& by, CallStacks& calls);

  Model& model_;
};

}  // namespace netbinder
