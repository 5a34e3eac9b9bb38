// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/session_run.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace netbinder::testing {

namespace {

constexpr const char* kTimeoutSeconds = "90";

// The folder of the build's programs: this test is one of them.
std::string programs() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

RunResult run_command(const std::string& command) {
  RunResult result;
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return result;
  std::array<char, 4096> part;
  while (const std::size_t got = std::fread(part.data(), 1, part.size(), pipe)) {
    result.output.append(part.data(), got);
  }
  const int status = ::pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

// The script goes into a file, so that no quoting comes between.
RunResult run_with(const std::string& prefix, const std::string& script) {
  std::string path = (std::filesystem::temp_directory_path() / "netbinder-e2e-XXXXXX").string();
  const int fd = ::mkstemp(path.data());
  if (fd < 0) return {};
  ::close(fd);
  // The output of the debug files was recorded with this nice value, which the driver lends on.
  (void)::setpriority(PRIO_PROCESS, 0, 0);
  std::ofstream(path) << "set -u\nexport PATH=" << programs() << ":$PATH\n" << script;
  // The shim comes before the sanitizers' runtime in the tools that preload it.
  RunResult result = run_command("ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 timeout " +
                                 std::string(kTimeoutSeconds) + " " + prefix + "bash " + path);
  std::filesystem::remove(path);
  return result;
}

}  // namespace

RunResult run_script(const std::string& script) { return run_with("", script); }

std::string transport_of_tests() {
  const char* const transport = std::getenv("NETBINDER_TEST_TRANSPORT");
  return transport == nullptr ? "tcp" : transport;
}

RunResult run_session(const std::string& options, const std::string& script) {
  const char* const agents = std::getenv("NETBINDER_TEST_AGENTS");
  return run_with(programs() + "/netbinder session --transport " + transport_of_tests() + " " +
                      (agents == nullptr ? "" : "--agents " + std::string(agents) + " ") + options +
                      " -- ",
                  script);
}

}  // namespace netbinder::testing
