// SPDX-License-Identifier: Apache-2.0
//
// Calls between hosts.
#include <algorithm>
#include <cerrno>

#include "core/check.h"
#include "core/driver.h"
#include "core/objects.h"

namespace netbinder {

namespace {

// The longest chain of calls that is told to another host; beyond it a call back is not nested.
constexpr std::size_t kMaxAncestors = 128;

bool is_failure(std::uint32_t command) {
  return command == BR_FAILED_REPLY || command == BR_DEAD_REPLY || command == BR_FROZEN_REPLY;
}

}  // namespace

// ---- from here to a peer ----

std::expected<Driver::Step, Driver::Failure> Driver::call_peer(Thread& thread, Node& node,
                                                               const binder_transaction_data& data,
                                                               std::uint64_t extra_size,
                                                               TransactionLogEntry& entry) {
  Peer& peer = *node.home;
  entry.to_host = peer.host;
  const Process& process = thread.process;
  const bool oneway = (data.flags & TF_ONE_WAY) != 0;
  const CallId id{next_call_++};

  peer::Call message;
  message.call = id;
  message.target = node.number;
  message.code = data.code;
  message.flags = data.flags;
  message.sender_euid = process.credentials.euid;
  message.nice = thread.nice;
  message.caller = process.id;
  message.security_context = security_context_of(process) + "@" + setup_.host_name;
  message.shape = {data.data_size, data.offsets_size, extra_size};
  if (!oneway) message.ancestors = ancestors_of(thread, id);
  Payload image;
  // Whether the node accepts descriptors, its home decides.
  const auto translated =
      translate_to_peer(thread, data, peer, message.shape, true, image, message.objects);
  if (!translated) return std::unexpected(translated.error());
  ++statistics_.calls_to_peers;

  // Complete when it is in the target's queue, not before. The thread of a synchronous call waits
  // anyway, and need not hear of it, if all it does next is wait for the reply.
  const bool waits = oneway || !thread.io.reads || thread.io.nonblocking || commands_follow(thread);
  message.wants_acceptance = waits && !oneway;
  OutgoingCall& call = outgoing_
                           .emplace(id, OutgoingCall{.peer = &peer,
                                                     .transaction = nullptr,
                                                     .waiting = waits ? &thread : nullptr,
                                                     .debug_id = entry.debug_id})
                           .first->second;
  if (!oneway) {
    Transaction& transaction = new_transaction(thread, data, entry.debug_id);
    transaction.from = &thread;
    transaction.own_call = id;
    transaction.completion_owed = true;
    transaction.from_parent = thread.transaction_stack;
    thread.transaction_stack = &transaction;
    call.transaction = &transaction;
  }
  effects_.send(peer.host, std::move(message), std::move(image));
  if (!waits) return Step::kContinue;
  thread.state = AwaitingAcceptance{.call = id};
  note_ready(thread);
  return Step::kSuspend;
}

bool Driver::commands_follow(const Thread& thread) {
  const WriteRead& io = thread.io;
  const auto running = load<std::uint32_t>(io.commands, io.write_consumed);
  return io.commands.size() - io.write_consumed > sizeof running + _IOC_SIZE(running);
}

std::expected<void, Driver::Failure> Driver::reply_to_peer(Thread& thread,
                                                           const binder_transaction_data& data,
                                                           std::uint64_t extra_size,
                                                           Transaction& in_reply_to) {
  Peer& peer = *in_reply_to.remote_from;
  peer::Reply message;
  message.call = in_reply_to.call;
  message.caller = in_reply_to.remote_caller;
  message.code = data.code;
  message.flags = data.flags;
  message.sender_euid = thread.process.credentials.euid;
  message.shape = {data.data_size, data.offsets_size, extra_size};
  Payload image;
  const bool accept_fds = (in_reply_to.flags & TF_ACCEPT_FDS) != 0;
  const auto translated =
      translate_to_peer(thread, data, peer, message.shape, accept_fds, image, message.objects);
  if (!translated) return translated;
  effects_.send(peer.host, std::move(message), std::move(image));
  return {};
}

std::vector<CallAncestor> Driver::ancestors_of(const Thread& thread, CallId own) {
  std::vector<CallAncestor> ancestors{{.host = setup_.host, .call = own}};
  Transaction* waiting = thread.transaction_stack;
  while (waiting != nullptr && ancestors.size() < kMaxAncestors) {
    if (waiting->from == nullptr) {
      const auto room = kMaxAncestors - ancestors.size();
      const auto count = std::min(room, waiting->ancestors.size());
      ancestors.insert(ancestors.end(), waiting->ancestors.begin(),
                       waiting->ancestors.begin() + static_cast<std::ptrdiff_t>(count));
      break;
    }
    if (waiting->own_call == CallId{}) {  // a local call: now other hosts know of it
      waiting->own_call = CallId{next_call_++};
      outgoing_.emplace(waiting->own_call, OutgoingCall{.peer = nullptr,
                                                        .transaction = waiting,
                                                        .waiting = nullptr,
                                                        .debug_id = waiting->debug_id});
    }
    ancestors.push_back({.host = setup_.host, .call = waiting->own_call});
    waiting = waiting->from_parent;
  }
  return ancestors;
}

Thread* Driver::nested_target(const std::vector<CallAncestor>& ancestors,
                              const Process& target) const {
  for (const CallAncestor& ancestor : ancestors) {
    if (ancestor.host != setup_.host) continue;
    const auto found = outgoing_.find(ancestor.call);
    if (found == outgoing_.end() || found->second.transaction == nullptr) continue;
    Thread* waiting = found->second.transaction->from;
    if (waiting != nullptr && &waiting->process == &target) return waiting;
  }
  return nullptr;
}

void Driver::forget_call(Transaction& transaction) {
  if (transaction.own_call != CallId{}) {
    outgoing_.erase(std::exchange(transaction.own_call, CallId{}));
  }
  if (transaction.remote_from != nullptr) {
    transaction.remote_from->incoming.erase(transaction.call);
    transaction.remote_from = nullptr;
  }
}

void Driver::refuse_call(Thread& thread, std::uint32_t debug_id, Failure failure) {
  thread.extended_error = {.id = debug_id, .command = failure.command, .param = failure.error};
  NB_CHECK(thread.return_error.command == BR_OK);
  thread.return_error.command = failure.command;
  queue_thread_work(thread, thread.return_error);
}

void Driver::end_outgoing(CallId id, Failure failure, bool was_queued) {
  const OutgoingCall call = outgoing_.at(id);
  Thread* waiting = call.waiting;
  if (call.transaction == nullptr) {
    outgoing_.erase(id);
    refuse_call(*waiting, call.debug_id, failure);
  } else if (Transaction& transaction = *call.transaction;
             transaction.completion_owed && !was_queued && waits_in(transaction)) {
    // As if it had never been: its caller hears of the failure only.
    Thread& caller = *transaction.from;
    transaction.completion_owed = false;
    pop_transaction(caller, transaction);
    free_transaction(transaction);
    refuse_call(caller, call.debug_id, failure);
  } else {
    outgoing_.at(id).waiting = nullptr;
    // A refusal is the caller's own to hear. Who waits for one that is gone hears of its death.
    const bool refused_to_nobody = transaction.from == nullptr && !was_queued;
    send_failed_reply(&transaction, refused_to_nobody ? Failure{BR_DEAD_REPLY, 0} : failure);
  }
  if (waiting != nullptr) go_on(*waiting);
}

bool Driver::waits_in(const Transaction& transaction) {
  const Thread* caller = transaction.from;
  if (caller == nullptr) return false;
  // A caller that was interrupted may be about something else by now.
  const auto* awaiting = std::get_if<AwaitingAcceptance>(&caller->state);
  return std::holds_alternative<Reading>(caller->state) ||
         (awaiting != nullptr && awaiting->call == transaction.own_call);
}

void Driver::go_on(Thread& thread) {
  thread.state = Idle{};
  continue_commands(thread);
}

void Driver::fail_to_peer(Transaction& transaction, Failure failure) {
  effects_.send(transaction.remote_from->host,
                peer::CallFailed{.call = transaction.call,
                                 .queued = true,
                                 .command = failure.command,
                                 .error = failure.error},
                {});
}

// ---- from a peer to here ----

TransactionLogEntry Driver::log_entry(const Peer& from, TransactionLogEntry::Kind kind,
                                      const PayloadShape& shape) {
  TransactionLogEntry entry;
  entry.debug_id = next_debug_id_++;
  entry.kind = kind;
  entry.from_host = from.host;
  entry.data_size = shape.data_size;
  entry.offsets_size = shape.offsets_size;
  return entry;
}

void Driver::handle(Peer& peer, peer::Call& message) {
  ++statistics_.calls_from_peers;
  const bool oneway = (message.flags & TF_ONE_WAY) != 0;
  PeerMessage as_message = std::move(message);
  const auto arrived = take_arriving(peer, as_message);
  auto& call = std::get<peer::Call>(as_message);
  std::expected<std::uint32_t, Failure> accepted = std::unexpected(Failure{BR_FAILED_REPLY, 0});
  using Kind = TransactionLogEntry::Kind;
  TransactionLogEntry entry = log_entry(peer, oneway ? Kind::kOneway : Kind::kCall, call.shape);
  if (!oneway && peer.incoming.contains(call.call)) {
    if (arrived) release_arriving(*arrived);
    effects_.give_up_peer(peer.host, "a call's number was used twice");
    return;
  }
  if (arrived) {
    const Process& process = *find_process(arrived->process);
    entry.context = &process.context;
    entry.to_pid = process.credentials.pid;
    entry.to_node = arrived->buffer->target_node->debug_id;
    accepted = accept_call(peer, call, *arrived, entry.debug_id);
  } else {
    disown_payload(peer, call.objects);
    accepted = std::unexpected(arrived.error());
  }
  if (accepted) {
    log_.add(entry);
  } else {
    log_failure(entry, accepted.error());
  }
  if (!accepted) {
    effects_.send(peer.host,
                  peer::CallFailed{.call = call.call,
                                   .queued = false,
                                   .command = accepted.error().command,
                                   .error = accepted.error().error},
                  {});
  } else if (oneway || call.wants_acceptance) {
    effects_.send(peer.host, peer::CallAccepted{.call = call.call, .command = *accepted}, {});
  }
}

std::expected<std::uint32_t, Driver::Failure> Driver::accept_call(Peer& peer, peer::Call& message,
                                                                  const ArrivingPayload& arrived,
                                                                  std::uint32_t debug_id) {
  Process& process = *find_process(arrived.process);
  Buffer& buffer = *arrived.buffer;
  const bool oneway = (message.flags & TF_ONE_WAY) != 0;
  auto adopted = adopt_payload(peer, message.shape, message.objects, process, buffer,
                               buffer.target_node->accept_fds);
  if (!adopted) {
    release_buffer(process, buffer, 0);
    return std::unexpected(adopted.error());
  }
  Transaction& transaction = *transactions_.create();
  transaction.debug_id = debug_id;
  transaction.start_ms = now_ms_;
  transaction.code = message.code;
  transaction.flags = message.flags;
  transaction.sender_euid = message.sender_euid;
  transaction.nice = std::clamp(message.nice, -20, 19);
  transaction.security_context_offset = arrived.context_offset;
  transaction.security_context_size = arrived.context_size;
  transaction.buffer = &buffer;
  transaction.files = std::move(*adopted);
  buffer.transaction = &transaction;
  buffer.debug_id = transaction.debug_id;
  Thread* target_thread = nullptr;
  if (!oneway) {
    transaction.remote_from = &peer;
    transaction.call = message.call;
    transaction.remote_caller = message.caller;
    transaction.ancestors = std::move(message.ancestors);
    peer.incoming.emplace(message.call, &transaction);
    target_thread = nested_target(transaction.ancestors, process);
  }
  const auto queued = queue_call(transaction, process, target_thread);
  if (!queued) {
    transaction.buffer = nullptr;
    buffer.transaction = nullptr;
    release_buffer(process, buffer);
    free_transaction(transaction);
  }
  return queued;
}

void Driver::handle(Peer& peer, peer::Reply& message) {
  PeerMessage as_message = std::move(message);
  const auto arrived = take_arriving(peer, as_message);
  auto& reply = std::get<peer::Reply>(as_message);
  const auto found = outgoing_.find(reply.call);
  Transaction* waiting =
      found != outgoing_.end() && found->second.peer == &peer ? found->second.transaction : nullptr;
  if (waiting == nullptr) {
    if (arrived) release_arriving(*arrived);
    disown_payload(peer, reply.objects);
    effects_.give_up_peer(peer.host, "a reply to no call");
    return;
  }
  if (found->second.waiting != nullptr) {
    if (arrived) release_arriving(*arrived);
    disown_payload(peer, reply.objects);
    effects_.give_up_peer(peer.host, "a reply before the acceptance that was asked for");
    return;
  }
  Thread* caller = waiting->from;
  std::optional<Failure> failure;
  if (!arrived) failure = arrived.error();
  if (caller != nullptr && caller->transaction_stack != waiting) {
    failure = Failure{BR_FAILED_REPLY, -EPROTO};
  }
  TransactionLogEntry entry = log_entry(peer, TransactionLogEntry::Kind::kReply, reply.shape);
  if (failure || caller == nullptr) {
    if (arrived) release_arriving(*arrived);
    disown_payload(peer, reply.objects);
    const Failure told = caller == nullptr ? Failure{BR_DEAD_REPLY, 0} : *failure;
    log_failure(entry, told);
    send_failed_reply(waiting, told);
    return;
  }
  entry.context = &caller->process.context;
  entry.to_pid = caller->process.credentials.pid;
  entry.to_tid = caller->tid.value();
  Buffer& buffer = *arrived->buffer;
  const bool accept_fds = (waiting->flags & TF_ACCEPT_FDS) != 0;
  auto adopted =
      adopt_payload(peer, reply.shape, reply.objects, caller->process, buffer, accept_fds);
  if (!adopted) {
    release_buffer(caller->process, buffer, 0);
    log_failure(entry, adopted.error());
    send_failed_reply(waiting, adopted.error());
    return;
  }
  log_.add(entry);
  Transaction& transaction = *transactions_.create();
  transaction.debug_id = entry.debug_id;
  transaction.start_ms = now_ms_;
  transaction.is_reply = true;
  transaction.code = reply.code;
  transaction.flags = reply.flags;
  transaction.sender_euid = reply.sender_euid;
  transaction.buffer = &buffer;
  transaction.files = std::move(*adopted);
  buffer.transaction = &transaction;
  buffer.debug_id = transaction.debug_id;
  queue_reply(transaction, *waiting);
}

void Driver::handle(Peer& peer, peer::CallFailed& message) {
  const auto found = outgoing_.find(message.call);
  if (found == outgoing_.end() || found->second.peer != &peer) return;  // its thread is gone
  if (!is_failure(message.command)) {
    effects_.give_up_peer(peer.host, "a call failed with a command that is no failure");
    return;
  }
  const OutgoingCall call = found->second;
  const Failure failure{message.command, message.error};
  ++statistics_.failed_calls;
  TransactionLogEntry entry;  // of the call itself, which is in the log of all already
  entry.debug_id = call.debug_id;
  entry.to_host = peer.host;
  entry.failed_command = message.command;
  entry.failed_error = message.error;
  entry.failed_line = failure.line;
  if (call.transaction != nullptr) {
    entry.from_pid = call.transaction->from_pid;
    entry.from_tid = call.transaction->from_tid;
  } else {
    entry.kind = TransactionLogEntry::Kind::kOneway;
    entry.from_pid = call.waiting->process.credentials.pid;
    entry.from_tid = call.waiting->tid.value();
  }
  failed_log_.add(entry);
  end_outgoing(message.call, failure, message.queued);
}

void Driver::handle(Peer& peer, peer::CallAccepted& message) {
  const auto found = outgoing_.find(message.call);
  if (found == outgoing_.end() || found->second.peer != &peer) return;  // its thread is gone
  Transaction* transaction = found->second.transaction;
  if (found->second.waiting == nullptr) {
    // Of a thread that has gone meanwhile, its synchronous call may still be accepted.
    if (transaction == nullptr || transaction->from != nullptr) {
      effects_.give_up_peer(peer.host, "a call was accepted whose acceptance was not asked for");
    }
    return;
  }
  Thread& thread = *std::exchange(found->second.waiting, nullptr);
  if (transaction != nullptr) {
    if (transaction->completion_owed) pay_completion(thread, *transaction);
  } else {
    outgoing_.erase(found);
    CompletionWork* complete = completions_.create();
    if (message.command == kBrTransactionPendingFrozen) {
      complete->kind = WorkKind::kTransactionPending;
    } else if (message.command == BR_ONEWAY_SPAM_SUSPECT) {
      complete->kind = WorkKind::kOnewaySpamSuspect;
    }
    queue_thread_work(thread, *complete);
  }
  go_on(thread);
}

}  // namespace netbinder
