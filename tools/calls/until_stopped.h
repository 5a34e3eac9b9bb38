// SPDX-License-Identifier: Apache-2.0
//
// Waiting in a command that goes on until somebody presses Ctrl-C, or ends it with SIGTERM: it then
// still finishes what it has. One at a time.
#pragma once

#include <csignal>

namespace netbinder::tools {

class UntilStopped {
 public:
  UntilStopped();
  UntilStopped(const UntilStopped&) = delete;
  UntilStopped& operator=(const UntilStopped&) = delete;
  ~UntilStopped();

  [[nodiscard]] bool stopped() const;
  // Sleeps that long, or until it is stopped.
  void sleep_ms(int ms) const;

 private:
  struct sigaction before_int_;
  struct sigaction before_term_;
};

}  // namespace netbinder::tools
