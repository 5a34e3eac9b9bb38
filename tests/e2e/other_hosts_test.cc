// SPDX-License-Identifier: Apache-2.0
//
// Commands that ask the agents of other hosts through the cluster: --host and --all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/e2e/session_run.h"

namespace netbinder::testing {
namespace {

using ::testing::HasSubstr;

TEST(OtherHosts, AreAskedThroughTheCluster) {
  const RunResult result = run_session("--hosts 3", R"(
NETBINDER_SOCKET=$NETBINDER_SOCKET_2 hello_server &
netbinder service wait hello --timeout 20
netbinder status --host host2
echo one: $(netbinder status --host host2 --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["host"])')
echo all: $(netbinder status --all --json | python3 -c 'import json, sys; print(sorted(json.load(sys.stdin)))')
netbinder status --all | grep '^=== '
netbinder status --users --host host3 | head -1
hello_client >/dev/null
netbinder log --host host2
netbinder state --host host2 | grep -c '^proc '
netbinder status --host nowhere; echo status $?
netbinder status --host host2 --all; echo status $?
kill %1
)");
  EXPECT_THAT(result.output, HasSubstr("host host2 of cluster"));
  EXPECT_THAT(result.output, HasSubstr("\none: host2\n"));
  EXPECT_THAT(result.output, HasSubstr("\nall: ['host1', 'host2', 'host3']\n"));
  EXPECT_THAT(result.output, HasSubstr("\n=== host1\n=== host2\n=== host3\n"));
  EXPECT_THAT(result.output, HasSubstr("        user   processes"));
  EXPECT_THAT(result.output, HasSubstr(" @host1 ")) << "host 2's log has the call";
  EXPECT_THAT(result.output, HasSubstr(" pid(")) << "a pid of another host has no name here";
  EXPECT_THAT(result.output,
              HasSubstr("nowhere: the agent refuses: the cluster has no host of that name\nstatus 1\n"));
  EXPECT_THAT(result.output, HasSubstr("--host excludes --all\n"));
}

TEST(OtherHosts, AreShownLive) {
  const RunResult result = run_session("--hosts 3", R"(
NETBINDER_SOCKET=$NETBINDER_SOCKET_2 hello_server &
netbinder service wait hello --timeout 20
top="netbinder top --once --interval 0.1 --timeout 60"
$top --host host2 | head -1
echo one: $($top --host host2 --json | python3 -c '
import json, sys
page = json.load(sys.stdin)
print(page["host"], [each["program"] for each in page["processes"] if each["program"] == "hello_server"])')
echo all: $($top --all --json | python3 -c 'import json, sys; print(sorted(json.load(sys.stdin)))')
$top --all | grep -o '^netbinder top: host [^ ]* '
$top --host nowhere; echo status $?
kill %1
)");
  EXPECT_THAT(result.output, HasSubstr("netbinder top: host host2 of cluster"));
  EXPECT_THAT(result.output, HasSubstr("\none: host2 ['hello_server']\n"))
      << "that host's agent knows the names of its programs";
  EXPECT_THAT(result.output, HasSubstr("\nall: ['host1', 'host2', 'host3']\n"));
  EXPECT_THAT(result.output, HasSubstr("\nnetbinder top: host host1 \nnetbinder top: host host2 \n"
                                       "netbinder top: host host3 \n"));
  EXPECT_THAT(result.output,
              HasSubstr("the agent refuses: the cluster has no host of that name\nstatus 1\n"));
}

TEST(OtherHosts, OneThatIsNotConnectedIsToldAndTheOthersAreShown) {
  const RunResult result = run_session("--hosts 2", R"(
far=$(netbinder status --host host2 --json | sed -n 's/^  "pid": \([0-9]*\),$/\1/p')
kill -STOP $far
netbinder status --all --timeout 2 >shown 2>told; echo status $?
kill -CONT $far
grep '^=== ' shown; cat told; rm shown told
kill -STOP $far
netbinder top --all --once --interval 0.1 --timeout 6 >shown; echo status $?
kill -CONT $far
grep -o '^netbinder top: host [^ ]*' shown; rm shown
)");
  EXPECT_THAT(result.output, HasSubstr("status 1\n=== host1\nnetbinder: host2: "));
  EXPECT_THAT(result.output,
              HasSubstr("status 1\nnetbinder top: host host1\nnetbinder top: host host2:\n"));
}

TEST(OtherHosts, WhatChangesAnAgentIsForItsOwnHost) {
  const RunResult result = run_session("--hosts 2", R"(
python3 - <<'END'
import json, os, socket
def ask(request):
  s = socket.socket(socket.AF_UNIX)
  s.connect(os.environ['NETBINDER_SOCKET'] + '.admin')
  s.sendall(json.dumps(request).encode() + b'\n')
  return json.loads(s.makefile().readline())
for request in ({'command': 'reload', 'host': 'host2'}, {'command': 'record_calls', 'host': 'host2'},
                {'command': 'status', 'host': 7}, {'command': 'nonsense', 'host': 'host2'}):
  print(request['command'], ask(request))
print('here', ask({'command': 'status', 'host': 'host1'})['host'])
END
)");
  EXPECT_THAT(result.output,
              HasSubstr("reload {'error': 'that can be asked on the host itself only'}\n"));
  EXPECT_THAT(result.output,
              HasSubstr("record_calls {'error': 'that can be asked on the host itself only'}\n"));
  EXPECT_THAT(result.output, HasSubstr("status {'error': '\"host\" is the name of a host'}\n"));
  EXPECT_THAT(result.output, HasSubstr("nonsense {'error': 'unknown command: nonsense'}\n"));
  EXPECT_THAT(result.output, HasSubstr("here host1\n"));
}

}  // namespace
}  // namespace netbinder::testing
