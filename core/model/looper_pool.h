// SPDX-License-Identifier: Apache-2.0
//
// The threads of a process as they wait for work: the todo lists of the process and of its threads,
// which thread is woken for which work, whether the driver asks for another looper, whether the
// descriptor is readable, and reads that are posted. Part of a Process.
//
// Posted reads: a looper that comes back from a call only to wait for the next need not bring that
// read here as an event. The host program learns this at the end of the thread's last ioctl
// (IoctlResult::may_post_read), and the core asks for the read (Effects::take_posted_read) before
// there is work for it. So only the program knows of the read while there is nothing to do, and all
// decisions are made as if the read had been brought when it was made. While a thread may post, it
// is idle, has no work and handles no call, and its process has no work that it could take. A read
// that was not made yet when the core asked for it comes as an event, later.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>

#include "core/model/thread.h"
#include "core/model/work.h"

namespace netbinder {

class Model;
class Process;

class LooperPool {
 public:
  LooperPool(Model& model, Process& process) : model_(model), process_(process) {}
  LooperPool(const LooperPool&) = delete;
  LooperPool& operator=(const LooperPool&) = delete;

  // ---- queuing ----
  // Work for whichever thread comes first; wakes one that waits.
  void queue(Work& work) {
    todo_.push_back(work);
    wake_one();
  }
  // Work for this thread; wakes it. A completion that is owed to it comes first.
  void queue_to(Thread& thread, Work& work);
  // Work that is read together with the next other work; it wakes nobody by itself.
  static void queue_deferred(Thread& thread, Work& work) { thread.todo_.push_back(work); }
  // Queues work to the thread if it is a looper, otherwise to its process.
  void queue_own(Thread& thread, Work& work) {
    if (thread.is_looper()) {
      queue_to(thread, work);
    } else {
      queue(work);
    }
  }
  // Queues BR_TRANSACTION_COMPLETE of the call on top of the thread's stack, if it is still owed.
  void pay_owed_completion(Thread& thread);

  // ---- waking ----
  // Takes a waiting thread off the list, for the next work of the process; null: none waits.
  Thread* select_waiting();
  void wake_one();
  void wake(Thread& thread);

  // ---- reading ----
  void begin_read(Thread& thread);
  void wait_for_work(Thread& thread);
  void stop_waiting(Thread& thread);
  // Whether the thread's read would bring anything.
  [[nodiscard]] bool has_work(const Thread& thread) const {
    return thread.urgent_work_ || thread.need_return_ || (thread.available() && !todo_.empty());
  }
  enum class From { kThread, kProcess };
  // Whether there is work in the thread's list or, if `lowest` is kProcess, in that of the process.
  // The thread's own list comes first.
  [[nodiscard]] bool has_next(const Thread& thread, From lowest) const {
    return !thread.todo_.empty() || (lowest == From::kProcess && !todo_.empty());
  }
  Work& take_next(Thread& thread);
  [[nodiscard]] const TodoList& todo() const { return todo_; }
  [[nodiscard]] TodoList& todo() { return todo_; }

  // ---- the state of an ioctl ----
  void enter(Thread& thread, ThreadState state) {
    thread.state_ = state;
    note_ready(thread);
  }
  // The thread goes back to reading in the same ioctl.
  void resume_reading(Thread& thread);
  // The ioctl is done.
  void end_ioctl(Thread& thread);
  enum class MayPost { kNo, kYes };
  [[nodiscard]] MayPost may_post_next(const Thread& thread) const;
  void let_post(Thread& thread);
  // The thread may not post a read any more: it has made an ioctl, or ends.
  void end_posting(Thread& thread);
  // Takes the posted read of a thread that may post, before there is work for it; the thread then
  // waits. False: it has made none.
  bool take_posted_read(Thread& thread);
  // Takes one posted read, of the thread that could post last.
  bool take_a_posted_read();

  // ---- asking for loopers ----
  // After a read: whether to add BR_SPAWN_LOOPER, which is then counted as requested.
  [[nodiscard]] bool asks_for_looper(const Thread& thread);
  void register_looper(Thread& thread);
  void set_max_threads(std::uint32_t max_threads) { max_threads_ = max_threads; }
  [[nodiscard]] std::uint32_t max_threads() const { return max_threads_; }
  [[nodiscard]] std::uint32_t requested() const { return requested_; }
  [[nodiscard]] std::uint32_t started() const { return started_; }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

  // ---- readiness: what poll on the descriptor answers ----
  void note_ready(Thread& thread);
  // A thread was added: one that is no looper counts only while it is the only thread.
  void note_all_ready();
  // Tells the host program if the answer has changed.
  void tell_readiness();

  // The thread ends: remove() takes it out of all lists, and no_work_left() follows.
  void remove(Thread& thread);
  void no_work_left(Thread& thread);
  void check() const;

 private:
  using List = boost::intrusive::list<Thread, boost::intrusive::base_hook<WaitingHook>,
                                      boost::intrusive::constant_time_size<false>>;

  static void unlink(Thread& thread) { static_cast<WaitingHook&>(thread).unlink(); }
  [[nodiscard]] bool would_find_work() const;

  Model& model_;
  Process& process_;
  List waiting_;  // blocked readers that take work of the process, latest first
  List posting_;  // those whose reads may be posted, latest last
  TodoList todo_;
  std::uint32_t max_threads_ = 0;
  std::uint32_t requested_ = 0;
  std::uint32_t started_ = 0;
  std::uint32_t ready_ = 0;  // threads with work whose read would not block
  bool readable_ = false;    // as last told to the host program
};

}  // namespace netbinder
