// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/peer_calls.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/base/check.h"
#include "core/cluster/adoption.h"
#include "core/cluster/outgoing_payload.h"
#include "core/local/calls.h"
#include "core/local/command_stream.h"
#include "core/model/security_context.h"

namespace netbinder {

namespace {

std::optional<BrFailure> failure_of(std::uint32_t command) {
  for (const BrFailure failure :
       {BrFailure::kFailedReply, BrFailure::kDeadReply, BrFailure::kFrozenReply}) {
    if (command == static_cast<std::uint32_t>(failure)) return failure;
  }
  return std::nullopt;
}

// A peer speaks only for its own programs, so the contexts that it sends must end with its name.
bool names_host(std::string_view context, std::string_view host) {
  return context.size() > host.size() && context.ends_with(host) &&
         context[context.size() - host.size() - 1] == '@';
}

}  // namespace

void PeerCalls::give_up(const Peer& peer, const char* reason) {
  model_.effects.give_up_peer(peer.host(), reason);
}

// ---- from here ----

CallOutcome PeerCalls::call(Thread& thread, Node& node, const CallData& call,
                            TransactionLogEntry& entry) {
  Peer& peer = node.import()->home();
  if (waits_.wait(thread, peer, &node, call)) return Step::kAgain;
  entry.to_host = entry.trace.to_host = peer.host();
  model_.reports.begun(entry, thread);
  const Process& process = thread.process();
  const bool oneway = CallFlags(call.data.flags).oneway();
  const CallId id = outgoing_.next_id();

  peer::Call message;
  message.call = id;
  message.target = node.number();
  message.code = call.data.code;
  message.flags = call.data.flags;
  message.sender_euid = process.credentials().euid;
  message.nice = thread.nice();
  message.caller = process.id();
  if (carries_spans(peer.version())) {
    message.trace = entry.trace.trace;
    message.span = entry.trace.span;
  }
  // A context that the receiver can make from the user is not sent.
  const std::string& context = process.credentials().security_context;
  if (!is_context_of_user(context, message.sender_euid)) {
    message.security_context = context + "@" + model_.setup.host_name;
  }
  message.shape = {call.data.data_size, call.data.offsets_size, call.extra_size};
  if (!oneway) message.ancestors = outgoing_.ancestors_of(model_.setup.host, thread, id);
  OutgoingPayload payload(model_, exports_, peer);
  // The node's home decides whether the node accepts descriptors.
  const auto translated =
      payload.translate(thread, call.data, message.shape, FilePolicy::kAccepted);
  if (!translated) return std::unexpected(translated.error());
  ++model_.statistics.calls_to_peers;

  // The call is complete when it is in the target's queue, not before. The thread of a synchronous
  // call waits anyway, and needs no acceptance if all it does next is wait for the reply.
  const WriteRead& io = thread.io();
  const bool waits = oneway || !io.reads() || io.nonblocking() || io.commands_follow();
  message.wants_acceptance = waits && !oneway;
  OutgoingCalls::Call& made = outgoing_.add(id, {.peer = &peer,
                                                 .transaction = nullptr,
                                                 .waiting = waits ? &thread : nullptr,
                                                 .debug_id = entry.debug_id,
                                                 .trace = oneway ? entry.trace : CallTrace{}});
  if (!oneway) {
    Transaction& transaction =
        *model_.calls.make(calls_.head(thread, call, TransactionHead::Kind::kCall, entry))
             .release();  // to the thread's stack
    transaction.set_own_call(id);
    transaction.owe_completion();
    CallStacks::push_outgoing(thread, transaction);
    made.transaction = &transaction;
  }
  message.objects = payload.take_objects();
  netbinder::Payload image = payload.take_image();
  model_.reports.sent(entry, thread, image.bytes());
  model_.effects.send(peer.host(), std::move(message), std::move(image));
  if (!waits) return Step::kDone;
  thread.process().loopers().enter(thread, AwaitingAcceptance{.call = id});
  return Step::kSuspended;
}

std::expected<void, BrError> PeerCalls::reply(Thread& thread, const CallData& reply,
                                              Transaction& in_reply_to,
                                              TransactionLogEntry& entry) {
  const RemoteCaller& caller = *in_reply_to.remote_caller();
  entry.to_host = caller.peer->host();
  peer::Reply message;
  message.call = caller.call;
  message.caller = caller.process;
  message.code = reply.data.code;
  message.flags = reply.data.flags;
  message.sender_euid = thread.process().credentials().euid;
  message.shape = {reply.data.data_size, reply.data.offsets_size, reply.extra_size};
  OutgoingPayload payload(model_, exports_, *caller.peer);
  const FilePolicy files =
      in_reply_to.flags().accept_fds() ? FilePolicy::kAccepted : FilePolicy::kRefused;
  const auto translated = payload.translate(thread, reply.data, message.shape, files);
  if (!translated) return translated;
  message.objects = payload.take_objects();
  model_.effects.send(caller.peer->host(), std::move(message), payload.take_image());
  return {};
}

void PeerCalls::tell_failure(const Transaction& call, const BrError& error) {
  const RemoteCaller& caller = *call.remote_caller();
  model_.effects.send(
      caller.peer->host(),
      peer::CallFailed{
          .call = caller.call, .queued = true, .command = error.command(), .error = error.error()},
      {});
}

void PeerCalls::forget(Transaction& call) {
  if (call.own_call() != CallId{}) {
    outgoing_.remove(call.own_call());
    call.set_own_call(CallId{});
  }
  if (Peer* peer = call.caller_host()) {
    peer->incoming_.erase(call.remote_caller()->call);
    call.lose_remote_caller();
  }
}

void PeerCalls::waiter_ends(CallId call) {
  OutgoingCalls::Call& waited = *outgoing_.find(call);
  // A synchronous call goes on, though nobody waits for its acceptance.
  if (waited.transaction == nullptr) {
    model_.reports.failed(entry_of(waited, *waited.waiting), BrError::dead());
    outgoing_.remove(call);
  } else {
    waited.waiting = nullptr;
  }
}

void PeerCalls::end_outgoing(CallId id, const BrError& error, Queued queued) {
  OutgoingCalls::Call& ended = *outgoing_.find(id);
  const std::uint32_t debug_id = ended.debug_id;
  Thread* waiting = std::exchange(ended.waiting, nullptr);
  Transaction* call = ended.transaction;
  if (call == nullptr) {
    model_.reports.failed(entry_of(ended, *waiting), error);
    outgoing_.remove(id);
    Calls::refuse(*waiting, debug_id, error);
  } else if (call->completion_owed() && queued == Queued::kNo && waits_in(*call)) {
    // The call was never queued: its caller reads the failure, and nothing else of the call.
    Thread& caller = *call->from();
    model_.reports.failed(*call, error);
    model_.calls.withdraw(caller, *call);
    model_.calls.end(*call);
    Calls::refuse(caller, debug_id, error);
  } else {
    // Only the caller reads the cause. If the caller is gone, whoever waits for it reads that it is
    // dead, as on one host, where a callee whose caller is gone is not asked at all.
    model_.calls.fail(*call, call->from() == nullptr ? BrError::dead() : error);
  }
  if (waiting != nullptr) commands_.resume(*waiting);
}

bool PeerCalls::waits_in(const Transaction& call) {
  const Thread* caller = call.from();
  if (caller == nullptr) return false;
  // A caller that was interrupted may be in another ioctl by now.
  const auto* awaiting = caller->in<AwaitingAcceptance>();
  return caller->reading() || (awaiting != nullptr && awaiting->call == call.own_call());
}

TransactionLogEntry PeerCalls::entry_of(const OutgoingCalls::Call& oneway, const Thread& caller) {
  TransactionLogEntry entry;
  entry.debug_id = oneway.debug_id;
  entry.kind = TransactionLogEntry::Kind::kOneway;
  entry.from_pid = caller.process().pid();
  entry.from_tid = caller.tid().value();
  entry.to_host = oneway.peer->host();
  entry.trace = oneway.trace;
  return entry;
}

// ---- from a peer to here ----

TransactionLogEntry PeerCalls::log_entry(const Peer& from, TransactionLogEntry::Kind kind,
                                         const PayloadShape& shape) {
  TransactionLogEntry entry;
  entry.debug_id = model_.next_debug_id();
  entry.kind = kind;
  entry.at_us = model_.now_us;
  entry.from_host = from.host();
  entry.data_size = shape.data_size;
  entry.offsets_size = shape.offsets_size;
  return entry;
}

void PeerCalls::handle(Peer& peer, peer::Call& message) {
  ++model_.statistics.calls_from_peers;
  const bool oneway = CallFlags(message.flags).oneway();
  PeerMessage as_message = std::move(message);
  ArrivingPayload arrived = placement_.take(peer, as_message);
  auto& call = std::get<peer::Call>(as_message);
  if (!call.security_context.empty() && !names_host(call.security_context, peer.name())) {
    if (arrived) arrived->allocation.end();
    disown_payload(model_, imports_, peer, call.objects);
    give_up(peer, "a call in the name of another host's program");
    return;
  }
  using Kind = TransactionLogEntry::Kind;
  TransactionLogEntry entry = log_entry(peer, oneway ? Kind::kOneway : Kind::kCall, call.shape);
  if (!oneway && peer.incoming_.contains(call.call)) {
    give_up(peer, "a call's number was used twice");
    return;
  }
  entry.trace = model_.reports.trace_of_arrival(call.trace, call.span, call.code,
                                                CallFlags(call.flags));
  entry.trace.from_host = peer.host();
  if (arrived) {
    entry.to_node = entry.trace.node = arrived->allocation.buffer().target()->debug_id();
    entry.to_pid = arrived->allocation.process().pid();
  }
  model_.reports.arrived(entry, call.caller);
  std::expected<std::uint32_t, BrError> accepted = std::unexpected(BrError::failed(0));
  if (arrived) {
    entry.context = &arrived->allocation.process().context();
    accepted = accept(peer, call, std::move(*arrived), entry);
  } else {
    disown_payload(model_, imports_, peer, call.objects);
    accepted = std::unexpected(arrived.error());
  }
  if (!accepted) {
    model_.log_failure(entry, accepted.error());
    model_.reports.failed(entry, accepted.error());
    model_.effects.send(peer.host(),
                        peer::CallFailed{.call = call.call,
                                         .queued = false,
                                         .command = accepted.error().command(),
                                         .error = accepted.error().error()},
                        {});
    return;
  }
  model_.log_sent(entry);
  if (oneway || call.wants_acceptance) {
    model_.effects.send(peer.host(), peer::CallAccepted{.call = call.call, .command = *accepted},
                        {});
  }
}

std::expected<std::uint32_t, BrError> PeerCalls::accept(Peer& peer, peer::Call& message,
                                                        PlacedPayload payload,
                                                        const TransactionLogEntry& entry) {
  Process& process = payload.allocation.process();
  const Node& target = *payload.allocation.buffer().target();
  const CallFlags flags(message.flags);
  const FilePolicy files =
      target.flags().accept_fds() ? FilePolicy::kAccepted : FilePolicy::kRefused;
  auto adopted = adopt_payload(model_, imports_, peer, message.shape, message.objects,
                               payload.allocation, files);
  if (!adopted) return std::unexpected(adopted.error());
  using Kind = TransactionHead::Kind;
  CallStacks::Owner made = model_.calls.make({.debug_id = entry.debug_id,
                                              .kind = flags.oneway() ? Kind::kOneway : Kind::kCall,
                                              .code = message.code,
                                              .flags = flags,
                                              .sender_euid = model_.setup.user_here(
                                                  peer.host(), message.sender_euid),
                                              .start_us = model_.now_us,
                                              .nice = std::clamp(message.nice, -20, 19),
                                              .trace = entry.trace});
  made->set_security_context(payload.security_context);
  made->files() = std::move(*adopted);
  payload.allocation.set_debug_id(entry.debug_id);
  made->carry(std::move(payload.allocation));
  Thread* handler = nullptr;
  if (!flags.oneway()) {
    made->set_remote_caller({.peer = &peer,
                             .call = message.call,
                             .process = message.caller,
                             .ancestors = std::move(message.ancestors)});
    handler = outgoing_.nested_target(model_.setup.host, made->remote_caller()->ancestors, process);
  }
  model_.reports.placed(*made);
  const auto queued = calls_.queue_call(*made, process, handler);
  if (!queued) return queued;
  if (!flags.oneway()) peer.incoming_.emplace(message.call, made.get());
  (void)made.release();
  return queued;
}

void PeerCalls::handle(Peer& peer, peer::Reply& message) {
  PeerMessage as_message = std::move(message);
  ArrivingPayload arrived = placement_.take(peer, as_message);
  auto& reply = std::get<peer::Reply>(as_message);
  const OutgoingCalls::Call* outgoing = outgoing_.find(peer, reply.call);
  if (outgoing == nullptr || outgoing->transaction == nullptr || outgoing->waiting != nullptr) {
    const bool early = outgoing != nullptr && outgoing->transaction != nullptr;
    if (arrived) arrived->allocation.end();
    disown_payload(model_, imports_, peer, reply.objects);
    give_up(peer,
            early ? "a reply before the acceptance that was asked for" : "a reply to no call");
    return;
  }
  Transaction& call = *outgoing->transaction;
  const Thread* caller = call.from();
  TransactionLogEntry entry = log_entry(peer, TransactionLogEntry::Kind::kReply, reply.shape);
  entry.trace = call.trace();
  entry.took_us = model_.now_us - call.head().start_us;
  const auto fail = [&](const BrError& error) {
    model_.log_failure(entry, error);
    model_.calls.fail(call, error);
  };
  if (caller == nullptr || caller->stack() != &call || !arrived) {
    const BrError error = caller == nullptr          ? BrError::dead()
                          : caller->stack() != &call ? BrError::failed(-EPROTO)
                                                     : arrived.error();
    if (arrived) arrived->allocation.end();
    disown_payload(model_, imports_, peer, reply.objects);
    fail(error);
    return;
  }
  entry.context = &caller->process().context();
  entry.to_pid = caller->process().pid();
  entry.to_tid = caller->tid().value();
  Allocation& payload = arrived->allocation;
  const FilePolicy files = call.flags().accept_fds() ? FilePolicy::kAccepted : FilePolicy::kRefused;
  auto adopted = adopt_payload(model_, imports_, peer, reply.shape, reply.objects, payload, files);
  if (!adopted) {
    payload.end();
    fail(adopted.error());
    return;
  }
  model_.log_sent(entry);
  CallStacks::Owner made = model_.calls.make({.debug_id = entry.debug_id,
                                              .kind = TransactionHead::Kind::kReply,
                                              .code = reply.code,
                                              .flags = CallFlags(reply.flags),
                                              .sender_euid = model_.setup.user_here(
                                                  peer.host(), reply.sender_euid),
                                              .start_us = model_.now_us,
                                              .trace = entry.trace});
  made->files() = std::move(*adopted);
  payload.set_debug_id(entry.debug_id);
  made->carry(std::move(payload));
  model_.reports.reply_arrived(call, entry);
  calls_.queue_reply(std::move(made), call);
}

void PeerCalls::handle(Peer& peer, peer::CallFailed& message) {
  const OutgoingCalls::Call* failed = outgoing_.find(peer, message.call);
  if (failed == nullptr) return;  // its thread is gone
  const auto failure = failure_of(message.command);
  if (!failure) {
    give_up(peer, "a call failed with a command that is no failure");
    return;
  }
  const BrError error(*failure, message.error);
  ++model_.statistics.failed_calls;
  const Transaction* call = failed->transaction;
  // The log of all calls has the call already.
  TransactionLogEntry entry =
      call == nullptr ? entry_of(*failed, *failed->waiting) : TransactionLogEntry{};
  entry.debug_id = failed->debug_id;
  entry.to_host = peer.host();
  entry.at_us = model_.now_us;
  entry.failed_command = error.command();
  entry.failed_error = error.error();
  entry.failed_line = error.line();
  if (error.error() == -EPERM) entry.reason = "policy of the other host denies the call";
  if (call != nullptr) {
    entry.trace = call->trace();
    entry.took_us = model_.now_us - call->head().start_us;
    entry.from_pid = call->head().from_pid;
    entry.from_tid = call->head().from_tid;
  }
  model_.failed_log.add(entry);
  end_outgoing(message.call, error, message.queued ? Queued::kYes : Queued::kNo);
}

void PeerCalls::handle(Peer& peer, peer::CallAccepted& message) {
  OutgoingCalls::Call* accepted = outgoing_.find(peer, message.call);
  if (accepted == nullptr) return;  // its thread is gone
  Transaction* call = accepted->transaction;
  if (accepted->waiting == nullptr) {
    // A synchronous call may still be accepted after its thread has gone.
    if (call == nullptr || call->from() != nullptr) {
      give_up(peer, "a call was accepted whose acceptance was not asked for");
    }
    return;
  }
  Thread& thread = *std::exchange(accepted->waiting, nullptr);
  LooperPool& loopers = thread.process().loopers();
  if (call != nullptr) {
    if (call->take_owed_completion()) {
      LooperPool::queue_deferred(thread, *model_.completions.create(thread.process().user()));
    }
  } else {
    model_.reports.accepted(entry_of(*accepted, thread));
    outgoing_.remove(message.call);
    loopers.queue_to(thread, *model_.completions.create(thread.process().user(), message.command));
  }
  commands_.resume(thread);
}

void PeerCalls::peer_lost(Peer& peer) {
  for (auto& [call, transaction] : std::exchange(peer.incoming_, {})) {
    transaction->lose_remote_caller();
  }
  for (const CallId id : outgoing_.to(peer)) {
    const OutgoingCalls::Call* call = outgoing_.find(id);
    if (call == nullptr) continue;  // it ended together with an earlier one
    end_outgoing(id, BrError::dead(), call->waiting == nullptr ? Queued::kYes : Queued::kNo);
  }
}

}  // namespace netbinder
