// SPDX-License-Identifier: Apache-2.0
//
// Writing: the BC_* commands of a BINDER_WRITE_READ.
#include <cerrno>
#include <cstring>

#include "core/check.h"
#include "core/driver.h"

namespace netbinder {

namespace {

template <typename T>
T read_as(std::span<const std::byte> payload) {
  T value;
  NB_CHECK(payload.size() == sizeof value);
  std::memcpy(&value, payload.data(), sizeof value);
  return value;
}

bool is_command(std::uint32_t command) {
  switch (command) {
    case BC_TRANSACTION:
    case BC_REPLY:
    case BC_FREE_BUFFER:
    case BC_INCREFS:
    case BC_ACQUIRE:
    case BC_RELEASE:
    case BC_DECREFS:
    case BC_INCREFS_DONE:
    case BC_ACQUIRE_DONE:
    case BC_REGISTER_LOOPER:
    case BC_ENTER_LOOPER:
    case BC_EXIT_LOOPER:
    case BC_REQUEST_DEATH_NOTIFICATION:
    case BC_CLEAR_DEATH_NOTIFICATION:
    case BC_DEAD_BINDER_DONE:
    case BC_TRANSACTION_SG:
    case BC_REPLY_SG:
    case kBcRequestFreezeNotification:
    case kBcClearFreezeNotification:
    case kBcFreezeNotificationDone:
      return true;
    default:  // BC_ATTEMPT_ACQUIRE and BC_ACQUIRE_RESULT among them: the driver has neither
      return false;
  }
}

}  // namespace

void Driver::continue_commands(Thread& thread) {
  WriteRead& io = thread.io;
  const std::expected<bool, int> done = run_commands(thread);
  if (!done) {
    io.read_position = 0;
    finish_ioctl(thread, done.error());
    return;
  }
  if (!*done) {
    if (!io.kept) {
      io.kept = true;
      thread.kept_commands.assign(io.commands.begin(), io.commands.end());
      io.commands = thread.kept_commands;
    }
    return;
  }
  io.kept = false;
  io.commands = {};
  if (io.reads) {
    start_read(thread);
  } else {
    finish_ioctl(thread, 0);
  }
}

std::expected<bool, int> Driver::run_commands(Thread& thread) {
  WriteRead& io = thread.io;
  while (io.write_consumed < io.commands.size() && thread.return_error.command == BR_OK) {
    std::span<const std::byte> rest = io.commands.subspan(io.write_consumed);
    std::uint32_t command = 0;
    if (rest.size() < sizeof command) return std::unexpected(-EFAULT);
    std::memcpy(&command, rest.data(), sizeof command);
    if (!is_command(command)) return std::unexpected(-EINVAL);
    const std::size_t size = _IOC_SIZE(command);
    if (rest.size() - sizeof command < size) return std::unexpected(-EFAULT);
    ++statistics_.bc[_IOC_NR(command)];
    ++thread.process.commands.bc[_IOC_NR(command)];
    const StepResult step = run_command(thread, command, rest.subspan(sizeof command, size));
    if (!step) return std::unexpected(step.error());
    io.write_consumed += sizeof command + size;
    if (*step == Step::kSuspend) return false;
  }
  return true;
}

Driver::StepResult Driver::run_command(Thread& thread, std::uint32_t command,
                                       std::span<const std::byte> payload) {
  switch (command) {
    case BC_TRANSACTION:
    case BC_REPLY:
      return command_transaction(thread, read_as<binder_transaction_data>(payload), 0,
                                 command == BC_REPLY);
    case BC_TRANSACTION_SG:
    case BC_REPLY_SG: {
      const auto data = read_as<binder_transaction_data_sg>(payload);
      return command_transaction(thread, data.transaction_data, data.buffers_size,
                                 command == BC_REPLY_SG);
    }
    case BC_FREE_BUFFER:
      command_free_buffer(thread, read_as<binder_uintptr_t>(payload));
      break;
    case BC_INCREFS:
    case BC_ACQUIRE:
    case BC_RELEASE:
    case BC_DECREFS: {
      const Handle handle{read_as<std::uint32_t>(payload)};
      // The manager itself has no handle 0.
      const bool increments = command == BC_INCREFS || command == BC_ACQUIRE;
      const Node* manager = thread.process.context.handle_zero();
      if (increments && handle.value() == 0 && manager != nullptr &&
          manager->owner == &thread.process) {
        return std::unexpected(-EINVAL);
      }
      command_reference(thread, command, handle);
      break;
    }
    case BC_INCREFS_DONE:
    case BC_ACQUIRE_DONE:
      command_reference_done(thread, command == BC_ACQUIRE_DONE,
                             read_as<binder_ptr_cookie>(payload));
      break;
    case BC_REGISTER_LOOPER:
      command_register_looper(thread);
      break;
    case BC_ENTER_LOOPER:
      if ((thread.looper & Thread::kRegistered) != 0) thread.looper |= Thread::kInvalid;
      thread.looper |= Thread::kEntered;
      break;
    case BC_EXIT_LOOPER:
      thread.looper |= Thread::kExited;
      break;
    case BC_REQUEST_DEATH_NOTIFICATION:
      request_death(thread, read_as<binder_handle_cookie>(payload));
      break;
    case BC_CLEAR_DEATH_NOTIFICATION:
      clear_death(thread, read_as<binder_handle_cookie>(payload));
      break;
    case BC_DEAD_BINDER_DONE:
      death_done(thread, read_as<binder_uintptr_t>(payload));
      break;
    case kBcRequestFreezeNotification:
      return request_freeze_notification(thread, read_as<binder_handle_cookie>(payload));
    case kBcClearFreezeNotification:
      if (const int error =
              clear_freeze_notification(thread, read_as<binder_handle_cookie>(payload))) {
        return std::unexpected(error);
      }
      break;
    case kBcFreezeNotificationDone:
      if (const int error = freeze_notification_done(thread, read_as<binder_uintptr_t>(payload))) {
        return std::unexpected(error);
      }
      break;
    default:
      NB_UNREACHABLE();
  }
  return Step::kContinue;
}

void Driver::command_free_buffer(Thread& thread, std::uint64_t address) {
  Process& process = thread.process;
  if (address < process.user_base) return;
  Buffer* buffer = process.allocator.find(address - process.user_base);
  if (buffer == nullptr || !buffer->allow_user_free) return;  // not the program's to free
  if (buffer->transaction != nullptr) {
    buffer->transaction->buffer = nullptr;
    buffer->transaction = nullptr;
  }
  if (buffer->async && buffer->target_node != nullptr) {
    // The next oneway call to the node may run now.
    Node& node = *buffer->target_node;
    if (node.async_todo.empty()) {
      node.has_async_transaction = false;
    } else {
      Work& next = node.async_todo.front();
      node.async_todo.pop_front();
      queue_process_work(process, next);
    }
  }
  // The thread returns to its program, which closes an array's descriptors on the way.
  if (buffer->extras && !buffer->extras->array_fds.empty()) thread.need_return = true;
  release_buffer(process, *buffer);
}

void Driver::command_register_looper(Thread& thread) {
  Process& process = thread.process;
  if ((thread.looper & Thread::kEntered) != 0 || process.requested_threads == 0) {
    thread.looper |= Thread::kInvalid;
  } else {
    --process.requested_threads;
    ++process.requested_threads_started;
  }
  thread.looper |= Thread::kRegistered;
}

void Driver::command_reference(Thread& thread, std::uint32_t command, Handle handle) {
  Process& process = thread.process;
  const RefKind kind =
      command == BC_ACQUIRE || command == BC_RELEASE ? RefKind::kStrong : RefKind::kWeak;
  const bool increments = command == BC_INCREFS || command == BC_ACQUIRE;
  if (increments && handle.value() == 0) {
    if (Node* manager = process.context.handle_zero()) {
      if (increment_ref_for_node(process, *manager, kind, nullptr)) return;
    }
  }
  Ref* ref = process.handles.find(handle);
  if (ref == nullptr) return;
  if (increments) {
    // A weak handle alone cannot be made a strong one.
    if (kind == RefKind::kStrong && ref->strong == 0) return;
    (void)increment_ref(*ref, kind, nullptr);
  } else {
    decrement_ref(*ref, kind);
  }
}

void Driver::command_reference_done(Thread& thread, bool strong, const binder_ptr_cookie& target) {
  const auto found = thread.process.nodes.find(target.ptr);
  if (found == thread.process.nodes.end()) return;
  Node& node = *found->second;
  bool& pending = strong ? node.pending_strong : node.pending_weak;
  if (node.cookie == target.cookie && std::exchange(pending, false)) {
    // Its owner holds it, so this is not the end of it.
    decrement_node(node, strong ? RefKind::kStrong : RefKind::kWeak, false);
  }
  // Looking it up held it, and this is the end of that: what only a buffer holds is looked at
  // again.
  if (node.local_weak == 0 && node.refs.empty()) drop_node_if_unused(node);
}

}  // namespace netbinder
