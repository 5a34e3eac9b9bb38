// SPDX-License-Identifier: Apache-2.0
//
// The records of one component while this lives, from trace on: as the journal would get them. The
// log of a program is one, so there is one of these at a time.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "transport/log.h"

namespace netbinder::testing {

class CapturedLog {
 public:
  explicit CapturedLog(const std::string& component) {
    kept().text.clear();
    log::set_journal(&keep);
    log::start("test", "off");
    log::configure(
        {.lowest = "off", .filter = {{component, "trace"}}, .format = log::Format::kJournal});
  }
  ~CapturedLog() {
    log::set_lowest("info");
    log::finish();
  }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  // Whether there is a record with that text in it. A thread writes records, so this waits for it.
  [[nodiscard]] bool has(std::string_view text) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (all().find(text) == std::string::npos) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  // So far, a line each.
  [[nodiscard]] std::string all() const {
    const std::lock_guard lock(kept().mutex);
    return kept().text;
  }

 private:
  struct Kept {
    std::mutex mutex;
    std::string text;
  };
  static Kept& kept() {
    static Kept kept;
    return kept;
  }
  static void keep(const log::JournalEntry& entry) {
    const std::lock_guard lock(kept().mutex);
    kept().text.append(entry.message).append("\n");
  }
};

}  // namespace netbinder::testing
