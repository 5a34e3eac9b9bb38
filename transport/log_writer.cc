// SPDX-License-Identifier: Apache-2.0
#include "transport/log_writer.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

namespace netbinder::log {

namespace {

void write_all(int fd, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t put = ::write(fd, text.data() + done, text.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return;
    done += static_cast<std::size_t>(put);
  }
}

}  // namespace

LogWriter::LogWriter(int fd) {
  // No signal of the process is for this thread.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([state = state_, fd] { run(state, fd); }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

LogWriter::~LogWriter() {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait_for(lock, std::chrono::milliseconds(kFinishMs),
                           [this] { return state_->queue.empty() && !state_->writing; });
  state_->ending = true;
  state_->changed.notify_all();
}

void LogWriter::write(std::string line) {
  const std::lock_guard lock(state_->mutex);
  if (state_->queued_bytes + line.size() > kMaxQueuedBytes) {
    ++state_->lost;
    return;
  }
  if (const std::uint64_t lost = std::exchange(state_->lost, 0); lost != 0) {
    line.insert(0, "[" + std::to_string(lost) + " lines are missing here]\n");
  }
  state_->queued_bytes += line.size();
  state_->queue.push_back(std::move(line));
  state_->changed.notify_all();
}

void LogWriter::run(const std::shared_ptr<State>& state, int fd) {
  std::unique_lock lock(state->mutex);
  for (;;) {
    state->changed.wait(lock, [&] { return state->ending || !state->queue.empty(); });
    if (state->ending) return;
    const std::string line = std::move(state->queue.front());
    state->queue.pop_front();
    state->queued_bytes -= line.size();
    state->writing = true;
    lock.unlock();
    write_all(fd, line);
    lock.lock();
    state->writing = false;
    state->changed.notify_all();
  }
}

}  // namespace netbinder::log
