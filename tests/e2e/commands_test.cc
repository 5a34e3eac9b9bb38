// SPDX-License-Identifier: Apache-2.0
//
// The behaviour of the commands that people and scripts rely on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/e2e/session_run.h"

namespace netbinder::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(CommandLine, ACommandThatThereIsNotIsNamedWithTheOneThatWasMeant) {
  const RunResult result = run_script(
      "netbinder statuss; echo $?\n"
      "netbinder service lsit; echo $?\n"
      "netbinder sess; echo $?\n"
      "netbinder frobnicate; echo $?\n"
      "netbinder help servic; echo $?\n"
      "netbinder ping; echo $?\n");
  EXPECT_THAT(result.output, HasSubstr("there is no command 'statuss'; did you mean 'status'?\n2\n"));
  EXPECT_THAT(result.output, HasSubstr("there is no command 'lsit'; did you mean 'list'?\n2\n"));
  EXPECT_THAT(result.output, HasSubstr("there is no command 'sess'; did you mean 'session'?\n2\n"));
  EXPECT_THAT(result.output, HasSubstr("there is no command 'frobnicate'\n2\n"));
  EXPECT_THAT(result.output, HasSubstr("did you mean 'service'?"));
  EXPECT_THAT(result.output, HasSubstr("name is required"));
}

TEST(CommandLine, HelpIsThatOfTheCommand) {
  const RunResult result = run_script(
      "netbinder help; echo $?\n"
      "netbinder help service wait; echo $?\n");
  EXPECT_THAT(result.output, HasSubstr("private agents"));
  EXPECT_THAT(result.output, HasSubstr("until there is a service of that name"));
  EXPECT_THAT(result.output, HasSubstr("seconds to wait at most"));
  EXPECT_THAT(result.output, ::testing::EndsWith("\n0\n"));
}

// A server that does not run answers nothing.
TEST(CommandLine, AnAnswerIsNotWaitedForForEver) {
  const RunResult result = run_session(
      "",
      "hello_server >/dev/null & server=$!\n"
      "netbinder service wait hello --timeout 60 >/dev/null\n"
      "kill -STOP $server\n"
      "netbinder ping --timeout 0.2 hello; echo ping $?\n"
      "netbinder interface --timeout 0.2 hello; echo interface $?\n"
      "netbinder service call --timeout 0.2 hello 1; echo call $?\n"
      "kill -CONT $server\n"
      "netbinder ping -c 2 -i 1 hello >/dev/null; echo answered $?\n"
      "kill $server\n");
  EXPECT_THAT(result.output, HasSubstr("no answer in time (--timeout)\nping 1\n"));
  EXPECT_THAT(result.output, HasSubstr("no answer in time (--timeout)\ninterface 1\n"));
  EXPECT_THAT(result.output, HasSubstr("no answer in time (--timeout)\ncall 1\n"));
  EXPECT_THAT(result.output, HasSubstr("answered 0\n"));
}

TEST(Session, ExitsWithTheStatusOfItsCommand) {
  EXPECT_EQ(run_session("", "exit 7").status, 7);
  EXPECT_EQ(run_session("", "kill -KILL $$").status, 137);
}

TEST(Session, GivesEveryHostASocketAndStopsEverythingAtTheEnd) {
  const RunResult result = run_script(
      "out=$(netbinder session --hosts 3 -- bash -c '\n"
      "  echo sockets $NETBINDER_SOCKET_1 $NETBINDER_SOCKET_2 $NETBINDER_SOCKET_3\n"
      "  [ $NETBINDER_SOCKET = $NETBINDER_SOCKET_1 ] && echo first\n"
      "  sleep 300 & echo left $!')\n"
      "echo \"$out\"\n"
      "for s in $(sed -n \"s/^sockets //p\" <<<\"$out\"); do [ -e $s ] && echo still there: $s; "
      "done\n"
      "kill -0 $(sed -n \"s/^left //p\" <<<\"$out\") 2>/dev/null && echo still running\n"
      "exit 0\n");
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.output, HasSubstr("first\n"));
  EXPECT_THAT(result.output, AllOf(Not(HasSubstr("still there")), Not(HasSubstr("still running"))));
}

TEST(Session, TooManyHostsAreRefused) {
  const RunResult result = run_script("netbinder session --hosts 65 -- true\n");
  EXPECT_NE(result.status, 0);
  EXPECT_THAT(result.output, HasSubstr("--hosts"));
}

TEST(Session, MakesTheContextsItIsTold) {
  const RunResult result = run_session("--context alpha,beta --service-manager none",
                                       "netbinder status\n"
                                       "netbinder service list --device /dev/binderfs/alpha\n"
                                       "BINDER_DEVICE=/dev/binder timeout 60 hello_client\n");
  EXPECT_THAT(result.output, HasSubstr("context alpha (cluster): manager none\n"));
  EXPECT_THAT(result.output, HasSubstr("the service manager does not answer: BR_DEAD_REPLY"));
  EXPECT_NE(result.status, 0);
}

TEST(Shim, AMissingAgentIsOneClearLineAndEnxio) {
  const std::string script =
      "export NETBINDER_SOCKET=/nonexistent/agent.sock\n"
      "netbinder run -- python3 -c '\n"
      "import os, errno\n"
      "for i in range(3):\n"
      "  try: os.open(\"/dev/binder\", os.O_RDWR)\n"
      "  except OSError as e: print(errno.errorcode[e.errno])\n"
      "'\n";
  const RunResult loud = run_script(script);
  EXPECT_THAT(loud.output, HasSubstr("ENXIO\nENXIO\nENXIO\n"));
  std::size_t lines = 0;
  for (const char c : loud.output) lines += c == '\n' ? 1 : 0;
  EXPECT_EQ(lines, 4U) << loud.output;
  EXPECT_THAT(loud.output, HasSubstr("/nonexistent/agent.sock"));
  const RunResult quiet = run_script("export NETBINDER_QUIET=1\n" + script);
  EXPECT_EQ(quiet.output, "ENXIO\nENXIO\nENXIO\n");
}

TEST(Service, ListsChecksAndWaits) {
  const RunResult result =
      run_session("--hosts 2",
                  "netbinder service check hello; echo check $?\n"
                  "NETBINDER_SOCKET=$NETBINDER_SOCKET_2 hello_server & netbinder service wait "
                  "hello --timeout 60\n"
                  "netbinder service check hello@host2; netbinder service check hello@host1\n"
                  "netbinder service list --json\n");
  EXPECT_THAT(result.output, HasSubstr("hello: not found\ncheck 1\n"));
  EXPECT_THAT(result.output, HasSubstr("hello@host2: found\nhello@host1: not found\n"));
  EXPECT_THAT(result.output, HasSubstr("\"host\": \"host2\",\n      \"instances\": 1,"));
}

TEST(Service, TheCallersHostIsPreferred) {
  const RunResult result =
      run_session("--hosts 2",
                  "NETBINDER_SOCKET=$NETBINDER_SOCKET_2 binder_probe serve e & far=$!\n"
                  "netbinder service wait e@host2 --timeout 60\n"
                  "binder_probe serve e & near=$!\n"
                  "netbinder service wait e@host1 --timeout 60\n"
                  "[ \"$(binder_probe pid e)\" = \"pid $near\" ] && echo near\n"
                  "[ \"$(binder_probe pid e@host2)\" = \"pid $far\" ] && echo far\n"
                  "kill -KILL $near; wait $near 2>/dev/null\n"
                  "while netbinder service check e@host1 >/dev/null; do :; done\n"
                  "[ \"$(binder_probe pid e)\" = \"pid $far\" ] && echo far again\n");
  EXPECT_THAT(result.output, HasSubstr("near\nfar\n"));
  EXPECT_THAT(result.output, HasSubstr("far again\n"));
}

TEST(Agent, ItsEndIsAnErrorForItsProgramsAndADeathForOthers) {
  const RunResult result =
      run_session("--hosts 2",
                  "NETBINDER_SOCKET=$NETBINDER_SOCKET_2 binder_probe serve e & server=$!\n"
                  "netbinder service wait e --timeout 60\n"
                  "agent=$(netbinder status --json --socket $NETBINDER_SOCKET_2 | sed -n "
                  "'s/.*\"pid\": \\([0-9]*\\).*/\\1/p')\n"
                  "binder_probe watch e | while read -r line; do\n"
                  "  echo \"watch: $line\"; [ \"$line\" = linked ] && kill -TERM $agent\n"
                  "done\n"
                  "wait $server; echo server ended with $?\n");
  EXPECT_THAT(result.output, HasSubstr("watch: dead\n"));
  EXPECT_THAT(result.output, HasSubstr("server ended with 1\n"));
}

TEST(Agent, WhileItPollsProgramsRingNoDoorbell) {
  // Between calls of this size passes more time than agents poll by default.
  const RunResult result = run_session(
      "--busy-poll-us 1000000",
      "netbinder bench --paths local --sizes 1048576 --calls 200 >/dev/null && echo called\n"
      "netbinder status --json | tr -d '\\n ' | sed -E 's/.*\"doorbells\":([0-9]+).*/rung \\1/'\n");
  EXPECT_THAT(result.output, HasSubstr("called\n"));
  const std::size_t place = result.output.find("rung ");
  ASSERT_NE(place, std::string::npos) << result.output;
  // The programs' first requests ring in any case.
  EXPECT_LT(std::stoi(result.output.substr(place + 5)), 50) << "of 600 requests and more";
}

TEST(Agent, AnAgentThatNeverPollsServesAsWell) {
  const RunResult result =
      run_session("--busy-poll-us 0 --hosts 2",
                  "netbinder bench --sizes 64 --calls 300 >/dev/null && echo called\n");
  EXPECT_THAT(result.output, HasSubstr("called\n"));
}

TEST(Agent, PayloadsGoThroughSharedMemoryWhereItMayNotReadProgramsMemory) {
  if (::geteuid() != 0) {
    FAIL() << "NOT RUN: starting an agent as another user needs root";
  }
  const RunResult result = run_script(
      "d=$(mktemp -d); chmod 755 $d; mkdir $d/run; chown 65534:65534 $d/run\n"
      "printf 'socket = \"%s\"\\nlog_level = \"error\"\\n' $d/run/agent.sock > $d/agent.toml\n"
      "chmod 644 $d/agent.toml\n"
      "setpriv --reuid 65534 --regid 65534 --clear-groups netbinderd --config $d/agent.toml & "
      "agent=$!\n"
      "export NETBINDER_SOCKET=$d/run/agent.sock\n"
      "until netbinder status >/dev/null 2>&1; do kill -0 $agent || exit 9; done\n"
      "netbinder run -- binder_probe serve e & server=$!\n"
      "netbinder service wait e --timeout 60\n"
      "netbinder run -- binder_probe echo e 0 64 4096 1000000\n"
      "netbinder run -- binder_probe callback e\n"
      "netbinder status --json | grep bytes_read\n"
      "kill -KILL $server; kill -TERM $agent; wait $agent; rm -r $d\n");
  EXPECT_THAT(result.output, HasSubstr("echo 1000000 ok\n"));
  EXPECT_THAT(result.output, HasSubstr("callback ok\n"));
  EXPECT_THAT(result.output, Not(HasSubstr("\"bytes_read\": 0,")));
}

TEST(Bench, PrintsARowForEachPathAndSize) {
  const RunResult result =
      run_script("netbinder bench --sizes 64,4096 --calls 200 --seconds 1 --json\n");
  EXPECT_EQ(result.status, 0) << result.output;
  for (const char* path : {"unix socket", "local", "cross-host"}) {
    EXPECT_THAT(result.output, HasSubstr(std::string("\"path\": \"") + path + "\""));
  }
}

TEST(Daemon, PrintsItsEffectiveConfigurationAndNamesWhatIsWrongInABadOne) {
  const RunResult good = run_script("netbinderd --check\n");
  EXPECT_EQ(good.status, 0);
  EXPECT_THAT(good.output, HasSubstr("vndbinder"));
  const RunResult bad = run_script(
      "f=$(mktemp --suffix .toml); printf 'cluster = \"c\"\\nsockett = \"x\"\\n' > $f\n"
      "netbinderd --config $f --check; s=$?; rm $f; exit $s\n");
  EXPECT_EQ(bad.status, 2);
  EXPECT_THAT(bad.output, AllOf(HasSubstr(".toml:2:"), HasSubstr("sockett")));
}

TEST(Freeze, AProgramOfAnotherHostIsFrozenAndThawed) {
  const RunResult result = run_session("--hosts 2", R"script(
NETBINDER_SOCKET=$NETBINDER_SOCKET_2 hello_server >/dev/null & server=$!
netbinder service wait hello --timeout 60 >/dev/null
netbinder freeze host2 $server; echo "frozen $?"
netbinder ping hello -c 1
netbinder freeze host2 $server --thaw; echo "thawed $?"
netbinder ping hello -c 1 >/dev/null && echo answered
netbinder freeze host1 $server
netbinder freeze host3 1
NETBINDER_SOCKET=$NETBINDER_SOCKET_2 netbinder freeze host2 $server --timeout 100; echo "from there $?"
kill $server
)script");
  EXPECT_THAT(result.output, HasSubstr("frozen 0\n"));
  EXPECT_THAT(result.output, HasSubstr("the process that it is for is frozen"));
  EXPECT_THAT(result.output, HasSubstr("thawed 0\nanswered\n"));
  EXPECT_THAT(result.output, HasSubstr(" of host1 has a binder device open\n"));
  EXPECT_THAT(result.output, HasSubstr("there is no host host3, or it cannot be reached\n"));
  EXPECT_THAT(result.output, HasSubstr("from there 0\n"));
}

}  // namespace
}  // namespace netbinder::testing
