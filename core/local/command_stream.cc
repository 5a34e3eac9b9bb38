// SPDX-License-Identifier: Apache-2.0
#include "core/local/command_stream.h"

#include <cerrno>
#include <cstring>

#include "core/base/check.h"
#include "core/local/calls.h"
#include "core/local/deaths.h"
#include "core/local/freezes.h"
#include "core/local/ioctls.h"
#include "core/local/read_side.h"

namespace netbinder {

namespace {

template <typename T>
T read_as(std::span<const std::byte> payload) {
  T value;
  NB_CHECK(payload.size() == sizeof value);
  std::memcpy(&value, payload.data(), sizeof value);
  return value;
}

CallData call_data(std::span<const std::byte> payload) {
  return {.data = read_as<binder_transaction_data>(payload), .extra_size = 0};
}

CallData call_data_sg(std::span<const std::byte> payload) {
  const auto with_extra = read_as<binder_transaction_data_sg>(payload);
  return {.data = with_extra.transaction_data, .extra_size = with_extra.buffers_size};
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
    default:  // also BC_ATTEMPT_ACQUIRE and BC_ACQUIRE_RESULT: the driver has neither
      return false;
  }
}

}  // namespace

bool CommandStream::leads_elsewhere(const Process& process, const Thread* thread,
                                    std::span<const std::byte> commands) {
  // How deep in the thread's stack of calls the next reply's call is. A program that replies more
  // often in one go, to calls from one host and another, is told that it does.
  constexpr int kDeepest = 8;
  const Transaction* next = thread == nullptr ? nullptr : thread->stack();
  for (int replies = 0; commands.size() >= sizeof(std::uint32_t);) {
    std::uint32_t command = 0;
    std::memcpy(&command, commands.data(), sizeof command);
    commands = commands.subspan(sizeof command);
    const std::size_t size = _IOC_SIZE(command);
    if (!is_command(command) || commands.size() < size) return false;
    if (command == BC_TRANSACTION || command == BC_TRANSACTION_SG) {
      const auto data =
          read_as<binder_transaction_data>(commands.first(sizeof(binder_transaction_data)));
      const Node* const node =
          data.target.handle == 0
              ? process.context().handle_zero()
              : process.refs().node_of(Handle{data.target.handle}, RefKind::kStrong);
      if (node != nullptr && node->imported()) return true;
    } else if (command == BC_REPLY || command == BC_REPLY_SG) {
      if (++replies > kDeepest) return true;
      if (next != nullptr && next->caller_host() != nullptr) return true;
      if (next != nullptr)
        next = next->to_thread() == thread ? next->to_parent() : next->from_parent();
    }
    commands = commands.subspan(size);
  }
  return false;
}

void CommandStream::begin(Thread& thread, const WriteReadRequest& request) {
  thread.came_with_nice(request.nice);
  thread.io().begin(request);
  go_on(thread);
}

void CommandStream::resume(Thread& thread) {
  thread.process().loopers().enter(thread, Idle{});
  go_on(thread);
}

void CommandStream::go_on(Thread& thread) {
  WriteRead& io = thread.io();
  const Outcome outcome = run_commands(thread);
  if (!outcome) {
    io.discard_read();
    ioctls_.finish(thread, outcome.error());
    return;
  }
  if (*outcome == Step::kSuspended) {
    thread.keep_commands();
    return;
  }
  io.commands_done();
  if (io.reads()) {
    read_side_.start(thread);
  } else {
    ioctls_.finish(thread, 0);
  }
}

Outcome CommandStream::run_commands(Thread& thread) {
  WriteRead& io = thread.io();
  while (!io.written() && !thread.return_error().pending()) {
    const std::span<const std::byte> rest = io.rest();
    std::uint32_t command = 0;
    if (rest.size() < sizeof command) return std::unexpected(-EFAULT);
    std::memcpy(&command, rest.data(), sizeof command);
    if (!is_command(command)) return std::unexpected(-EINVAL);
    const std::size_t size = _IOC_SIZE(command);
    if (rest.size() - sizeof command < size) return std::unexpected(-EFAULT);
    ++model_.statistics.bc[_IOC_NR(command)];
    ++thread.process().commands().bc[_IOC_NR(command)];
    const Outcome outcome = run_command(thread, command, rest.subspan(sizeof command, size));
    if (!outcome) return outcome;
    if (*outcome == Step::kAgain) {
      --model_.statistics.bc[_IOC_NR(command)];
      --thread.process().commands().bc[_IOC_NR(command)];
      return Step::kSuspended;
    }
    io.consume(sizeof command + size);
    if (*outcome == Step::kSuspended) return outcome;
  }
  return Step::kDone;
}

Outcome CommandStream::run_command(Thread& thread, std::uint32_t command,
                                   std::span<const std::byte> payload) {
  const auto done = [](int error) -> Outcome {
    if (error != 0) return std::unexpected(error);
    return Step::kDone;
  };
  switch (command) {
    case BC_TRANSACTION:
      return calls_.transact(thread, call_data(payload));
    case BC_REPLY:
      return calls_.reply(thread, call_data(payload));
    case BC_TRANSACTION_SG:
      return calls_.transact(thread, call_data_sg(payload));
    case BC_REPLY_SG:
      return calls_.reply(thread, call_data_sg(payload));
    case BC_FREE_BUFFER:
      // An address where none of the program's buffers starts changes nothing.
      Allocation::take_back(thread, read_as<binder_uintptr_t>(payload)).end();
      break;
    case BC_INCREFS:
    case BC_ACQUIRE:
      return done(add_reference(thread, Handle{read_as<std::uint32_t>(payload)},
                                command == BC_ACQUIRE ? RefKind::kStrong : RefKind::kWeak));
    case BC_RELEASE:
    case BC_DECREFS:
      drop_reference(thread, Handle{read_as<std::uint32_t>(payload)},
                     command == BC_RELEASE ? RefKind::kStrong : RefKind::kWeak);
      break;
    case BC_INCREFS_DONE:
    case BC_ACQUIRE_DONE:
      reference_acknowledged(thread, read_as<binder_ptr_cookie>(payload),
                             command == BC_ACQUIRE_DONE ? RefKind::kStrong : RefKind::kWeak);
      break;
    case BC_REGISTER_LOOPER:
      thread.process().loopers().register_looper(thread);
      break;
    case BC_ENTER_LOOPER:
      thread.looper().enter();
      break;
    case BC_EXIT_LOOPER:
      thread.looper().exit();
      break;
    case BC_REQUEST_DEATH_NOTIFICATION:
      return done(request_death(thread, read_as<binder_handle_cookie>(payload)));
    case BC_CLEAR_DEATH_NOTIFICATION:
      clear_death(thread, read_as<binder_handle_cookie>(payload));
      break;
    case BC_DEAD_BINDER_DONE:
      death_done(thread, read_as<binder_uintptr_t>(payload));
      break;
    case kBcRequestFreezeNotification:
      return freezes_.request_notification(thread, read_as<binder_handle_cookie>(payload));
    case kBcClearFreezeNotification:
      return done(Freezes::clear_notification(thread, read_as<binder_handle_cookie>(payload)));
    case kBcFreezeNotificationDone:
      return done(Freezes::notification_done(thread, read_as<binder_uintptr_t>(payload)));
    default:
      NB_UNREACHABLE();
  }
  return Step::kDone;
}

int CommandStream::add_reference(Thread& thread, Handle handle, RefKind kind) {
  Process& process = thread.process();
  if (handle == Handle{0}) {
    if (Node* manager = process.context().handle_zero()) {
      // The manager itself has no handle 0 for its own node.
      if (manager->owner() == &process) return -EINVAL;
      if (process.refs().increment(*manager, kind, nullptr)) return 0;
    }
  }
  ProcessRef* ref = process.refs().find(handle);
  // A weak handle alone cannot be made a strong one.
  if (ref == nullptr || (kind == RefKind::kStrong && ref->strong() == 0)) return 0;
  (void)model_.nodes.increment(*ref, kind, nullptr);
  return 0;
}

void CommandStream::drop_reference(Thread& thread, Handle handle, RefKind kind) {
  if (ProcessRef* ref = thread.process().refs().find(handle)) model_.nodes.decrement(*ref, kind);
}

void CommandStream::reference_acknowledged(Thread& thread, const binder_ptr_cookie& who,
                                           RefKind kind) {
  Node* node = thread.process().find_node(who.ptr);
  if (node == nullptr) return;
  model_.nodes.acknowledged(*node, kind, who.cookie);
  model_.nodes.looked_at(*node);
}

}  // namespace netbinder
