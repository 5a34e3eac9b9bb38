// SPDX-License-Identifier: Apache-2.0
//
// Posted reads: a looper that comes back from a call only to wait for the next one need not be
// brought here as an event. Its host program is told so with the end of its last ioctl
// (IoctlResult::may_post_read), and the core asks for the read (Effects::take_posted_read) before
// there is work for it. So nobody but the program knows of the read while nothing is to be done,
// and all that is decided by who waits is decided as if it had been brought when it was made.
//
// While a thread may post, it is idle, has no work and handles nothing, and its process has no work
// that it could take. A read that was not there when it was asked for comes as an event, later.
#include <utility>

#include "core/driver.h"

namespace netbinder {

bool Driver::may_post_read(const Thread& thread) {
  return thread.io.reads && thread.is_looper() && !thread.is_dead &&
         available_for_process_work(thread) && thread.process.todo.empty();
}

void Driver::let_post_read(Thread& thread) {
  thread.may_post = true;
  thread.process.posting_threads.push_back(thread);
}

void Driver::end_posting(Thread& thread) {
  if (!std::exchange(thread.may_post, false)) return;
  static_cast<WaitingHook&>(thread).unlink();
}

bool Driver::take_posted_read(Thread& thread) {
  end_posting(thread);
  const std::optional<PostedRead> read = effects_.take_posted_read(thread.process.id, thread.tid);
  if (!read) return false;
  thread.nice = thread.told_nice = read->nice;
  WriteRead& io = thread.io;
  io = {};
  io.reads = io.fresh_read = true;
  io.read_buffer = read->read_buffer;
  begin_read(thread);
  wait_for_work(thread);
  return true;
}

bool Driver::take_a_posted_read(Process& process) {
  while (!process.posting_threads.empty()) {
    if (take_posted_read(process.posting_threads.back())) return true;
  }
  return false;
}

void Driver::take_posted_reads() {
  for (const auto& [id, process] : processes_) {
    while (take_a_posted_read(*process)) {
    }
  }
  finish_event();
}

}  // namespace netbinder
