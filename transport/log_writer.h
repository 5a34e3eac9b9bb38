// SPDX-License-Identifier: Apache-2.0
//
// Writes lines to a descriptor that may not take them (a full pipe, a stopped terminal), on a
// thread of its own. Whoever logs never waits: lines that do not fit into the queue are counted,
// and the next line that is written says how many are missing.
//
// Owned by the log. Any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

namespace netbinder::log {

class LogWriter {
 public:
  static constexpr std::size_t kMaxQueuedBytes = 1U << 20;
  // How long the end of the program waits for the descriptor.
  static constexpr int kFinishMs = 300;

  explicit LogWriter(int fd);
  // Gives up what cannot be written in kFinishMs.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // `line` ends with a newline.
  void write(std::string line);

 private:
  // Shared with the thread, which is left behind if it cannot finish.
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::string> queue;
    std::size_t queued_bytes = 0;
    std::uint64_t lost = 0;
    bool writing = false;
    bool ending = false;
  };
  static void run(const std::shared_ptr<State>& state, int fd);

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace netbinder::log
