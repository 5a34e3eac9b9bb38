// SPDX-License-Identifier: Apache-2.0
//
// Calls and replies: who gets them, and who hears when they fail.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/check.h"
#include "core/driver.h"

namespace netbinder {

Driver::StepResult Driver::command_transaction(Thread& thread, const binder_transaction_data& data,
                                               std::uint64_t extra_size, bool is_reply) {
  TransactionLogEntry entry;
  entry.debug_id = next_debug_id_++;
  using Kind = TransactionLogEntry::Kind;
  const bool oneway = (data.flags & TF_ONE_WAY) != 0;
  entry.kind = is_reply ? Kind::kReply : oneway ? Kind::kOneway : Kind::kCall;
  entry.from_pid = thread.process.credentials.pid;
  entry.from_tid = thread.tid.value();
  entry.context = &thread.process.context;
  entry.handle = data.target.handle;
  entry.data_size = data.data_size;
  entry.offsets_size = data.offsets_size;
  thread.extended_error = {.id = entry.debug_id, .command = BR_OK, .param = 0};
  Transaction* in_reply_to = nullptr;
  std::expected<Step, Failure> done = Step::kContinue;
  if (is_reply) {
    const auto replied = reply(thread, data, extra_size, entry, in_reply_to);
    if (!replied) done = std::unexpected(replied.error());
  } else {
    done = call(thread, data, extra_size, entry);
  }
  if (done) {
    log_.add(entry);
    if (is_reply) tell_doom(thread);
    return *done;
  }
  const Failure& failure = done.error();
  log_failure(entry, failure);
  NB_CHECK(thread.return_error.command == BR_OK);
  if (in_reply_to != nullptr) {
    // The replier did its part; the failure is its caller's.
    thread.return_error.command = BR_TRANSACTION_COMPLETE;
    queue_thread_work(thread, thread.return_error);
    send_failed_reply(in_reply_to, failure);
    tell_doom(thread);
  } else {
    thread.extended_error = {
        .id = entry.debug_id, .command = failure.command, .param = failure.error};
    thread.return_error.command = failure.command;
    queue_thread_work(thread, thread.return_error);
  }
  return Step::kContinue;
}

std::expected<Driver::Step, Driver::Failure> Driver::call(Thread& thread,
                                                          const binder_transaction_data& data,
                                                          std::uint64_t extra_size,
                                                          TransactionLogEntry& entry) {
  Process& process = thread.process;
  const bool oneway = (data.flags & TF_ONE_WAY) != 0;

  Node* node = nullptr;
  if (data.target.handle != 0) {
    node = node_of_handle(process, Handle{data.target.handle}, true);
    if (node == nullptr) return std::unexpected(Failure{BR_FAILED_REPLY, -EINVAL});
  } else {
    node = process.context.handle_zero();
    if (node != nullptr && node->local() &&
        node->owner->credentials.pid == process.credentials.pid) {
      return std::unexpected(Failure{BR_FAILED_REPLY, -EINVAL});
    }
  }
  if (node == nullptr || node->dead()) return std::unexpected(Failure{BR_DEAD_REPLY, -EINVAL});
  entry.to_node = node->debug_id;

  if (!oneway && !thread.todo.empty() && thread.todo.front().kind == WorkKind::kTransaction) {
    // A thread that has a call to handle cannot wait for another.
    return std::unexpected(Failure{BR_FAILED_REPLY, -EPROTO});
  }
  if (!oneway && thread.transaction_stack != nullptr) {
    const Transaction& top = *thread.transaction_stack;
    if (top.to_thread != &thread) return std::unexpected(Failure{BR_FAILED_REPLY, -EPROTO});
  }
  if (data.offsets_size % 8 != 0 || extra_size % 8 != 0) {
    return std::unexpected(Failure{BR_FAILED_REPLY, -EINVAL});
  }
  if (node->imported()) return call_peer(thread, *node, data, extra_size, entry);

  Process& target = *node->owner;
  if (&target == &process) return std::unexpected(Failure{BR_FAILED_REPLY, -EINVAL});
  Thread* target_thread = oneway ? nullptr : nested_target(thread, target);
  entry.to_pid = target.credentials.pid;
  if (target_thread != nullptr) entry.to_tid = target_thread->tid.value();

  PayloadShape shape{data.data_size, data.offsets_size, extra_size};
  const std::string context =
      node->wants_security_context ? security_context_of(process) : std::string();
  std::uint64_t context_offset = 0;
  const auto buffer =
      allocate_buffer(target, shape, context, oneway, process.credentials.pid, context_offset);
  if (!buffer) return std::unexpected(buffer.error());

  Transaction& transaction = new_transaction(thread, data, entry.debug_id);
  transaction.from = oneway ? nullptr : &thread;
  transaction.buffer = *buffer;
  transaction.security_context_offset = context_offset;
  transaction.security_context_size = context.empty() ? 0 : context.size() + 1;
  (*buffer)->debug_id = entry.debug_id;
  (*buffer)->clear_on_free = (data.flags & kTfClearBuf) != 0;
  (*buffer)->target_node = node;
  (*buffer)->transaction = &transaction;
  (void)increment_node(*node, RefKind::kStrong, false, nullptr);

  CompletionWork* complete = completions_.create();
  const auto translated =
      translate_to_process(thread, data, target, **buffer, node->accept_fds, transaction);
  if (!translated) {
    completions_.destroy(complete);
    transaction.buffer = nullptr;
    (*buffer)->transaction = nullptr;  // its objects are released already
    release_buffer(target, **buffer, 0);
    free_transaction(transaction);
    return std::unexpected(translated.error());
  }
  ++statistics_.calls_local;

  if (!oneway) {
    queue_deferred_thread_work(thread, *complete);
    transaction.from_parent = thread.transaction_stack;
    thread.transaction_stack = &transaction;
  }
  const auto queued = queue_call(transaction, target, target_thread);
  if (!queued) {
    if (!oneway) {
      pop_transaction(thread, transaction);
      complete->dequeue();
    }
    completions_.destroy(complete);
    (*buffer)->transaction = nullptr;
    transaction.buffer = nullptr;
    release_buffer(target, **buffer);
    free_transaction(transaction);
    return std::unexpected(queued.error());
  }
  if (oneway) {
    complete->kind = *queued == kBrTransactionPendingFrozen ? WorkKind::kTransactionPending
                     : *queued == BR_ONEWAY_SPAM_SUSPECT    ? WorkKind::kOnewaySpamSuspect
                                                            : WorkKind::kTransactionComplete;
    queue_thread_work(thread, *complete);
  }
  return Step::kContinue;
}

void Driver::log_failure(TransactionLogEntry entry, const Failure& failure) {
  entry.failed_command = failure.command;
  entry.failed_error = failure.error;
  entry.failed_line = failure.line;
  entry.reason = failure.reason;
  ++statistics_.failed_calls;
  log_.add(entry);
  failed_log_.add(entry);
}

Transaction& Driver::new_transaction(const Thread& sender, const binder_transaction_data& data,
                                     std::uint32_t debug_id) {
  const Credentials& credentials = sender.process.credentials;
  Transaction& transaction = *transactions_.create();
  transaction.debug_id = debug_id;
  transaction.code = data.code;
  transaction.flags = data.flags;
  transaction.sender_euid = credentials.euid;
  transaction.from_pid = credentials.pid;
  transaction.from_tid = sender.tid.value();
  transaction.start_ms = now_ms_;
  transaction.nice = sender.nice;
  return transaction;
}

std::expected<std::uint32_t, Driver::Failure> Driver::queue_call(Transaction& transaction,
                                                                 Process& target,
                                                                 Thread* target_thread) {
  Node& node = *transaction.buffer->target_node;
  const bool oneway = (transaction.flags & TF_ONE_WAY) != 0;
  const bool frozen = target.is_frozen;
  bool waits_for_node = false;
  if (oneway) {
    waits_for_node = std::exchange(node.has_async_transaction, true);
  }
  if (frozen) {
    (oneway ? target.async_received : target.sync_received) = true;
  }
  if (frozen && !oneway) return std::unexpected(Failure{BR_FROZEN_REPLY, 0});
  if (target.is_dead || (target_thread != nullptr && target_thread->is_dead)) {
    return std::unexpected(Failure{BR_DEAD_REPLY, 0});
  }

  const bool spam = transaction.buffer->spam_suspect;
  transaction.to_process = &target;
  transaction.outstanding = true;
  ++target.outstanding_transactions;
  if (waits_for_node) {
    if ((transaction.flags & kTfUpdateTxn) != 0 && frozen) {
      for (Work& work : node.async_todo) {
        auto& older = static_cast<Transaction&>(work);
        if ((older.flags & kTfUpdateTxn) == 0 || older.code != transaction.code ||
            older.from_pid != transaction.from_pid || older.flags != transaction.flags) {
          continue;
        }
        older.dequeue();
        Buffer* outdated = std::exchange(older.buffer, nullptr);
        outdated->transaction = nullptr;
        release_buffer(target, *outdated);
        free_transaction(older);
        break;
      }
    }
    node.async_todo.push_back(transaction);
  } else {
    if (target_thread == nullptr) target_thread = select_waiting_thread(target);
    if (target_thread != nullptr) {
      queue_thread_work(*target_thread, transaction);
    } else {
      queue_process_work(target, transaction);
    }
  }
  if (oneway && frozen) return kBrTransactionPendingFrozen;
  return oneway && spam ? BR_ONEWAY_SPAM_SUSPECT : BR_TRANSACTION_COMPLETE;
}

std::expected<void, Driver::Failure> Driver::reply(Thread& thread,
                                                   const binder_transaction_data& data,
                                                   std::uint64_t extra_size,
                                                   TransactionLogEntry& entry,
                                                   Transaction*& in_reply_to) {
  Process& process = thread.process;
  Transaction* answered = thread.transaction_stack;
  if (answered == nullptr || answered->to_thread != &thread) {
    return std::unexpected(Failure{BR_FAILED_REPLY, -EPROTO});
  }
  thread.transaction_stack = answered->to_parent;
  touch(thread.process);
  in_reply_to = answered;
  thread.nice = answered->saved_nice;
  if (data.offsets_size % 8 != 0 || extra_size % 8 != 0) {
    return std::unexpected(Failure{BR_FAILED_REPLY, -EINVAL});
  }
  if (answered->remote_from != nullptr) {
    entry.to_host = answered->remote_from->host;
    const auto sent = reply_to_peer(thread, data, extra_size, *answered);
    if (!sent) return sent;
    CompletionWork* complete = completions_.create();
    queue_thread_work(thread, *complete);
    free_transaction(*answered);
    return {};
  }
  if (answered->from == nullptr) return std::unexpected(Failure{BR_DEAD_REPLY, 0});
  Thread& caller = *answered->from;
  if (caller.transaction_stack != answered) {
    return std::unexpected(Failure{BR_FAILED_REPLY, -EPROTO});
  }

  Process& target = caller.process;
  entry.to_pid = target.credentials.pid;
  entry.to_tid = caller.tid.value();
  PayloadShape shape{data.data_size, data.offsets_size, extra_size};
  std::uint64_t context_offset = 0;
  const auto buffer =
      allocate_buffer(target, shape, {}, false, process.credentials.pid, context_offset);
  if (!buffer) return std::unexpected(buffer.error());

  Transaction& transaction = new_transaction(thread, data, entry.debug_id);
  transaction.is_reply = true;
  transaction.buffer = *buffer;
  (*buffer)->debug_id = entry.debug_id;
  (*buffer)->clear_on_free = (data.flags & kTfClearBuf) != 0;
  (*buffer)->transaction = &transaction;

  const bool accept_fds = (answered->flags & TF_ACCEPT_FDS) != 0;
  CompletionWork* complete = completions_.create();
  const auto translated =
      translate_to_process(thread, data, target, **buffer, accept_fds, transaction);
  if (!translated) {
    completions_.destroy(complete);
    transaction.buffer = nullptr;
    (*buffer)->transaction = nullptr;
    release_buffer(target, **buffer, 0);
    free_transaction(transaction);
    return translated;
  }
  queue_thread_work(thread, *complete);
  queue_reply(transaction, *answered);
  return {};
}

void Driver::queue_reply(Transaction& transaction, Transaction& in_reply_to) {
  Thread& caller = *in_reply_to.from;
  pop_transaction(caller, in_reply_to);
  transaction.to_process = &caller.process;
  transaction.outstanding = true;
  ++caller.process.outstanding_transactions;
  queue_thread_work(caller, transaction);
  free_transaction(in_reply_to);
}

Thread* Driver::nested_target(const Thread& thread, const Process& target) const {
  // A thread of the target that waits in this chain of calls handles the call itself.
  for (const Transaction* waiting = thread.transaction_stack; waiting != nullptr;
       waiting = waiting->from_parent) {
    if (waiting->from != nullptr && &waiting->from->process == &target) return waiting->from;
    if (waiting->from == nullptr && !waiting->ancestors.empty()) {
      return nested_target(waiting->ancestors, target);
    }
  }
  return nullptr;
}

void Driver::send_failed_reply(Transaction* transaction, Failure failure) {
  while (transaction != nullptr) {
    if (transaction->remote_from != nullptr) {
      fail_to_peer(*transaction, failure);
      free_transaction(*transaction);
      return;
    }
    if (transaction->from != nullptr) {
      Thread& caller = *transaction->from;
      if (handles_another(*transaction)) {
        detach(*transaction);
        transaction->doom_command = failure.command;
        transaction->doom_error = failure.error;
        return;
      }
      pop_transaction(caller, *transaction);
      // Only a reply that could not be made has a cause to tell; a death has none. An error of the
      // caller's own since the call stays.
      if (failure.error != 0 && caller.extended_error.command == BR_OK) {
        caller.extended_error = {
            .id = transaction->debug_id, .command = failure.command, .param = failure.error};
      }
      if (caller.reply_error.command == BR_OK) {
        caller.reply_error.command = failure.command;
        queue_thread_work(caller, caller.reply_error);
      }
      free_transaction(*transaction);
      return;
    }
    // The caller is gone; whoever waits for the caller is next.
    Transaction* next = transaction->from_parent;
    free_transaction(*transaction);
    transaction = next;
  }
}

void Driver::pop_transaction(Thread& thread, Transaction& transaction) {
  NB_CHECK(thread.transaction_stack == &transaction && transaction.from == &thread);
  if (transaction.completion_owed) pay_completion(thread, transaction);
  transaction.from = nullptr;
  set_stack(thread, transaction.from_parent);
}

void Driver::set_stack(Thread& thread, Transaction* top) {
  thread.transaction_stack = top;
  touch(thread.process);
  tell_doom(thread);
}

void Driver::tell_doom(Thread& thread) {
  Transaction* top = thread.transaction_stack;
  if (top != nullptr && top->from == &thread && top->doom_command != 0) {
    send_failed_reply(top, {top->doom_command, top->doom_error});
  }
}

bool Driver::handles_another(const Transaction& transaction) {
  const Thread& caller = *transaction.from;
  return caller.transaction_stack != &transaction ||
         std::any_of(caller.todo.begin(), caller.todo.end(), [](const Work& work) {
           if (work.kind != WorkKind::kTransaction) return false;
           // It is read before the failure would be, and goes on the stack then.
           const auto& other = static_cast<const Transaction&>(work);
           return !other.is_reply && (other.flags & TF_ONE_WAY) == 0;
         });
}

void Driver::detach(Transaction& transaction) {
  if (std::exchange(transaction.outstanding, false)) {
    NB_CHECK(transaction.to_process->outstanding_transactions > 0);
    if (--transaction.to_process->outstanding_transactions == 0) calls_ended_ = true;
  }
  if (transaction.buffer != nullptr) {
    std::exchange(transaction.buffer, nullptr)->transaction = nullptr;
  }
  forget_call(transaction);
  drop_files(transaction.files);
  transaction.dequeue();
}

void Driver::free_transaction(Transaction& transaction) {
  detach(transaction);
  transactions_.destroy(&transaction);
}

void Driver::discard_transaction(Transaction& transaction, Failure failure) {
  const bool awaited = !transaction.is_reply && (transaction.flags & TF_ONE_WAY) == 0;
  if (awaited) {
    send_failed_reply(&transaction, failure);
  } else {
    free_transaction(transaction);
  }
}

std::string Driver::security_context_of(const Process& sender) const {
  return sender.credentials.security_context;
}

std::expected<Buffer*, Driver::Failure> Driver::allocate_buffer(
    Process& target, PayloadShape& shape, std::string_view security_context, bool async,
    std::int32_t sender_pid, std::uint64_t& context_offset, Buffer* lent) {
  const std::uint64_t context_bytes =
      security_context.empty() ? 0 : (security_context.size() + 1 + 7) & ~std::uint64_t{7};
  if (__builtin_add_overflow(shape.extra_size, context_bytes, &shape.extra_size)) {
    return std::unexpected(Failure{BR_FAILED_REPLY, -EINVAL});
  }
  if (target.is_dead) return std::unexpected(Failure{BR_DEAD_REPLY, -ESRCH});
  std::expected<Buffer*, int> buffer = lent;
  if (lent == nullptr) {
    buffer = target.allocator.allocate(shape, async, sender_pid);
  } else if (const int error = target.allocator.use_lent(lent, shape, sender_pid)) {
    buffer = std::unexpected(error);
  }
  if (!buffer) {
    const std::uint32_t command = buffer.error() == -ESRCH ? BR_DEAD_REPLY : BR_FAILED_REPLY;
    return std::unexpected(Failure{command, buffer.error()});
  }
  if (context_bytes > 0) {
    context_offset = shape.image_size() - context_bytes;
    std::byte* place = target.arena.data() + (*buffer)->offset + context_offset;
    std::memset(place, 0, context_bytes);
    std::memcpy(place, security_context.data(), security_context.size());
  }
  return *buffer;
}

}  // namespace netbinder
