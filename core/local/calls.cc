// SPDX-License-Identifier: Apache-2.0
#include "core/local/calls.h"

#include <cerrno>
#include <utility>

#include "core/base/check.h"
#include "core/local/local_payload.h"
#include "core/model/access_control.h"

namespace netbinder {

namespace {

bool well_shaped(const CallData& call) {
  return call.data.offsets_size % 8 == 0 && call.extra_size % 8 == 0;
}

PayloadShape shape_of(const CallData& call) {
  return {call.data.data_size, call.data.offsets_size, call.extra_size};
}

CallFlags flags_of(const CallData& call) { return CallFlags(call.data.flags); }

}  // namespace

// ---- commands ----

TransactionLogEntry Calls::log_entry(Thread& thread, const CallData& call,
                                     TransactionLogEntry::Kind kind) {
  TransactionLogEntry entry;
  entry.debug_id = model_.next_debug_id();
  entry.kind = kind;
  entry.at_us = model_.now_us;
  entry.from_pid = thread.process().pid();
  entry.from_tid = thread.tid().value();
  entry.context = &thread.process().context();
  entry.handle = call.data.target.handle;
  entry.data_size = call.data.data_size;
  entry.offsets_size = call.data.offsets_size;
  thread.set_extended_error({.id = entry.debug_id, .command = BR_OK, .param = 0});
  return entry;
}

Step Calls::transact(Thread& thread, const CallData& call) {
  using Kind = TransactionLogEntry::Kind;
  TransactionLogEntry entry =
      log_entry(thread, call, flags_of(call).oneway() ? Kind::kOneway : Kind::kCall);
  entry.trace = model_.reports.trace_of_call(thread, call.data.code, flags_of(call));
  const CallOutcome made = make_call(thread, call, entry);
  if (made) {
    if (*made != Step::kAgain) model_.log_sent(entry);
    return *made;
  }
  model_.log_failure(entry, made.error());
  if (entry.trace.told == CallTrace::Told::kNothing) model_.reports.begun(entry, thread);
  model_.reports.failed(entry, made.error());
  refuse(thread, entry.debug_id, made.error());
  return Step::kDone;
}

void Calls::refuse(Thread& thread, std::uint32_t debug_id, const BrError& error) {
  thread.set_extended_error({.id = debug_id, .command = error.command(), .param = error.error()});
  NB_CHECK(!thread.return_error().pending());
  thread.return_error().set(error.command());
  thread.process().loopers().queue_to(thread, thread.return_error());
}

Step Calls::reply(Thread& thread, const CallData& reply) {
  const Transaction* handled = thread.stack();
  if (handled != nullptr && handled->to_thread() == &thread && handled->caller_host() != nullptr &&
      model_.elsewhere->reply_waits(thread, reply, *handled)) {
    return Step::kAgain;
  }
  TransactionLogEntry entry = log_entry(thread, reply, TransactionLogEntry::Kind::kReply);
  Transaction* answered = model_.calls.take_handled(thread);
  if (answered == nullptr) {
    const BrError error = BrError::failed(-EPROTO);
    model_.log_failure(entry, error);
    refuse(thread, entry.debug_id, error);
    return Step::kDone;
  }
  entry.trace = answered->trace();
  entry.took_us = model_.now_us - answered->head().start_us;
  const auto made = make_reply(thread, reply, entry, *answered);
  if (made) {
    model_.log_sent(entry);
    model_.calls.tell_doom(thread);
    return Step::kDone;
  }
  model_.log_failure(entry, made.error());
  // The replier did its part: only its caller reads of the failure.
  NB_CHECK(!thread.return_error().pending());
  thread.return_error().set(BR_TRANSACTION_COMPLETE);
  thread.process().loopers().queue_to(thread, thread.return_error());
  model_.calls.fail(*answered, made.error());
  model_.calls.tell_doom(thread);
  return Step::kDone;
}

// ---- calls ----

std::expected<Node*, BrError> Calls::target_of(Thread& thread, const CallData& call) const {
  const Process& process = thread.process();
  Node* node = nullptr;
  if (call.data.target.handle != 0) {
    node = process.refs().node_of(Handle{call.data.target.handle}, RefKind::kStrong);
    if (node == nullptr) return std::unexpected(BrError::failed(-EINVAL));
  } else {
    node = process.context().handle_zero();
    if (node != nullptr && node->local() && node->owner()->pid() == process.pid()) {
      return std::unexpected(BrError::failed(-EINVAL));
    }
  }
  if (node == nullptr) return std::unexpected(BrError::dead(-EINVAL));
  if (node->dead()) {
    return std::unexpected(BrError::dead(-EINVAL).because(node->death_reason()));
  }
  return node;
}

CallOutcome Calls::make_call(Thread& thread, const CallData& call, TransactionLogEntry& entry) {
  const auto node = target_of(thread, call);
  if (!node) return std::unexpected(node.error());
  entry.to_node = entry.trace.node = (*node)->debug_id();
  if ((*node)->call_rules() != nullptr) {
    const Process& caller = thread.process();
    if (const auto denied = deny_call(model_, **node, caller.subject(), caller.pid())) {
      return std::unexpected(*denied);
    }
  }
  if (flags_of(call).oneway()) {
    // A thread can make many such calls before it reads that they were queued.
    if (!thread.process().user().may_add_todo()) return std::unexpected(BrError::failed(-ENOMEM));
  } else {
    // A thread that has a call to handle cannot wait for another, nor can one that waits already.
    const TodoList& todo = thread.todo();
    if (!todo.empty() && todo.front().kind() == WorkKind::kTransaction) {
      return std::unexpected(BrError::failed(-EPROTO));
    }
    if (thread.stack() != nullptr && thread.stack()->to_thread() != &thread) {
      return std::unexpected(BrError::failed(-EPROTO));
    }
  }
  if (!well_shaped(call)) return std::unexpected(BrError::failed(-EINVAL));
  if ((*node)->imported()) return model_.elsewhere->call(thread, **node, call, entry);
  return call_locally(thread, call, **node, entry);
}

CallOutcome Calls::call_locally(Thread& thread, const CallData& call, Node& node,
                                TransactionLogEntry& entry) {
  const Process& process = thread.process();
  const CallFlags flags = flags_of(call);
  Process& target = *node.owner();
  if (&target == &process) return std::unexpected(BrError::failed(-EINVAL));
  Thread* handler = flags.oneway() ? nullptr : model_.calls.nested_target(thread, target);
  entry.to_pid = target.pid();
  if (handler != nullptr) entry.to_tid = handler->tid().value();
  model_.reports.begun(entry, thread);

  const bool tells_context = node.flags().wants_security_context();
  auto placed =
      place_payload(target, shape_of(call),
                    tells_context ? std::string_view(process.credentials().security_context) : "",
                    flags.oneway() ? Buffer::Space::kAsync : Buffer::Space::kSync, process.pid());
  if (!placed) return std::unexpected(placed.error());
  placed->allocation.set_debug_id(entry.debug_id);
  placed->allocation.clear_when_freed(flags.clear_buffer());
  placed->allocation.call_of(node);

  using Kind = TransactionHead::Kind;
  CallStacks::Owner made =
      model_.calls.make(head(thread, call, flags.oneway() ? Kind::kOneway : Kind::kCall, entry));
  made->set_security_context(placed->security_context);
  made->carry(std::move(placed->allocation));
  const FilePolicy files = node.flags().accept_fds() ? FilePolicy::kAccepted : FilePolicy::kRefused;
  // The driver makes one for each call and counts it in its statistics, even if the call fails.
  auto complete = model_.completions.make(thread.process().user());
  const auto translated = translate_to_process(model_, thread, call.data, files, *made);
  if (!translated) return std::unexpected(translated.error());
  ++model_.statistics.calls_local;
  model_.reports.placed(*made);

  if (flags.oneway()) {
    const auto queued = queue_call(*made, target, nullptr);
    if (!queued) {
      model_.reports.not_queued(*made);
      return std::unexpected(queued.error());
    }
    (void)made.release();
    complete->say(*queued);
    thread.process().loopers().queue_to(thread, *complete.release());
    return Step::kDone;
  }
  LooperPool::queue_deferred(thread, *complete);
  CallStacks::push_outgoing(thread, *made);
  const auto queued = queue_call(*made, target, handler);
  if (!queued) {
    model_.reports.not_queued(*made);
    model_.calls.withdraw(thread, *made);
    return std::unexpected(queued.error());
  }
  (void)made.release();
  (void)complete.release();
  return Step::kDone;
}

TransactionHead Calls::head(const Thread& sender, const CallData& call, TransactionHead::Kind kind,
                            const TransactionLogEntry& entry) const {
  const Credentials& credentials = sender.process().credentials();
  return {.debug_id = entry.debug_id,
          .kind = kind,
          .code = call.data.code,
          .flags = flags_of(call),
          .sender_euid = credentials.euid,
          .from_pid = credentials.pid,
          .from_tid = sender.tid().value(),
          .start_us = model_.now_us,
          .nice = sender.nice(),
          .trace = entry.trace};
}

std::expected<std::uint32_t, BrError> Calls::queue_call(Transaction& call, Process& target,
                                                        Thread* handler) {
  const bool oneway = !call.awaits_reply();
  const bool frozen = target.frozen();
  if (frozen) {
    target.call_while_frozen(oneway ? Buffer::Space::kAsync : Buffer::Space::kSync);
  }
  if (frozen && !oneway) return std::unexpected(BrError::frozen());
  if (target.dead() || (handler != nullptr && handler->dead())) {
    return std::unexpected(BrError::dead());
  }

  const bool spam = call.payload().buffer().spam_suspect();
  OnewayQueue& oneways = call.payload().buffer().target()->oneways();
  CallStacks::address_to(call, target);
  model_.reports.queued(call);
  if (oneway && oneways.arrive() == OnewayQueue::Turn::kLater) {
    if (call.flags().update()) {
      if (frozen) drop_outdated(oneways, call, model_.calls);
      oneways.index(call.begin_update());
    }
    oneways.wait(call);
  } else {
    if (oneway) call.payload().take_turn();
    LooperPool& loopers = target.loopers();
    if (handler == nullptr) handler = loopers.select_waiting();
    if (handler != nullptr) {
      loopers.queue_to(*handler, call);
    } else {
      loopers.queue(call);
    }
  }
  if (oneway && frozen) return kBrTransactionPendingFrozen;
  return oneway && spam ? BR_ONEWAY_SPAM_SUSPECT : BR_TRANSACTION_COMPLETE;
}

void Calls::drop_outdated(OnewayQueue& oneways, const Transaction& by, CallStacks& calls) {
  Work* const outdated = oneways.outdated_by(by.update_key());
  if (outdated == nullptr) return;
  auto& older = static_cast<Transaction&>(*outdated);
  older.dequeue();
  older.take_payload().end();
  calls.discard(older, BrError::failed(0, "a newer call like it has replaced it"));
}

// ---- replies ----

std::expected<void, BrError> Calls::make_reply(Thread& thread, const CallData& reply,
                                               TransactionLogEntry& entry, Transaction& answered) {
  if (!well_shaped(reply)) return std::unexpected(BrError::failed(-EINVAL));
  LooperPool& loopers = thread.process().loopers();
  if (answered.caller_host() != nullptr) {
    const auto sent = model_.elsewhere->reply(thread, reply, answered, entry);
    if (!sent) return sent;
    model_.reports.replied(answered, thread, entry);
    loopers.queue_to(thread, *model_.completions.create(thread.process().user()));
    model_.calls.end(answered);
    return {};
  }
  if (answered.from() == nullptr) return std::unexpected(BrError::dead());
  const Thread& caller = *answered.from();
  if (caller.stack() != &answered) return std::unexpected(BrError::failed(-EPROTO));

  Process& target = caller.process();
  entry.to_pid = target.pid();
  entry.to_tid = caller.tid().value();
  auto placed =
      place_payload(target, shape_of(reply), {}, Buffer::Space::kSync, thread.process().pid());
  if (!placed) return std::unexpected(placed.error());
  placed->allocation.set_debug_id(entry.debug_id);
  placed->allocation.clear_when_freed(flags_of(reply).clear_buffer());
  CallStacks::Owner made =
      model_.calls.make(head(thread, reply, TransactionHead::Kind::kReply, entry));
  made->carry(std::move(placed->allocation));
  const FilePolicy files =
      answered.flags().accept_fds() ? FilePolicy::kAccepted : FilePolicy::kRefused;
  auto complete = model_.completions.make(thread.process().user());
  const auto translated = translate_to_process(model_, thread, reply.data, files, *made);
  if (!translated) return translated;
  loopers.queue_to(thread, *complete.release());
  model_.reports.replied(answered, thread, entry);
  queue_reply(std::move(made), answered);
  return {};
}

void Calls::queue_reply(CallStacks::Owner reply, Transaction& in_reply_to) {
  // Popping the call may report the failure of a call below it to the caller, so it comes first.
  Thread& caller = *in_reply_to.from();
  model_.calls.pop(caller, in_reply_to);
  CallStacks::address_to(*reply, caller.process());
  caller.process().loopers().queue_to(caller, *reply.release());
  model_.calls.end(in_reply_to);
}

}  // namespace netbinder
