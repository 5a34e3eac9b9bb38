// SPDX-License-Identifier: Apache-2.0
#include "core/driver.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/check.h"

namespace netbinder {

Driver::Driver(DriverSetup setup, Effects& effects) : setup_(std::move(setup)), effects_(effects) {
  for (const ContextSetup& context : setup_.contexts) NB_CHECK(add_context(context) == 0);
}

int Driver::add_context(ContextSetup setup) {
  if (has_context(setup.name)) return -EEXIST;
  if (contexts_.size() >= kMaxContexts) return -ENOSPC;
  auto made = std::make_unique<Context>();
  made->name = std::move(setup.name);
  made->cluster_wide = setup.cluster_wide;
  contexts_.push_back(std::move(made));
  return 0;
}

bool Driver::has_context(std::string_view name) const {
  return std::any_of(contexts_.begin(), contexts_.end(),
                     [&](const auto& context) { return context->name == name; });
}

Driver::~Driver() {
  while (!peers_.empty()) peer_lost(peers_.begin()->first);
  while (!processes_.empty()) close(processes_.begin()->second->id);
}

std::expected<ProcessId, int> Driver::open(std::string_view context, Credentials credentials) {
  Context* in = find_context(context);
  if (in == nullptr) return std::unexpected(-ENXIO);
  if (processes_.size() >= setup_.max_processes) return std::unexpected(-EMFILE);
  const ProcessId id{next_process_++};
  processes_.emplace(id.value(), std::make_unique<Process>(id, *in, std::move(credentials)));
  return id;
}

void Driver::close(ProcessId id) {
  Process* process = find_process(id);
  if (process == nullptr) return;
  release_process(*process);
  processes_.erase(id.value());
  finish_event();
}

void Driver::flush(ProcessId id) {
  Process* process = find_process(id);
  if (process == nullptr) return;
  for (const auto& [tid, thread] : process->threads) {
    if (thread->may_post) (void)take_posted_read(*thread);
    thread->need_return = true;
    wake(*thread);
  }
  finish_event();
}

int Driver::map_arena(ProcessId id, std::uint64_t user_address, std::span<std::byte> memory) {
  Process* process = find_process(id);
  NB_CHECK(process != nullptr && !memory.empty() && memory.size() <= kMaxArenaBytes);
  if (process->allocator.mapped()) return -EBUSY;
  process->user_base = user_address;
  process->arena = memory;
  process->allocator.map(memory.size());
  return 0;
}

void Driver::write_read(ProcessId id, ThreadId tid, const WriteReadRequest& request) {
  Process* process = find_process(id);
  NB_CHECK(process != nullptr);
  Thread* thread = get_thread(*process, tid);
  if (thread == nullptr) {
    effects_.ioctl_done(id, tid, IoctlResult{.error = -ENOMEM});
    return;
  }
  NB_CHECK(thread->idle());
  end_posting(*thread);
  thread->nice = thread->told_nice = request.nice;
  WriteRead& io = thread->io;
  io.kept = false;
  io.commands = request.commands;
  io.write_consumed = 0;
  io.read_buffer = request.read_buffer;
  io.read_position = 0;
  io.reads = request.reads;
  io.fresh_read = request.fresh_read;
  io.nonblocking = request.nonblocking;
  continue_commands(*thread);
  finish_event();
}

void Driver::control(ProcessId id, ThreadId tid, std::uint32_t command,
                     std::span<std::byte> argument) {
  Process* process = find_process(id);
  NB_CHECK(process != nullptr);
  Thread* thread = get_thread(*process, tid);
  if (thread == nullptr) {
    effects_.ioctl_done(id, tid, IoctlResult{.error = -ENOMEM});
    return;
  }
  NB_CHECK(thread->idle());
  end_posting(*thread);
  thread->io = WriteRead{};
  thread->told_nice = thread->nice;
  if (command == BINDER_THREAD_EXIT) {
    release_thread(*thread);
    process->threads.erase(tid.value());
    effects_.ioctl_done(id, tid, IoctlResult{});
  } else if (const std::optional<int> result = run_control(*thread, command, argument)) {
    finish_ioctl(*thread, *result);
  }
  finish_event();
}

void Driver::interrupt(ProcessId id, ThreadId tid) {
  Process* process = find_process(id);
  if (process == nullptr) return;
  const auto found = process->threads.find(tid.value());
  if (found == process->threads.end()) return;
  Thread& thread = *found->second;
  if (std::holds_alternative<Reading>(thread.state)) {
    thread.io.read_position = 0;
    finish_ioctl(thread, -EINTR);
    if (!process->todo.empty()) wake_process(*process);
  } else if (std::holds_alternative<AwaitingQuiet>(thread.state)) {
    abandon_freeze(thread);
    finish_ioctl(thread, -EINTR);
  }
  finish_event();
}

void Driver::files_installed(ProcessId id, ThreadId tid,
                             std::expected<std::span<const int>, int> fds) {
  Process* process = find_process(id);
  if (process == nullptr) return;
  const auto found = process->threads.find(tid.value());
  if (found == process->threads.end()) return;
  Thread& thread = *found->second;
  const auto* installing = std::get_if<InstallingFiles>(&thread.state);
  if (installing == nullptr) return;
  Transaction& transaction = *installing->transaction;
  Buffer& buffer = *transaction.buffer;
  thread.state = Reading{};
  touch(*process);
  if (fds && fds->size() == transaction.files.size()) {
    for (std::size_t i = 0; i < fds->size(); ++i) {
      const FileFixup& fixup = transaction.files[i];
      const int fd = (*fds)[i];
      std::copy_n(reinterpret_cast<const std::byte*>(&fd), sizeof fd,
                  process->arena.data() + buffer.offset + fixup.offset);
      if (fixup.of_array) buffer.make_extras().array_fds.push_back(fd);
    }
    transaction.files.clear();
    emit_transaction(thread, transaction);
    end_read(thread);
  } else {
    // The program has no room for them: the call fails, the read goes on.
    transaction.files.clear();
    Buffer* unread = std::exchange(transaction.buffer, nullptr);
    unread->transaction = nullptr;
    const bool was_call = !transaction.is_reply;
    release_buffer(*process, *unread);
    if (was_call) {
      discard_transaction(transaction, {BR_FAILED_REPLY, 0});
      tell_doom(thread);  // it would have waited for the end of this one
      continue_read(thread);
    } else {
      free_transaction(transaction);
      put_command(thread, BR_FAILED_REPLY);
      end_read(thread);
    }
  }
  finish_event();
}

void Driver::timer_expired() {
  check_freeze_waiters();
  finish_event();
}

Process* Driver::find_process(ProcessId id) {
  const auto found = processes_.find(id.value());
  return found == processes_.end() ? nullptr : found->second.get();
}

const Process* Driver::find_process(ProcessId id) const {
  const auto found = processes_.find(id.value());
  return found == processes_.end() ? nullptr : found->second.get();
}

Thread* Driver::get_thread(Process& process, ThreadId tid) {
  const auto found = process.threads.find(tid.value());
  if (found != process.threads.end()) return found->second.get();
  if (process.threads.size() >= setup_.max_threads_per_process) return nullptr;
  Thread* made = process.threads.emplace(tid.value(), std::make_unique<Thread>(process, tid))
                     .first->second.get();
  ++threads_created_;
  made->return_error.command = BR_OK;
  made->reply_error.command = BR_OK;
  made->extended_error.command = BR_OK;
  // Another thread that is no looper may have counted as the only one.
  for (auto& [other_tid, other] : process.threads) note_ready(*other);
  return made;
}

std::vector<Node*> Driver::nodes_in_order(const Process& process) {
  std::vector<Node*> nodes;
  for (const auto& [ptr, node] : process.nodes) nodes.push_back(node);
  std::sort(nodes.begin(), nodes.end(),
            [](const Node* a, const Node* b) { return a->ptr < b->ptr; });
  return nodes;
}

void Driver::finish_ioctl(Thread& thread, int error) {
  static_cast<WaitingHook&>(thread).unlink();
  thread.looper &= ~static_cast<std::uint32_t>(Thread::kWaiting);
  thread.state = Idle{};
  thread.need_return = false;
  note_ready(thread);
  IoctlResult result;
  result.error = error;
  result.write_consumed = thread.io.write_consumed;
  result.read_consumed = thread.io.read_position;
  result.wants_looper = std::exchange(thread.io.wants_looper, false);
  result.close_fds = close_fds_;
  if (thread.nice != thread.told_nice) result.nice = thread.nice;
  result.may_post_read = error == 0 && may_post_read(thread);
  if (result.may_post_read) let_post_read(thread);
  effects_.ioctl_done(thread.process.id, thread.tid, result);
  close_fds_.clear();
}

void Driver::make_runnable(Thread& thread) {
  if (thread.runnable) return;
  thread.runnable = true;
  runnable_.push_back(&thread);
}

void Driver::finish_event() {
  do {
    for (std::size_t i = 0; i < runnable_.size(); ++i) {
      Thread* thread = runnable_[i];
      if (thread == nullptr) continue;  // released meanwhile
      thread->runnable = false;
      if (std::holds_alternative<Reading>(thread->state)) continue_read(*thread);
    }
    runnable_.clear();
    if (std::exchange(calls_ended_, false) && !freeze_waiters_.empty()) check_freeze_waiters();
  } while (!runnable_.empty());
  for (Node* node : std::exchange(giving_back_, {})) {
    node->gives_back = false;
    if (node->imported()) give_back(*node);
  }
  for (Process* process : touched_) {
    if (process == nullptr) continue;
    process->touched = false;
    const bool readable = would_find_work(*process);
    if (readable != process->readable) {
      process->readable = readable;
      effects_.readiness_changed(process->id, readable);
    }
  }
  touched_.clear();
}

void Driver::touch(Process& process) {
  if (process.touched || process.is_dead) return;
  process.touched = true;
  touched_.push_back(&process);
}

void Driver::note_ready(Thread& thread) {
  // A thread's own work makes the descriptor readable if that thread is one that polls: a looper,
  // or the only thread there is.
  const bool ready = thread.idle() && thread.process_todo && !thread.is_dead &&
                     (thread.is_looper() || thread.process.threads.size() == 1);
  if (ready != thread.counted_ready) {
    thread.counted_ready = ready;
    ready ? ++thread.process.ready_threads : --thread.process.ready_threads;
  }
  touch(thread.process);
}

bool Driver::would_find_work(const Process& process) const {
  if (process.ready_threads > 0) return true;
  if (process.todo.empty()) return false;
  // Not for a thread that waits for a reply or has work of its own, if that is all there is.
  return process.threads.size() != 1 ||
         available_for_process_work(*process.threads.begin()->second);
}

}  // namespace netbinder
