// SPDX-License-Identifier: Apache-2.0
//
// Unmodified programs on one host and across two. Each case's server is on the host that the
// placement gives, its client on host 1.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

#include "tests/e2e/session_run.h"

namespace netbinder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Placement {
  const char* name;
  const char* options;
  const char* server_socket;
  friend void PrintTo(const Placement& placement, std::ostream* out) { *out << placement.name; }
};

class Programs : public ::testing::TestWithParam<Placement> {
 protected:
  RunResult run(const std::string& script) {
    const std::string socket = GetParam().server_socket;
    return run_session(GetParam().options,
                       "on_server() { NETBINDER_SOCKET=" + socket + " \"$@\"; }\n" +
                           "start() { NETBINDER_SOCKET=" + socket + " \"$@\" & server=$!; }\n" +
                           "ready() { netbinder service wait \"$1\" --timeout 60 >/dev/null; }\n" +
                           script);
  }
};

TEST_P(Programs, HelloIsAnswered) {
  const RunResult result =
      run("start hello_server; ready hello\n"
          "hello_client netbinder\n");
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.output, HasSubstr("sayhello: 1\n"));
  EXPECT_THAT(result.output, HasSubstr("hello, netbinder"));
}

TEST_P(Programs, HelloIsAnsweredThroughAServiceManagerProgram) {
  const RunResult result =
      run("service_manager & until netbinder status | grep -q 'binder (cluster): manager pid'; do "
          ":; done\n"
          "start hello_server; hello_client netbinder\n"
          "on_server service_manager || echo second manager refused\n");
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.output, HasSubstr("\"hello\" registered"));
  EXPECT_THAT(result.output, HasSubstr("hello, netbinder"));
  EXPECT_THAT(result.output, HasSubstr("second manager refused"));
}

TEST_P(Programs, PayloadsOfAnySizeArriveByteForByte) {
  const RunResult result =
      run("start binder_probe serve e; ready e\n"
          "binder_probe echo e 0 1 64 4096 65536 262144 1000000 1048576\n");
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.output, HasSubstr("echo 0 ok\necho 1 ok\necho 64 ok\necho 4096 ok\n"
                                       "echo 65536 ok\necho 262144 ok\necho 1000000 ok\n"
                                       "echo 1048576 ok\n"));
}

TEST_P(Programs, OnewayCallsArriveInOrderAndNoneIsLost) {
  const RunResult result =
      run("start binder_probe serve e; ready e\n"
          "binder_probe oneway e 500\n");
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.output, HasSubstr("oneway 500 received 500 in order 500\n"));
}

TEST_P(Programs, TheServerCallsBackWhileTheClientWaits) {
  const RunResult result =
      run("start binder_probe serve e; ready e\n"
          "binder_probe callback e\n");
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.output, HasSubstr("callback ok\n"));
}

TEST_P(Programs, AHandleIsPassedOnToAThirdProcess) {
  // `via` is on host 1; whoever takes the handle from it is a fourth process.
  const RunResult result =
      run("start binder_probe serve e; binder_probe serve via & ready e && ready via\n"
          "binder_probe pass e via && binder_probe take via && on_server binder_probe take via\n");
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.output, HasSubstr("passed e to via\n"));
  EXPECT_THAT(result.output, HasSubstr("echo 64 ok\n"));
}

TEST_P(Programs, AHandleThatComesHomeIsTheObjectItself) {
  const RunResult result =
      run("start binder_probe serve e; binder_probe serve via & ready e && ready via\n"
          "binder_probe home e && binder_probe home e via\n");
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.output, HasSubstr("home ok\n"));
}

TEST_P(Programs, AKilledServerIsADeadBinder) {
  const RunResult result =
      run("start binder_probe serve e; ready e\n"
          "binder_probe watch e | while read -r line; do\n"
          "  echo \"watch: $line\"; [ \"$line\" = linked ] && kill -KILL $server\n"
          "done\n"
          "netbinder service check e\n");
  EXPECT_THAT(result.output, HasSubstr("watch: linked\n"));
  EXPECT_THAT(result.output, HasSubstr("watch: dead\n"));
  EXPECT_THAT(result.output, HasSubstr("e: not found\n"));
}

TEST_P(Programs, TheCallInFlightToAKilledServerIsADeadReply) {
  const RunResult result =
      run("start binder_probe serve e; ready e\n"
          "binder_probe call-until-dead e 60000 | while read -r line; do\n"
          "  echo \"call: $line\"; [ \"$line\" = calling ] && kill -KILL $server\n"
          "done\n");
  EXPECT_THAT(result.output, HasSubstr("call: BR_DEAD_REPLY\n"));
}

TEST_P(Programs, AServerThatExitsInsteadOfReplyingIsADeadReply) {
  const RunResult result =
      run("start binder_probe serve e; ready e\n"
          "binder_probe die e\n");
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.output, HasSubstr("BR_DEAD_REPLY\n"));
}

TEST_P(Programs, PingPrintsRoundTrips) {
  const RunResult result =
      run("start hello_server; ready hello\n"
          "netbinder ping hello --count 3 --interval 1\n"
          "netbinder ping nobody --count 1\n");
  EXPECT_THAT(result.output, HasSubstr("3 calls: min "));
  EXPECT_THAT(result.output, HasSubstr("netbinder: no service is named nobody\n"));
  EXPECT_EQ(result.status, 1);
}

TEST_P(Programs, NothingIsLeftWhenAllProgramsAreGone) {
  const RunResult result = run(
      // The counts of every host when there are only the built-in managers, and they know each
      // other. (But not their threads: a manager keeps one for each host that it has called.)
      "counts() { for s in ${!NETBINDER_SOCKET_*}; do\n"
      "  netbinder status --json --socket ${!s} | sed -n '/\"counts\"/,/}/{/threads/!p}'; done | "
      "tr -d ' \\n'; }\n"
      "settled() { for i in $(seq 3000); do [ \"$(counts)\" = \"$1\" ] && return 0; done; return 1; "
      "}\n"
      "before=$(counts); until settled \"$before\"; do before=$(counts); done\n"
      "start binder_probe serve e; first=$server; start binder_probe serve via; ready e && ready "
      "via\n"
      "binder_probe pass e via && binder_probe take via && binder_probe callback e\n"
      "binder_probe oneway e 20\n"
      "[ \"$(counts)\" != \"$before\" ] && echo something was there\n"
      "kill -KILL $first $server\n"
      "settled \"$before\" && echo nothing is left || { echo before \"$before\"; echo after "
      "$(counts); }\n");
  EXPECT_THAT(result.output, HasSubstr("something was there\n"));
  EXPECT_THAT(result.output, HasSubstr("nothing is left\n")) << result.output;
}

// A MiB from host 1 to host 2: the sender's agent copies it once, out of the program; the
// receiver's reads it from the socket into the target's arena.
TEST(TwoHosts, APayloadIsCopiedOnceAndOnlyByTheSendersAgent) {
  const RunResult result = run_session(
      "--hosts 2",
      "copied() { netbinder status --socket \"$1\" | sed -nE 's/.*payload_bytes_copied "
      "([0-9]+).*/\\1/p'; }\n"
      "NETBINDER_SOCKET=$NETBINDER_SOCKET_2 binder_probe serve e & \n"
      "netbinder service wait e --timeout 60 >/dev/null\n"
      "one=$(copied $NETBINDER_SOCKET_1) two=$(copied $NETBINDER_SOCKET_2)\n"
      "binder_probe sum e 1000000\n"
      "one=$(($(copied $NETBINDER_SOCKET_1) - one)) two=$(($(copied $NETBINDER_SOCKET_2) - two))\n"
      "echo \"copied $one and $two\"\n"
      "((one >= 1000000 && one < 1010000)) && ((two < 10000)) && echo as it should be\n");
  EXPECT_THAT(result.output, HasSubstr("as it should be\n")) << result.output;
}

INSTANTIATE_TEST_SUITE_P(Placements, Programs,
                         ::testing::Values(Placement{"OneHost", "--hosts 1", "$NETBINDER_SOCKET_1"},
                                           Placement{"TwoHosts", "--hosts 2",
                                                     "$NETBINDER_SOCKET_2"}),
                         [](const auto& placement) { return placement.param.name; });

TEST(ThreeHosts, AHandleIsHandedFromHostToHostAndOutlivesWhoPassedIt) {
  const RunResult result = run_session(
      "--hosts 3",
      "on() { local n=NETBINDER_SOCKET_$1; shift; NETBINDER_SOCKET=${!n} \"$@\"; }\n"
      "on 2 binder_probe serve e & on 3 binder_probe serve via &\n"
      "netbinder service wait e --timeout 60 && netbinder service wait via --timeout 60\n"
      "binder_probe pass e via\n"
      "on 1 binder_probe take via && on 2 binder_probe take via && on 3 binder_probe take via\n"
      "on 3 binder_probe home e via\n");
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("home ok\n"));
}

}  // namespace
}  // namespace netbinder::testing
