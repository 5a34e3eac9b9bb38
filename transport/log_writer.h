// SPDX-License-Identifier: Apache-2.0
//
// Writes records to a descriptor or to the journal, which may not take them (a full pipe, a stopped
// terminal, a journal that is stuck), on a thread of its own. Whoever logs never waits: records that
// do not fit into the queue are counted.
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
#include <string_view>

#include "transport/log.h"

namespace netbinder::log {

class LogWriter {
 public:
  static constexpr std::size_t kMaxQueuedBytes = 1U << 20;
  static constexpr std::size_t kRoomToTell = 4096;
  // How long the end of the program waits for what is queued.
  static constexpr int kFinishMs = 300;

  struct Record {
    int priority = 0;  // 0: it is a line for the descriptor, with its end; otherwise the journal's
    std::string_view component = {};  // of the journal's; static
    std::string text;
  };

  explicit LogWriter(int fd);
  // Gives up what cannot be written in kFinishMs.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // To be called before records for the journal are written.
  void set_journal(PutIntoJournal put);
  void write(Record record);
  // How many were lost and have not been told of, if there is room to tell it; then nobody need be
  // told again.
  [[nodiscard]] std::uint64_t take_lost();

 private:
  // Shared with the thread, which is left behind if it cannot finish.
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Record> queue;
    std::size_t queued_bytes = 0;
    std::uint64_t lost = 0;
    PutIntoJournal journal = nullptr;
    bool writing = false;
    bool ending = false;
  };
  static void run(const std::shared_ptr<State>& state, int fd);

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace netbinder::log
