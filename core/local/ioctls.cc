// SPDX-License-Identifier: Apache-2.0
#include "core/local/ioctls.h"

#include "core/model/model.h"

namespace netbinder {

Thread* Ioctls::thread(Process& process, ThreadId tid) {
  if (Thread* known = process.find_thread(tid)) return known;
  if (process.threads().size() >= model_.setup.max_threads_per_process ||
      !process.user().may_add_thread()) {
    return nullptr;
  }
  Thread& made = process.add_thread(tid);
  ++model_.statistics.threads_created;
  process.loopers().note_all_ready();
  return &made;
}

void Ioctls::finish(Thread& thread, int error) {
  LooperPool& loopers = thread.process().loopers();
  loopers.end_ioctl(thread);
  IoctlResult result;
  result.error = error;
  result.write_consumed = thread.io().write_consumed();
  result.read_consumed = thread.io().read_consumed();
  result.wants_looper = thread.io().take_wants_looper();
  result.close_fds = thread.fds_to_close();
  if (thread.nice_changed()) result.nice = thread.nice();
  result.may_post_read = error == 0 && loopers.may_post_next(thread) == LooperPool::MayPost::kYes;
  if (result.may_post_read) loopers.let_post(thread);
  model_.effects.ioctl_done(thread.process().id(), thread.tid(), result);
  thread.fds_are_closed();
}

}  // namespace netbinder
