// SPDX-License-Identifier: Apache-2.0
#include "node-agent/file_counter.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "transport/limits.h"

namespace netbinder {

namespace {

// An eventfd's largest count.
constexpr std::uint64_t kMostCount = UINT64_MAX - 1;
// The most reads in one look. Each unit of a semaphore is a read; more take several looks.
constexpr std::uint64_t kMostReads = 1024;
constexpr long kPatienceNs = 1'000'000;

// A program may fill the count just when the agent adds to it, and the agent must not wait until a
// program reads: a timer's signal ends the write.
class Impatience {
 public:
  Impatience() {
    // Each thread's own, as the signal is for the thread that waits.
    thread_local const Timer timer;
    timer_ = timer.id;
    set(kPatienceNs);
  }
  ~Impatience() { set(0); }
  Impatience(const Impatience&) = delete;
  Impatience& operator=(const Impatience&) = delete;

 private:
  struct Timer {
    timer_t id = make_timer();
    Timer() = default;
    ~Timer() { (void)::timer_delete(id); }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
  };
  static timer_t make_timer() {
    const int signal = SIGRTMIN + 4;
    struct sigaction action {};
    action.sa_handler = [](int) {};
    (void)::sigaction(signal, &action, nullptr);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    (void)::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = signal;
    event._sigev_un._tid = static_cast<pid_t>(::syscall(SYS_gettid));
    timer_t made{};
    (void)::timer_create(CLOCK_MONOTONIC, &event, &made);
    return made;
  }
  void set(long nanoseconds) {
    const itimerspec when{.it_interval = {.tv_sec = 0, .tv_nsec = nanoseconds},
                          .it_value = {.tv_sec = 0, .tv_nsec = nanoseconds}};
    (void)::timer_settime(timer_, 0, &when, nullptr);
  }

  timer_t timer_{};
};

std::optional<std::uint64_t> read_now(int fd) {
  std::uint64_t value = 0;
  const iovec part{.iov_base = &value, .iov_len = sizeof value};
  ssize_t got = ::preadv2(fd, &part, 1, -1, RWF_NOWAIT);
  if (got < 0 && errno == EOPNOTSUPP) {
    const Impatience impatience;
    got = ::read(fd, &value, sizeof value);
  }
  return got == sizeof value ? std::optional(value) : std::nullopt;
}

bool write_now(int fd, std::uint64_t value) {
  const Impatience impatience;
  return ::write(fd, &value, sizeof value) == sizeof value;
}

}  // namespace

std::optional<EventfdState> eventfd_state(int fd) {
  std::ifstream file(fmt::format("/proc/self/fdinfo/{}", fd));
  EventfdState state;
  bool is_one = false;
  const auto number = [](const std::string& line, std::size_t at, int base) {
    return std::strtoull(line.c_str() + at, nullptr, base);
  };
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("eventfd-count:")) {
      is_one = true;
      state.count = number(line, 14, 16);
    } else if (line.starts_with("eventfd-id:")) {
      state.id = number(line, 11, 10);
    } else if (line.starts_with("eventfd-semaphore:")) {
      state.semaphore = number(line, 18, 10) != 0;
    }
  }
  return is_one ? std::optional(state) : std::nullopt;
}

FileCounter::FileCounter(Setup setup, FileRelay::Send send)
    : setup_(std::move(setup)),
      send_(std::move(send)),
      known_(setup_.count),
      credit_(setup_.offered_here ? 0 : limits::kCounterChanges) {}

void FileCounter::look() {
  if (over_ || credit_ == 0) return;
  const auto now = eventfd_state(fd());
  if (!now || now->count == known_) return;
  const std::uint64_t change = now->count - known_;  // negative changes wrap around, here and there
  known_ = now->count;
  --credit_;
  std::vector<std::byte> bytes(sizeof change);
  std::memcpy(bytes.data(), &change, sizeof change);
  send_(peer::FileData{std::move(bytes)});
}

void FileCounter::arrived(const peer::FileData& data) {
  std::uint64_t change = 0;
  std::memcpy(&change, data.bytes.data(), sizeof change);
  look();  // changes here are sent first, so that they are not taken for the peer's
  if (static_cast<std::int64_t>(change) >= 0) {
    add(change);
  } else {
    take(0 - change);
  }
  if (!over_) send_(peer::FileCredit{1});
}

void FileCounter::add(std::uint64_t count) {
  const auto now = eventfd_state(fd());
  if (!now) return;
  const std::uint64_t added = std::min(count, kMostCount - now->count);
  if (added > 0 && write_now(fd(), added)) known_ += added;
}

void FileCounter::take(std::uint64_t count) {
  if (setup_.semaphore) {
    for (std::uint64_t i = 0; i < std::min(count, kMostReads); ++i) {
      if (!read_now(fd())) return;
      --known_;
    }
    return;
  }
  const auto all = read_now(fd());
  if (!all) {
    known_ = 0;  // a program here was faster
    return;
  }
  const std::uint64_t left = *all - std::min(*all, count);
  known_ -= std::min(known_, *all - left);
  if (left > 0) (void)write_now(fd(), left);
}

void FileCounter::arrived(const peer::FileCredit& credit) {
  credit_ += credit.bytes;
  look();
}

void FileCounter::arrived(const peer::FileEnd& /*end*/) { over_ = true; }

void FileCounter::close() {
  if (std::exchange(over_, true)) return;
  send_(peer::FileEnd{peer::FileEnd::What::kClosed});
}

}  // namespace netbinder
