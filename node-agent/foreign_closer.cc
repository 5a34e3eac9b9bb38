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
    bool wakes = false;
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(fd);
      ++waiting_;
      wakes = call_thread();
    }
    if (wakes) work_.notify_one();  // without the mutex, which the thread wants next
  }

  [[nodiscard]] std::size_t waiting() {
    const std::lock_guard lock(mutex_);
    return waiting_;
  }

 private:
  // There is a descriptor that no thread has taken. Makes sure that one comes for it, as all others
  // may be waiting for their files; true: an idle one is to be notified. Called with the mutex
  // held.
  bool call_thread() {
    if (coming_ > 0) return false;
    if (idle_ == 0) {
      if (threads_ < kMaxThreads) add_thread();
      return false;
    }
    ++coming_;
    return true;
  }

  // If no thread can be made now, the next descriptor tries again.
  void add_thread() {
    const AllSignalsBlocked without_signals;
    try {
      std::thread([this] { run(); }).detach();
      ++threads_;
      ++coming_;
    } catch (const std::system_error&) {
    }
  }

  void run() {
    (void)::prctl(PR_SET_NAME, "closer");
    std::unique_lock lock(mutex_);
    --coming_;
    for (;;) {
      while (queue_.empty()) {
        if (threads_ > kKeptThreads && idle_ >= kKeptThreads) {
          --threads_;
          return;
        }
        ++idle_;
        work_.wait(lock);
        --idle_;
        // If nobody has called, the one that was called finds nobody coming: one call too many.
        if (coming_ > 0) --coming_;
      }
      const int fd = queue_.front();
      queue_.pop_front();
      const bool wakes = !queue_.empty() && call_thread();
      lock.unlock();
      if (wakes) work_.notify_one();
      ::close(fd);
      lock.lock();
      --waiting_;
    }
  }

  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<int> queue_;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
  std::size_t coming_ = 0;  // were made or called, and have not looked at the queue since
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
