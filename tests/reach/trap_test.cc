// SPDX-License-Identifier: Apache-2.0
//
// System calls that programs make without the C library, in dynamic programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/session_run.h"

namespace netbinder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kAll = R"script(a thread from before the open: ok 8
a thread that blocks every signal: ok 8
and by a system call: ok 8
syscall(2): ok
opened: ok
a handler: ok 8
the program's own SIGSYS
a forked process: ok 8
executed: ok
one forked by a system call: ok 8
ended with 0
)script";

TEST(Trap, FollowsThreadsSignalsAndForks) {
  EXPECT_THAT(run_session("", "reach_probe raw").output, HasSubstr(kAll));
}

TEST(Trap, ReachesTheFirstOpenOfAProgramThatIsRun) {
  EXPECT_THAT(run_session("", "OPEN_RAW=1 reach_probe raw").output,
              Not(HasSubstr("from before the open: ok")));
  EXPECT_THAT(run_session("", "unset LD_PRELOAD; OPEN_RAW=1 netbinder run -- reach_probe raw").output,
              HasSubstr(kAll));
}

TEST(Trap, CanBePrevented) {
  EXPECT_THAT(run_session("", "NETBINDER_TRAP=0 reach_probe raw").output,
              HasSubstr("a thread from before the open: Inappropriate ioctl for device 0\n"));
}

TEST(Trap, HelloProgramsWithCallsOfTheirOwnTalk) {
  const RunResult result = run_session("", R"script(
netbinder run -- hello_server_raw & server=$!
netbinder service wait hello --timeout 60 >/dev/null
netbinder run -- hello_client_raw; kill $server)script");
  EXPECT_THAT(result.output, HasSubstr("sayhello_to: 12 \"hello, world\"\n"));
}

}  // namespace
}  // namespace netbinder::testing
