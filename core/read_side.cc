// SPDX-License-Identifier: Apache-2.0
//
// Reading: what a thread's BINDER_WRITE_READ brings back, and the todo lists it comes from.
#include <cerrno>
#include <cstring>

#include "core/check.h"
#include "core/driver.h"

namespace netbinder {

namespace {

// The driver goes on only while the largest command would fit.
constexpr std::size_t kLargestCommandBytes =
    sizeof(std::uint32_t) + sizeof(binder_transaction_data_secctx);

}  // namespace

// ---- todo lists ----

void Driver::queue_thread_work(Thread& thread, Work& work) {
  if (thread.may_post) (void)take_posted_read(thread);
  if (Transaction* top = thread.transaction_stack; top != nullptr && top->completion_owed) {
    if (top->from == &thread) pay_completion(thread, *top);
  }
  thread.todo.push_back(work);
  thread.process_todo = true;
  note_ready(thread);
  wake(thread);
}

void Driver::pay_completion(Thread& thread, Transaction& transaction) {
  transaction.completion_owed = false;
  queue_deferred_thread_work(thread, *completions_.create());
}

void Driver::queue_deferred_thread_work(Thread& thread, Work& work) {
  // Read with whatever comes next; not worth a wake-up by itself.
  thread.todo.push_back(work);
}

void Driver::queue_process_work(Process& process, Work& work) {
  process.todo.push_back(work);
  wake_process(process);
}

void Driver::queue_own_work(Thread& thread, Work& work) {
  if (thread.is_looper()) {
    queue_thread_work(thread, work);
  } else {
    queue_process_work(thread.process, work);
  }
}

Thread* Driver::select_waiting_thread(Process& process) {
  (void)take_a_posted_read(process);
  if (process.waiting_threads.empty()) return nullptr;
  Thread& thread = process.waiting_threads.front();
  process.waiting_threads.pop_front();
  return &thread;
}

void Driver::wake_process(Process& process) {
  if (Thread* thread = select_waiting_thread(process)) wake(*thread);
  touch(process);
}

void Driver::wake(Thread& thread) {
  if (std::holds_alternative<Reading>(thread.state)) make_runnable(thread);
}

// ---- reading ----

bool Driver::available_for_process_work(const Thread& thread) {
  return thread.transaction_stack == nullptr && thread.todo.empty();
}

bool Driver::has_work(const Thread& thread, bool process_work) const {
  return thread.process_todo || thread.need_return ||
         (process_work && !thread.process.todo.empty());
}

void Driver::start_read(Thread& thread) {
  begin_read(thread);
  continue_read(thread);
}

void Driver::begin_read(Thread& thread) {
  thread.state = Reading{};
  note_ready(thread);
  thread.io.read_position = 0;
  if (thread.io.fresh_read && thread.io.read_buffer.size() >= sizeof(std::uint32_t)) {
    const std::uint32_t noop = BR_NOOP;  // not counted
    put(thread, &noop, sizeof noop);
  }
}

void Driver::wait_for_work(Thread& thread) {
  Process& process = thread.process;
  thread.io.for_process_work = available_for_process_work(thread);
  thread.looper |= Thread::kWaiting;
  if (thread.io.for_process_work && !thread.waiting_for_process_work()) {
    process.waiting_threads.push_front(thread);
  }
}

void Driver::continue_read(Thread& thread) {
  WriteRead& io = thread.io;
  Process& process = thread.process;
  for (;;) {
    io.for_process_work = available_for_process_work(thread);
    if (io.for_process_work) thread.nice = process.credentials.nice;
    if (!has_work(thread, io.for_process_work)) {
      if (io.nonblocking) {
        io.read_position = 0;
        finish_ioctl(thread, -EAGAIN);
        // What this thread could not take, after it has been offered to another one already: that
        // one may not have begun.
        if (!process.todo.empty()) wake_process(process);
        return;
      }
      wait_for_work(thread);
      return;
    }
    static_cast<WaitingHook&>(thread).unlink();
    thread.looper &= ~static_cast<std::uint32_t>(Thread::kWaiting);

    bool ran_dry = false;
    for (;;) {
      TodoList* list = nullptr;
      if (!thread.todo.empty()) {
        list = &thread.todo;
      } else if (io.for_process_work && !process.todo.empty()) {
        list = &process.todo;
        touch(process);  // this thread may wait again, or for files, without an end of its ioctl
      } else {
        ran_dry = true;
        break;
      }
      if (io.read_buffer.size() - io.read_position < kLargestCommandBytes) break;
      Work& work = list->front();
      list->pop_front();
      if (thread.todo.empty()) thread.process_todo = false;
      const Delivered delivered = deliver(thread, work);
      if (delivered == Delivered::kSuspended) return;
      if (delivered == Delivered::kStop) break;
    }
    const bool said_nothing = io.fresh_read && io.read_position == sizeof(std::uint32_t);
    if (ran_dry && said_nothing && !thread.need_return) continue;
    end_read(thread);
    return;
  }
}

void Driver::end_read(Thread& thread) {
  Process& process = thread.process;
  if (process.requested_threads == 0 && process.waiting_threads.empty() &&
      process.requested_threads_started < process.max_threads && thread.is_looper() &&
      (!thread.io.fresh_read || thread.io.read_position >= sizeof(std::uint32_t)) &&
      !take_a_posted_read(process)) {
    // In place of the BR_NOOP, or of whatever an earlier read has put there.
    ++process.requested_threads;
    if (thread.io.fresh_read) {
      const std::uint32_t spawn = BR_SPAWN_LOOPER;
      std::memcpy(thread.io.read_buffer.data(), &spawn, sizeof spawn);
    } else {
      thread.io.wants_looper = true;
    }
    count_told(thread, BR_SPAWN_LOOPER);
  }
  if (!process.todo.empty()) wake_process(process);
  finish_ioctl(thread, 0);
}

void Driver::put(Thread& thread, const void* bytes, std::size_t size) {
  WriteRead& io = thread.io;
  NB_CHECK(io.read_buffer.size() - io.read_position >= size);
  std::memcpy(io.read_buffer.data() + io.read_position, bytes, size);
  io.read_position += size;
}

void Driver::count_told(Thread& thread, std::uint32_t command) {
  ++statistics_.br[_IOC_NR(command)];
  ++thread.process.commands.br[_IOC_NR(command)];
}

void Driver::put_command(Thread& thread, std::uint32_t command) {
  put(thread, &command, sizeof command);
  count_told(thread, command);
}

template <typename T>
void Driver::put_command(Thread& thread, std::uint32_t command, const T& payload) {
  put_command(thread, command);
  put(thread, &payload, sizeof payload);
}

Driver::Delivered Driver::deliver(Thread& thread, Work& work) {
  switch (work.kind) {
    case WorkKind::kTransaction:
      return deliver_transaction(thread, static_cast<Transaction&>(work));
    case WorkKind::kTransactionComplete:
    case WorkKind::kTransactionPending:
    case WorkKind::kOnewaySpamSuspect: {
      std::uint32_t command = BR_TRANSACTION_COMPLETE;
      if (work.kind == WorkKind::kTransactionPending) command = kBrTransactionPendingFrozen;
      if (work.kind == WorkKind::kOnewaySpamSuspect && thread.process.spam_detection) {
        command = BR_ONEWAY_SPAM_SUSPECT;
      }
      completions_.destroy(static_cast<CompletionWork*>(&work));
      put_command(thread, command);
      return Delivered::kMore;
    }
    case WorkKind::kReturnError: {
      auto& error = static_cast<ErrorWork&>(work);
      put_command(thread, std::exchange(error.command, BR_OK));
      return Delivered::kMore;
    }
    case WorkKind::kNode:
      deliver_node(thread, static_cast<NodeWork&>(work).node);
      return Delivered::kMore;
    case WorkKind::kDeadBinder:
    case WorkKind::kDeadBinderAndClear: {
      auto& death = static_cast<DeathNotification&>(work);
      thread.process.delivered_deaths.push_back(death);
      put_command(thread, BR_DEAD_BINDER, death.cookie);
      return Delivered::kStop;  // it may cause calls: handle it first
    }
    case WorkKind::kClearDeath: {
      auto& death = static_cast<DeathNotification&>(work);
      put_command(thread, BR_CLEAR_DEATH_NOTIFICATION_DONE, death.cookie);
      destroy_death(death);
      return Delivered::kMore;
    }
    case WorkKind::kFrozenBinder: {
      auto& freeze = static_cast<FreezeNotification&>(work);
      const binder_frozen_state state{
          .cookie = freeze.cookie, .is_frozen = freeze.is_frozen, .reserved = 0};
      freeze.sent = true;
      thread.process.delivered_freezes.push_back(freeze);
      put_command(thread, kBrFrozenBinder, state);
      return Delivered::kStop;
    }
    case WorkKind::kClearFreeze: {
      auto& freeze = static_cast<FreezeNotification&>(work);
      put_command(thread, kBrClearFreezeNotificationDone, freeze.cookie);
      freezes_.destroy(&freeze);
      return Delivered::kMore;
    }
  }
  NB_UNREACHABLE();
}

void Driver::deliver_node(Thread& thread, Node& node) {
  const bool strong = node.internal_strong > 0 || node.local_strong > 0;
  const bool weak = !node.refs.empty() || node.local_weak > 0 || strong;
  const bool had_strong = node.has_strong;
  const bool had_weak = node.has_weak;
  const binder_ptr_cookie who{.ptr = node.ptr, .cookie = node.cookie};
  if (weak && !had_weak) {
    node.has_weak = node.pending_weak = true;
    ++node.local_weak;
  }
  if (strong && !had_strong) {
    node.has_strong = node.pending_strong = true;
    ++node.local_strong;
  }
  if (!strong) node.has_strong = false;
  if (!weak) {
    node.has_weak = false;
    destroy_node(node);
  }
  if (weak && !had_weak) put_command(thread, BR_INCREFS, who);
  if (strong && !had_strong) put_command(thread, BR_ACQUIRE, who);
  if (!strong && had_strong) put_command(thread, BR_RELEASE, who);
  if (!weak && had_weak) put_command(thread, BR_DECREFS, who);
}

Driver::Delivered Driver::deliver_transaction(Thread& thread, Transaction& transaction) {
  if (!transaction.files.empty()) {
    thread.state = InstallingFiles{.transaction = &transaction};
    std::vector<FileToken> files;
    for (const FileFixup& fixup : transaction.files) files.push_back(fixup.file);
    effects_.install_files(thread.process.id, thread.tid, files);
    return Delivered::kSuspended;
  }
  emit_transaction(thread, transaction);
  return Delivered::kStop;
}

// The caller's nice value, but none higher than the node asks for. A oneway call has no caller to
// hurry for.
void Driver::lend_nice(Thread& thread, Transaction& transaction, const Node& node) {
  const bool oneway = (transaction.flags & TF_ONE_WAY) != 0;
  transaction.saved_nice = thread.nice;
  if (transaction.nice < node.min_priority && !oneway) {
    thread.nice = transaction.nice;
  } else if (!oneway || transaction.saved_nice > node.min_priority) {
    thread.nice = node.min_priority;
  }
}

void Driver::emit_transaction(Thread& thread, Transaction& transaction) {
  Process& process = thread.process;
  Buffer& buffer = *transaction.buffer;
  const std::uint64_t user_address = process.user_base + buffer.offset;

  binder_transaction_data_secctx with_context{};
  binder_transaction_data& data = with_context.transaction_data;
  std::uint32_t command = BR_REPLY;
  if (!transaction.is_reply) {
    command = transaction.security_context_size > 0 ? BR_TRANSACTION_SEC_CTX : BR_TRANSACTION;
    data.target.ptr = buffer.target_node->ptr;
    data.cookie = buffer.target_node->cookie;
  }
  data.code = transaction.code;
  data.flags = transaction.flags;
  data.sender_pid = transaction.from != nullptr ? transaction.from->process.credentials.pid : 0;
  data.sender_euid = transaction.sender_euid;
  data.data_size = buffer.shape.data_size;
  data.offsets_size = buffer.shape.offsets_size;
  data.data.ptr.buffer = user_address;
  data.data.ptr.offsets = user_address + buffer.shape.offsets_start();

  put_command(thread, command);
  if (command == BR_TRANSACTION_SEC_CTX) {
    with_context.secctx = user_address + transaction.security_context_offset;
    put(thread, &with_context, sizeof with_context);
  } else {
    put(thread, &data, sizeof data);
  }
  buffer.allow_user_free = true;
  if (!transaction.is_reply) lend_nice(thread, transaction, *buffer.target_node);

  if (!transaction.is_reply && (transaction.flags & TF_ONE_WAY) == 0) {
    transaction.to_parent = thread.transaction_stack;
    transaction.to_thread = &thread;
    thread.transaction_stack = &transaction;
  } else {
    free_transaction(transaction);
  }
}

}  // namespace netbinder
