// SPDX-License-Identifier: Apache-2.0
//
// The agent has rights that programs have not, and must not use them for programs.
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>

#include "tests/agent/agent_process.h"
#include "tests/agent/polite_pair.h"

namespace netbinder::testing {
namespace {

// System calls by which a process gets at what is another's. A call ends the process.
constexpr std::array kForbidden = {SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_getfd,
                                   SYS_ptrace, SYS_kcmp};

void forbid() {
  std::array<sock_filter, kForbidden.size() + 3> program{};
  std::size_t at = 0;
  program[at++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  for (std::size_t i = 0; i < kForbidden.size(); ++i) {
    program[at++] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(kForbidden[i]),
                             static_cast<std::uint8_t>(kForbidden.size() - i), 0);
  }
  program[at++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  program[at++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  const sock_fprog filter{.len = static_cast<unsigned short>(at), .filter = program.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    ::_exit(98);
  }
}

// In a child of the test, so that the filter is the agent's and nobody else's: this process, and the
// polite programs in it, use none of these system calls either.
int run_under_filter() {
  // A sanitizer looks for leaks with ptrace, of itself.
  ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
  forbid();
  {
    AgentProcess agent;
    expect_polite_programs_work(agent.socket());
  }
  return ::testing::Test::HasFailure() ? 1 : 0;
}

TEST(Deputy, NeitherMemoryNorDescriptorsOfProgramsAreTaken) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(run_under_filter());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Deputy, TheFilterWouldNotice) {
  const pid_t child = ::fork();
  if (child == 0) {
    forbid();
    (void)::syscall(SYS_pidfd_getfd, -1, 0, 0);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
}

}  // namespace
}  // namespace netbinder::testing
