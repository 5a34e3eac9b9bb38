// SPDX-License-Identifier: Apache-2.0
#include "node-agent/foreign_closer.h"
#include "transport/all_signals_blocked.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

namespace netbinder {
namespace {

constexpr std::size_t kMaxThreads = 64;
// As many wait for more when there is nothing to do. Beside programs that open and close without end,
// each close would begin a thread otherwise.
constexpr std::size_t kKeptThreads = 4;

class Closer {
 public:
  void take(int fd) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(fd);
    ++waiting_;
    if (idle_ > 0) {
      work_.notify_one();
    } else if (threads_ < kMaxThreads) {  // the other threads may be waiting for their files
      add_thread();
    }
  }

  [[nodiscard]] std::size_t waiting() {
    const std::lock_guard lock(mutex_);
    return waiting_;
  }

 private:
  // Called with the mutex held. If no thread can be made now, the next descriptor tries again.
  void add_thread() {
    const AllSignalsBlocked without_signals;
    try {
      std::thread([this] { run(); }).detach();
      ++threads_;
    } catch (const std::system_error&) {
    }
  }

  void run() {
    (void)::prctl(PR_SET_NAME, "closer");
    std::unique_lock lock(mutex_);
    for (;;) {
      if (queue_.empty()) {
        if (threads_ > kKeptThreads && idle_ >= kKeptThreads) break;
        ++idle_;
        work_.wait(lock, [this] { return !queue_.empty(); });
        --idle_;
      }
      const int fd = queue_.front();
      queue_.pop_front();
      // Another thread must be ready for the next descriptor, however long this one takes.
      if (idle_ == 0 && !queue_.empty() && threads_ < kMaxThreads) add_thread();
      lock.unlock();
      ::close(fd);
      lock.lock();
      --waiting_;
    }
    --threads_;
  }

  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<int> queue_;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
  std::size_t waiting_ = 0;
};

// Never destroyed: its threads end with the process.
Closer& closer() {
  static auto* const made = new Closer;
  return *made;
}

}  // namespace

void close_elsewhere(int fd) noexcept { closer().take(fd); }

std::size_t waiting_to_be_closed() { return closer().waiting(); }

}  // namespace netbinder
