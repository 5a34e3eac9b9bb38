// SPDX-License-Identifier: Apache-2.0
//
// A terminal that shows a page which changes: another screen than the one with the commands,
// without a cursor, and keys are read as they are pressed. Whatever ends the program's use of it,
// as far as a program hears of it, the terminal is given back as it was: ctrl-C, SIGTERM, SIGHUP,
// ctrl-Z, errors.
//
// One at a time. Main thread.
#pragma once

#include <termios.h>

#include <string>
#include <vector>

#include "tools/top/top_sample.h"

namespace netbinder::tools {

class LiveTerminal {
 public:
  LiveTerminal();
  ~LiveTerminal();
  LiveTerminal(const LiveTerminal&) = delete;
  LiveTerminal& operator=(const LiveTerminal&) = delete;

  // Whether stdin and stdout are one.
  [[nodiscard]] static bool is_there();
  [[nodiscard]] static PageSize size();
  void show(const std::vector<std::string>& lines);
  enum class Woken { kTime, kResized, kToEnd };
  // Waits for that long, for another size of the terminal, or until the user has had enough.
  [[nodiscard]] Woken wait(double seconds);
  // The signal that has ended it; 0: none, but a key.
  [[nodiscard]] int signal() const { return ended_by_; }

 private:
  void take();
  void give_back();
  void stop_for_now();

  termios before_{};
  int signals_ = -1;  // a signalfd
  int ended_by_ = 0;
};

}  // namespace netbinder::tools
