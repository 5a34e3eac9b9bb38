// SPDX-License-Identifier: Apache-2.0
//
// Programs that are supervised, and what is left when the supervisor is killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "tests/e2e/session_run.h"

namespace netbinder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Supervised, HelloProgramsOfEveryKindTalkToEachOther) {
  std::istringstream variants(NETBINDER_VARIANTS);
  for (std::string variant; variants >> variant;) {
    const RunResult result = run_session("--hosts 2", "variant=" + variant + R"script(
unset LD_PRELOAD
NETBINDER_SOCKET=$NETBINDER_SOCKET_2 netbinder run -- hello_server_$variant & server=$!
netbinder service wait hello --timeout 60 >/dev/null
netbinder run -- hello_client_$variant; kill $server; wait $server 2>/dev/null; true)script");
    EXPECT_THAT(result.output, HasSubstr("sayhello: 1\n")) << variant;
    EXPECT_THAT(result.output, HasSubstr("sayhello_to: 12 \"hello, world\"\n")) << variant;
  }
}

TEST(Supervised, ItsSendersAreThePrograms) {
  const RunResult result = run_session("--service-manager none", R"script(
unset LD_PRELOAD
netbinder run --supervised -- reach_probe serve 1 >served &
until grep -q serving served 2>/dev/null; do sleep 0.02; done
SAY_PID=1 netbinder run --supervised -- reach_probe_static call 3 >said
wait
[ "$(sed 's/I am //' said)" = "$(sed -n 's/call 3: pid \([0-9]*\) .*/\1/p' served)" ] && echo "the same"
rm served said)script");
  EXPECT_THAT(result.output, HasSubstr("the same\n"));
}

TEST(Supervised, TrapsAndSignalsWorkAsUnderTheKernel) {
  const RunResult result = run_session("", "unset LD_PRELOAD; netbinder run -- reach_probe_static raw");
  EXPECT_THAT(result.output, HasSubstr("a thread that blocks every signal: ok 8\n"));
  EXPECT_THAT(result.output, HasSubstr("a handler: ok 8\n"));
  EXPECT_THAT(result.output, HasSubstr("one forked by a system call: ok 8\nended with 0\n"));
}

TEST(Supervised, ASignalEndsAnIoctlThatWaits) {
  const RunResult result = run_session("--service-manager none", R"script(
unset LD_PRELOAD
netbinder run -- reach_probe_static serve 1 >out 2>&1 & run=$!
until grep -q serving out 2>/dev/null; do sleep 0.02; done
kill -TERM $(pgrep -f '^reach_probe_static serve'); wait $run; echo "exit $?"; rm out)script");
  EXPECT_THAT(result.output, HasSubstr("exit 143\n"));
}

TEST(Supervised, KillingTheSupervisorLeavesErrorsAndNothingElse) {
  const RunResult result = run_session("--service-manager none", R"script(
unset LD_PRELOAD
netbinder run -- reach_probe_static serve 9 >out 2>&1 & run=$!
until grep -q serving out 2>/dev/null; do sleep 0.02; done
program=$(pgrep -f '^reach_probe_static serve')
supervisor=$(ps -o ppid= -p $program)
netbinder state | grep -c '^proc'
kill -9 $supervisor
wait $run
until grep ioctl out; do sleep 0.02; done
for i in $(seq 1000); do [ "$(netbinder state)" = "binder state:" ] && break; sleep 0.02; done
netbinder state
rm out)script");
  EXPECT_THAT(result.output, HasSubstr("1\n"));
  EXPECT_THAT(result.output, HasSubstr("ioctl: Function not implemented\nbinder state:\n"));
  EXPECT_THAT(result.output, Not(HasSubstr("proc ")));
}

TEST(Supervised, NobodySpeaksForAStranger) {
  const RunResult result = run_session("", R"script(
cat >"$NETBINDER_SOCKET.py" <<'END'
import os, socket, struct, sys
hello = struct.Struct('<IIII64s32siiI')
def ask(subject):
  s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
  s.connect(os.environ['NETBINDER_SOCKET'])
  s.send(hello.pack(0x6e627368, int(sys.argv[1]), 0, 0, b'binder', b'', 0, subject, int(sys.argv[1])))
  return struct.unpack('<IIi', s.recv(200)[:12])[2]
child = os.fork()
if child == 0:
  import time; time.sleep(20); os._exit(0)
print('child', ask(child), 'parent', ask(os.getppid()), 'first', ask(1))
os.kill(child, 9)
END
version=$(sed -n 's/.*kChannelVersion = \([0-9]*\);.*/\1/p' "$(dirname "$(command -v netbinder)")/../../../channel/version.h")
LD_PRELOAD= python3 "$NETBINDER_SOCKET.py" "$version"
)script");
  EXPECT_THAT(result.output, HasSubstr("child 0 parent -1 first -1\n"));
}

}  // namespace
}  // namespace netbinder::testing
