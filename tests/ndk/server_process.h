// SPDX-License-Identifier: Apache-2.0
//
// A process that serves: this program once more, with `--serve KIND NAME`. Where a session has a
// second host, on that one. Ends with this object.
#pragma once

#include <sys/types.h>

#include <string>

namespace netbinder::testing {

class ServerProcess {
 public:
  // KIND is one of serve()'s.
  ServerProcess(const std::string& kind, const std::string& name);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // By SIGKILL.
  void kill();
  // Its exit status; waits for it.
  int wait();

 private:
  pid_t pid_ = -1;
};

// In that process: the exit status.
int serve(const std::string& kind, const std::string& name);

// Whether servers are on another host than this process.
[[nodiscard]] bool on_two_hosts();

}  // namespace netbinder::testing
