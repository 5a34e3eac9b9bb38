// SPDX-License-Identifier: Apache-2.0
//
// netbinder session: a private cluster around one command, like dbus-run-session.
#include <fmt/core.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tools/commands.h"
#include "tools/installation.h"
#include "tools/private_cluster.h"

namespace netbinder::tools {

namespace {

constexpr std::chrono::milliseconds kLeftOverTimeout{2000};

volatile sig_atomic_t command_pid = 0;

void pass_on(int signal) {
  if (command_pid > 0) ::kill(static_cast<pid_t>(command_pid), signal);
}

std::vector<pid_t> children() {
  std::vector<pid_t> pids;
  std::ifstream file(fmt::format("/proc/self/task/{}/children", ::getpid()));
  for (pid_t pid = 0; file >> pid;) pids.push_back(pid);
  return pids;
}

// Ends the processes that the command left running. As a subreaper this process has inherited them,
// and it inherits their children in turn.
void end_left_overs(const PrivateCluster& cluster) {
  const auto deadline = std::chrono::steady_clock::now() + kLeftOverTimeout;
  std::set<pid_t> asked;
  for (;;) {
    bool any = false;
    const bool late = std::chrono::steady_clock::now() > deadline;
    for (const pid_t pid : children()) {
      if (cluster.is_agent(pid)) continue;
      any = true;
      if (::waitpid(pid, nullptr, WNOHANG) == pid) continue;
      if (late) {
        ::kill(pid, SIGKILL);
      } else if (asked.insert(pid).second) {
        ::kill(pid, SIGTERM);
      }
    }
    if (!any) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

int run_command(std::vector<std::string> command, const PrivateCluster& cluster) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::vector<char*> arguments;
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error(std::string("cannot fork: ") + std::strerror(errno));
  if (pid == 0) {
    cluster.export_sockets();
    preload_shim();
    ::execvp(arguments[0], arguments.data());
    fmt::print(stderr, "netbinder: cannot run {}: {}\n", command[0], std::strerror(errno));
    ::_exit(127);
  }
  command_pid = pid;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    action.sa_handler = pass_on;
    ::sigaction(signal, &action, nullptr);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) throw std::runtime_error("lost sight of the command");
  }
  command_pid = 0;
  end_left_overs(cluster);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int carry_out(const SessionOptions& options, char** /*argv*/) {
  const PrivateCluster cluster(options.setup);
  return run_command(options.command, cluster);
}

}  // namespace netbinder::tools
