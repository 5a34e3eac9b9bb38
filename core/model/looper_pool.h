// SPDX-License-Identifier: Apache-2.0
//
// The threads of a process as they wait for work: the todo lists of the process and of its threads,
// who is woken for what, whether the driver asks for one more looper, whether the descriptor is
// readable, and reads that are posted. Part of a Process.
//
// Posted reads: a looper that comes back from a call only to wait for the next one need not be
// brought here as an event. Its host program is told so with the end of its last ioctl
// (IoctlResult::may_post_read), and the core asks for the read (Effects::take_posted_read) before
// there is work for it. So nobody but the program knows of the read while nothing is to be done,
// and all that is decided by who waits is decided as if it had been brought when it was made.
// While a thread may post, it is idle, has no work and handles nothing, and its process has no work
// that it could take. A read that was not there when it was asked for comes as an event, later.
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
  // Read with whatever comes next; not worth a wake-up by itself.
  static void queue_deferred(Thread& thread, Work& work) { thread.todo_.push_back(work); }
  // To the thread if it is a looper, else to its process.
  void queue_own(Thread& thread, Work& work) {
    if (thread.is_looper()) {
      queue_to(thread, work);
    } else {
      queue(work);
    }
  }
  // BR_TRANSACTION_COMPLETE of the call on top of the thread's stack, if it is still owed.
  void pay_owed_completion(Thread& thread);

  // ---- waking ----
  // The thread that waits for work of the process and takes the next of it; null: none waits.
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
  // The next item of the thread's list, else, where its read may take that, of the process's. Null:
  // there is none.
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
  // Back to reading, in the midst of a read.
  void resume_reading(Thread& thread);
  // The ioctl is done; its program may post the thread's next read.
  void end_ioctl(Thread& thread);
  enum class MayPost { kNo, kYes };
  [[nodiscard]] MayPost may_post_next(const Thread& thread) const;
  void let_post(Thread& thread);
  // The thread has come with an ioctl, or ends.
  void end_posting(Thread& thread);
  // The posted read of a thread that may post, before there is work for it; it waits then. False:
  // it has none.
  bool take_posted_read(Thread& thread);
  // The latest one of any thread.
  bool take_a_posted_read();

  // ---- asking for loopers ----
  // After a read: whether BR_SPAWN_LOOPER is said, which is then counted as asked for.
  [[nodiscard]] bool asks_for_looper(const Thread& thread);
  void register_looper(Thread& thread);
  void set_max_threads(std::uint32_t max_threads) { max_threads_ = max_threads; }
  [[nodiscard]] std::uint32_t max_threads() const { return max_threads_; }
  [[nodiscard]] std::uint32_t requested() const { return requested_; }
  [[nodiscard]] std::uint32_t started() const { return started_; }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

  // ---- readiness: what poll on the descriptor answers ----
  void note_ready(Thread& thread);
  // There is one more thread: another one that is no looper may have counted as the only one.
  void note_all_ready();
  // Tells the host program if the answer has changed.
  void tell_readiness();

  // The thread ends: it is in no list any more, and then has no work left.
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
