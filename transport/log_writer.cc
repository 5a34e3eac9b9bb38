// SPDX-License-Identifier: Apache-2.0
#include "transport/log_writer.h"
#include "transport/all_signals_blocked.h"

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
  const AllSignalsBlocked without_signals;
  std::thread([state = state_, fd] { run(state, fd); }).detach();
}

LogWriter::~LogWriter() {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait_for(lock, std::chrono::milliseconds(kFinishMs),
                           [this] { return state_->queue.empty() && !state_->writing; });
  state_->ending = true;
  state_->changed.notify_all();
}

void LogWriter::set_journal(PutIntoJournal put) {
  const std::lock_guard lock(state_->mutex);
  state_->journal = put;
}

void LogWriter::write(Record record) {
  const std::lock_guard lock(state_->mutex);
  if (state_->queued_bytes + record.text.size() > kMaxQueuedBytes) {
    ++state_->lost;
    return;
  }
  state_->queued_bytes += record.text.size();
  state_->queue.push_back(std::move(record));
  state_->changed.notify_all();
}

std::uint64_t LogWriter::take_lost() {
  const std::lock_guard lock(state_->mutex);
  if (state_->queued_bytes + kRoomToTell > kMaxQueuedBytes) return 0;
  return std::exchange(state_->lost, 0);
}

void LogWriter::run(const std::shared_ptr<State>& state, int fd) {
  std::unique_lock lock(state->mutex);
  for (;;) {
    state->changed.wait(lock, [&] { return state->ending || !state->queue.empty(); });
    if (state->ending) return;
    const Record record = std::move(state->queue.front());
    state->queue.pop_front();
    state->queued_bytes -= record.text.size();
    state->writing = true;
    const PutIntoJournal journal = state->journal;
    lock.unlock();
    if (record.priority == 0) {
      write_all(fd, record.text);
    } else {
      journal({.priority = record.priority, .component = record.component, .message = record.text});
    }
    lock.lock();
    state->writing = false;
    state->changed.notify_all();
  }
}

}  // namespace netbinder::log
