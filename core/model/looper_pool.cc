// SPDX-License-Identifier: Apache-2.0
#include "core/model/looper_pool.h"

#include <utility>

#include "core/base/check.h"
#include "core/model/model.h"

namespace netbinder {

// ---- queuing ----

void LooperPool::queue_to(Thread& thread, Work& work) {
  // The thread is in an ioctl or has a call under way, so its next read cannot be a posted one.
  NB_CHECK(!thread.may_post_);
  pay_owed_completion(thread);
  thread.todo_.push_back(work);
  thread.urgent_work_ = true;
  note_ready(thread);
  wake(thread);
}

void LooperPool::pay_owed_completion(Thread& thread) {
  Transaction* top = thread.stack_;
  if (top == nullptr || top->from() != &thread || !top->take_owed_completion()) return;
  queue_deferred(thread, *model_.completions.create(thread.process().user()));
}

// ---- waking ----

Thread* LooperPool::select_waiting() {
  (void)take_a_posted_read();
  if (waiting_.empty()) return nullptr;
  Thread& thread = waiting_.front();
  waiting_.pop_front();
  return &thread;
}

void LooperPool::wake_one() {
  if (Thread* thread = select_waiting()) wake(*thread);
  model_.end.touch(process_);
}

void LooperPool::wake(Thread& thread) {
  if (thread.reading()) model_.end.run(thread);
}

// ---- reading ----

void LooperPool::begin_read(Thread& thread) {
  enter(thread, Reading{});
  thread.io_.start_reading();
}

void LooperPool::wait_for_work(Thread& thread) {
  thread.looper_.begin_waiting();
  if (thread.available() && !thread.waits_for_process_work()) waiting_.push_front(thread);
}

void LooperPool::stop_waiting(Thread& thread) {
  unlink(thread);
  thread.looper_.end_waiting();
}

Work& LooperPool::take_next(Thread& thread) {
  const bool own = !thread.todo_.empty();
  TodoList& list = own ? thread.todo_ : todo_;
  Work& work = list.front();
  list.pop_front();
  // Readiness must be checked even if the thread waits again, or for files, in the same ioctl.
  if (!own) model_.end.touch(process_);
  if (thread.todo_.empty()) thread.urgent_work_ = false;
  return work;
}

// ---- the state of an ioctl ----

void LooperPool::resume_reading(Thread& thread) {
  thread.state_ = Reading{};
  model_.end.touch(process_);
}

void LooperPool::end_ioctl(Thread& thread) {
  stop_waiting(thread);
  thread.need_return_ = false;
  enter(thread, Idle{});
}

LooperPool::MayPost LooperPool::may_post_next(const Thread& thread) const {
  const bool may = thread.io_.reads() && thread.is_looper() && !thread.dead_ &&
                   thread.available() && todo_.empty();
  return may ? MayPost::kYes : MayPost::kNo;
}

void LooperPool::let_post(Thread& thread) {
  thread.may_post_ = true;
  posting_.push_back(thread);
}

void LooperPool::end_posting(Thread& thread) {
  if (std::exchange(thread.may_post_, false)) unlink(thread);
}

bool LooperPool::take_posted_read(Thread& thread) {
  end_posting(thread);
  const auto read = model_.effects.take_posted_read(process_.id(), thread.tid());
  if (!read) return false;
  thread.came_with_nice(read->nice);
  model_.reports.oneway_handled(thread);
  thread.io_.begin_posted(read->read_buffer);
  begin_read(thread);
  wait_for_work(thread);
  return true;
}

bool LooperPool::take_a_posted_read() {
  while (!posting_.empty()) {
    if (take_posted_read(posting_.back())) return true;
  }
  return false;
}

// ---- asking for loopers ----

bool LooperPool::asks_for_looper(const Thread& thread) {
  if (requested_ != 0 || !waiting_.empty() || started_ >= max_threads_ || !thread.is_looper() ||
      !thread.io_.has_first_command() || take_a_posted_read()) {
    return false;
  }
  ++requested_;
  return true;
}

void LooperPool::register_looper(Thread& thread) {
  if (thread.looper_.has_entered() || requested_ == 0) {
    thread.looper_.register_looper(Looper::Asked::kNo);
    return;
  }
  --requested_;
  ++started_;
  thread.looper_.register_looper(Looper::Asked::kYes);
}

// ---- readiness ----

void LooperPool::note_ready(Thread& thread) {
  // A thread's own work makes the descriptor readable only if that thread would poll it: a looper,
  // or the only thread there is.
  const bool ready = thread.urgent_work_ && thread.idle() && !thread.dead_ &&
                     (thread.is_looper() || process_.threads().size() == 1);
  if (ready != thread.counted_ready_) {
    thread.counted_ready_ = ready;
    ready ? ++ready_ : --ready_;
  }
  model_.end.touch(process_);
}

void LooperPool::note_all_ready() {
  for (const auto& [tid, thread] : process_.threads()) note_ready(*thread);
}

bool LooperPool::would_find_work() const {
  if (ready_ > 0) return true;
  if (todo_.empty()) return false;
  // The only thread of a process cannot take this work while it waits for a reply or has its own.
  return process_.threads().size() != 1 || process_.threads().begin()->second->available();
}

void LooperPool::tell_readiness() {
  const bool readable = would_find_work();
  if (readable == readable_) return;
  readable_ = readable;
  model_.effects.readiness_changed(process_.id(), readable);
}

void LooperPool::remove(Thread& thread) {
  end_posting(thread);
  unlink(thread);
  model_.end.forget(thread);
}

void LooperPool::no_work_left(Thread& thread) {
  thread.urgent_work_ = false;
  note_ready(thread);
}

void LooperPool::check() const {
  std::uint32_t ready = 0;
  for (const auto& [tid, thread] : process_.threads()) {
    NB_CHECK(&thread->process() == &process_ && !thread->runnable_);
    if (thread->waits_for_process_work()) NB_CHECK(thread->reading());
    if (thread->reading() && thread->available()) NB_CHECK(thread->waits_for_process_work());
    if (thread->may_post_) {
      NB_CHECK(thread->idle() && thread->is_looper() && !thread->need_return_);
      NB_CHECK(thread->available() && todo_.empty());
    }
    ready += thread->counted_ready_ ? 1 : 0;
  }
  NB_CHECK(ready == ready_);
  NB_CHECK(process_.dead() || readable_ == would_find_work());
}

}  // namespace netbinder
