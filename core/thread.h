// SPDX-License-Identifier: Apache-2.0
//
// A thread of a binder process, known since its first ioctl.
//
// States of a thread's ioctl, and their edges:
//   Idle -> Reading            nothing to read yet; also when a posted read is taken
//   Idle -> AwaitingAcceptance a call to another host waits until it is in the target's queue
//   Idle -> AwaitingFreezeState another host says whether a node's owner is frozen
//   Idle -> InstallingFiles    descriptors of a read transaction are being installed
//   Idle -> ClaimingContext    another host decides who is context manager
//   Idle -> AwaitingQuiet      BINDER_FREEZE waits for calls in flight
//   Reading -> InstallingFiles, InstallingFiles -> Reading
//   AwaitingAcceptance, AwaitingFreezeState -> Reading | AwaitingAcceptance | AwaitingFreezeState |
//   InstallingFiles
//   every state -> Idle        the ioctl is done
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/ids.h"
#include "core/transaction.h"
#include "core/work.h"

namespace netbinder {

struct Process;

struct ExtendedError {
  std::uint32_t id = 0;
  std::uint32_t command = 0;
  std::int32_t param = 0;
};

struct Idle {};
struct Reading {};
struct AwaitingAcceptance {
  CallId call;
};
struct AwaitingFreezeState {
  HostId home;
  NodeNumber node;
};
struct InstallingFiles {
  Transaction* transaction = nullptr;
};
struct ClaimingContext {
  std::uint64_t ptr = 0;
  std::uint64_t cookie = 0;
  std::uint32_t flags = 0;
};
struct AwaitingQuiet {
  std::int32_t pid = 0;
  std::uint64_t deadline_ms = 0;
};
using ThreadState = std::variant<Idle, Reading, AwaitingAcceptance, AwaitingFreezeState,
                                 InstallingFiles, ClaimingContext, AwaitingQuiet>;

// A BINDER_WRITE_READ in progress. The read buffer is write-only memory of the host program.
struct WriteRead {
  std::span<const std::byte> commands;
  std::uint64_t write_consumed = 0;
  std::span<std::byte> read_buffer;
  std::uint64_t read_position = 0;
  bool reads = false;
  bool fresh_read = false;  // starts with BR_NOOP
  bool nonblocking = false;
  bool for_process_work = false;
  bool wants_looper = false;  // to be said apart from what is read
  bool kept = false;          // `commands` are Thread::kept_commands
};

// In one of its process's lists: of threads that wait, or of those whose reads may be posted.
using WaitingHook =
    boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// Hot members first: each call touches threads that have been idle for long.
struct alignas(64) Thread : WaitingHook {
  Thread(Process& of, ThreadId with_tid) : process(of), tid(with_tid) {}
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  enum Looper : std::uint32_t {
    kRegistered = 0x01,
    kEntered = 0x02,
    kExited = 0x04,
    kInvalid = 0x08,
    kWaiting = 0x10,
  };

  [[nodiscard]] bool is_looper() const { return (looper & (kRegistered | kEntered)) != 0; }
  [[nodiscard]] bool idle() const { return std::holds_alternative<Idle>(state); }
  [[nodiscard]] bool waiting_for_process_work() const {
    return WaitingHook::is_linked() && !may_post;
  }

  Process& process;
  ThreadId tid;
  std::uint32_t looper = 0;
  bool need_return = true;     // the next read returns at once; until the end of the first ioctl
  bool process_todo = false;   // `todo` holds work worth waking up for
  bool runnable = false;       // queued to continue its read
  bool counted_ready = false;  // counted in Process::ready_threads
  bool is_dead = false;
  bool may_post = false;  // in Process::posting_threads, see posted_reads.cc
  TodoList todo;
  Transaction* transaction_stack = nullptr;
  ThreadState state;
  std::int32_t nice = 0;       // as it will be when its ioctl is done
  std::int32_t told_nice = 0;  // as it was when the ioctl began
  WriteRead io;
  ErrorWork return_error;             // of this thread's own commands
  alignas(64) ErrorWork reply_error;  // of the call it waits in
  ExtendedError extended_error;
  std::vector<std::byte> kept_commands;  // while its ioctl waits for a peer
};
static_assert(sizeof(Thread) == 256);

}  // namespace netbinder
