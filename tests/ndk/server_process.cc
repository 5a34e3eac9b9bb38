// SPDX-License-Identifier: Apache-2.0
#include "tests/ndk/server_process.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace netbinder::testing {

bool on_two_hosts() { return std::getenv("NETBINDER_SOCKET_2") != nullptr; }

ServerProcess::ServerProcess(const std::string& kind, const std::string& name) {
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (const char* const second = std::getenv("NETBINDER_SOCKET_2")) {
    ::setenv("NETBINDER_SOCKET", second, 1);
  }
  ::execl("/proc/self/exe", "ndk_calls_test", "--serve", kind.c_str(), name.c_str(), nullptr);
  ::_exit(127);
}

ServerProcess::~ServerProcess() { kill(); }

void ServerProcess::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  (void)wait();
}

int ServerProcess::wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace netbinder::testing
