// SPDX-License-Identifier: Apache-2.0
//
// A thread of a binder process, known since its first ioctl. Owned by its Process. Its todo list,
// its waiting and its ioctl's state are changed by the process's LooperPool, its stack of calls by
// CallStacks, its place among the runnable by EndOfEvent.
//
// States of a thread's ioctl, and their edges:
//   Idle -> Reading             nothing to read yet; also when a posted read is taken
//   Idle -> AwaitingAcceptance  a call to another host waits until it is in the target's queue
//   Idle -> AwaitingClaim       another host has yet to count a reference that the call names
//   Idle -> AwaitingFreezeState another host says whether a node's owner is frozen
//   Idle -> InstallingFiles     descriptors of a read transaction are being installed
//   Idle -> ClaimingContext     another host decides who is context manager
//   Idle -> AwaitingQuiet       BINDER_FREEZE waits for calls in flight
//   Reading -> InstallingFiles, InstallingFiles -> Reading
//   AwaitingAcceptance, AwaitingFreezeState -> Idle, which continues with the following commands
//   AwaitingClaim -> Idle, which continues with the same command again
//   every state -> Idle         the ioctl is done
// The three last of the waiting states have no edge to Reading: they belong to ioctls that do not
// read. No state follows from another thread's: a thread has one ioctl, and waits for one thing.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/ids.h"
#include "core/model/looper.h"
#include "core/model/work.h"
#include "core/model/write_read.h"

namespace netbinder {

class CallStacks;
class EndOfEvent;
class LooperPool;
class Process;
class Transaction;

struct ExtendedError {
  std::uint32_t id = 0;
  std::uint32_t command = BR_OK;
  std::int32_t param = 0;
};

// A oneway call, for calls that are made while a thread handles it. 0: none.
struct HandledOneway {
  TraceId trace;
  SpanId span;
};

struct Idle {};
struct Reading {};
struct AwaitingAcceptance {
  CallId call;
};
struct AwaitingClaim {
  HostId home;
  NodeNumber node;
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
  std::uint64_t number = 0;  // among those that wait, see Freezes
};
using ThreadState = std::variant<Idle, Reading, AwaitingAcceptance, AwaitingClaim, AwaitingFreezeState,
                                 InstallingFiles, ClaimingContext, AwaitingQuiet>;

// Links a thread into one of its process's lists: those that wait, or those that may post a read.
using WaitingHook =
    boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// Hot members come first, as each call touches threads that have been idle for long.
class alignas(64) Thread : public WaitingHook {
 public:
  Thread(Process& process, ThreadId tid) : process_(process), tid_(tid) {}
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  [[nodiscard]] Process& process() const { return process_; }
  [[nodiscard]] ThreadId tid() const { return tid_; }

  // ---- its ioctl ----
  template <typename State>
  [[nodiscard]] const State* in() const {
    return std::get_if<State>(&state_);
  }
  [[nodiscard]] bool idle() const { return in<Idle>() != nullptr; }
  [[nodiscard]] bool reading() const { return in<Reading>() != nullptr; }
  [[nodiscard]] WriteRead& io() { return io_; }
  [[nodiscard]] const WriteRead& io() const { return io_; }
  // Copies the commands of the ioctl, which will continue in a later event.
  void keep_commands() {
    if (io_.kept()) return;
    std::vector<std::byte>& copy = rare().kept_commands;
    copy.assign(io_.commands().begin(), io_.commands().end());
    io_.keep(copy);
  }
  // The next read returns at once, with or without work. A thread's first one does so, too.
  [[nodiscard]] bool need_return() const { return need_return_; }
  void return_from_next_read() { need_return_ = true; }

  // ---- as a looper ----
  [[nodiscard]] Looper& looper() { return looper_; }
  [[nodiscard]] const Looper& looper() const { return looper_; }
  [[nodiscard]] bool is_looper() const { return looper_.serves(); }
  // Whether its next read may be posted, see LooperPool.
  [[nodiscard]] bool may_post() const { return may_post_; }
  [[nodiscard]] bool waits_for_process_work() const {
    return WaitingHook::is_linked() && !may_post_;
  }
  // Whether it could take work of its process: it handles no call and has no work of its own.
  [[nodiscard]] bool available() const { return stack_ == nullptr && todo_.empty(); }

  [[nodiscard]] const TodoList& todo() const { return todo_; }
  [[nodiscard]] TodoList& todo() { return todo_; }
  // Whether its todo list has work that is worth a wake-up.
  [[nodiscard]] bool has_urgent_work() const { return urgent_work_; }

  // ---- calls ----
  // The latest call that it makes or handles; null: none.
  [[nodiscard]] Transaction* stack() const { return stack_; }

  // The oneway call that it has read, until it waits for other work again.
  [[nodiscard]] const HandledOneway& handled_oneway() const { return handled_oneway_; }
  void handle_oneway(const HandledOneway& call) { handled_oneway_ = call; }
  void oneway_is_handled() { handled_oneway_ = {}; }

  // ---- errors to be read ----
  // An error of this thread's own commands, and one of the call that it waits in.
  [[nodiscard]] ErrorWork& return_error() { return return_error_; }
  [[nodiscard]] ErrorWork& reply_error() { return reply_error_; }
  [[nodiscard]] const ExtendedError& extended_error() const { return extended_error_; }
  void set_extended_error(const ExtendedError& error) { extended_error_ = error; }
  ExtendedError take_extended_error() { return std::exchange(extended_error_, ExtendedError{}); }

  // ---- nice ----
  // The nice value that the thread will have when its ioctl is done.
  [[nodiscard]] std::int32_t nice() const { return nice_; }
  void set_nice(std::int32_t nice) { nice_ = nice; }
  void came_with_nice(std::int32_t nice) { nice_ = told_nice_ = nice; }
  void nice_is_as_told() { told_nice_ = nice_; }
  [[nodiscard]] bool nice_changed() const { return nice_ != told_nice_; }

  // ---- descriptors that its program is to close when its ioctl ends ----
  void close_at_end(std::span<const int> fds) {
    if (fds.empty()) return;
    rare().close_fds.insert(rare().close_fds.end(), fds.begin(), fds.end());
  }
  [[nodiscard]] std::span<const int> fds_to_close() const {
    return rare_ ? std::span<const int>(rare_->close_fds) : std::span<const int>();
  }
  void fds_are_closed() {
    if (rare_) rare_->close_fds.clear();
  }

  [[nodiscard]] bool dead() const { return dead_; }
  void die() { dead_ = true; }

 private:
  friend class CallStacks;
  friend class EndOfEvent;
  friend class LooperPool;

  // Few threads need these.
  struct Rare {
    std::vector<std::byte> kept_commands;
    std::vector<int> close_fds;
  };
  Rare& rare() {
    if (!rare_) rare_ = std::make_unique<Rare>();
    return *rare_;
  }

  Process& process_;
  ThreadId tid_;
  Looper looper_;
  bool need_return_ = true;
  bool urgent_work_ = false;
  bool runnable_ = false;       // queued to continue its read
  bool counted_ready_ = false;  // counted among the ready ones of its pool
  bool dead_ = false;
  bool may_post_ = false;
  TodoList todo_;
  Transaction* stack_ = nullptr;
  ThreadState state_;
  std::int32_t nice_ = 0;
  std::int32_t told_nice_ = 0;  // as it was when the ioctl began
  WriteRead io_;
  ErrorWork return_error_;
  alignas(64) ErrorWork reply_error_;
  ExtendedError extended_error_;
  std::unique_ptr<Rare> rare_;
  HandledOneway handled_oneway_;
};
static_assert(sizeof(Thread) == 256);

}  // namespace netbinder
