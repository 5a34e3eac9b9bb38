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
netbinder service wait hello --timeout 60
netbinder status --host host2
echo one: $(netbinder status --host host2 --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["host"])')
echo all: $(netbinder status --all --json | python3 -c 'import json, sys; print(sorted(json.load(sys.stdin)))')
netbinder status --all | grep '^=== '
netbinder status --users --host host3 | head -1
hello_client >/dev/null
netbinder log --host host2
netbinder state --host host2 | grep -c '^proc '
netbinder status --host nowhere; echo status $?
echo "as JSON: [$(netbinder status --host nowhere --json 2>/dev/null)]"
third=$(NETBINDER_SOCKET=$NETBINDER_SOCKET_3 netbinder status | grep -o 'agent pid [0-9]*' | grep -o '[0-9]*$')
kill -STOP $third
echo with a silent one: $(netbinder status --all --json --timeout 6 2>/dev/null |
  python3 -c 'import json, sys; print([list(each) == ["error"] for _, each in sorted(json.load(sys.stdin).items())])')
kill -CONT $third
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
  EXPECT_THAT(result.output, HasSubstr("\nas JSON: []\n"));
  EXPECT_THAT(result.output, HasSubstr("\nwith a silent one: [False, False, True]\n"));
  EXPECT_THAT(result.output, HasSubstr("--host excludes --all\n"));
}

TEST(OtherHosts, AreShownLive) {
  const RunResult result = run_session("--hosts 3", R"(
NETBINDER_SOCKET=$NETBINDER_SOCKET_2 hello_server &
netbinder service wait hello --timeout 60
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

TEST(OtherHosts, TheirCallsAreFollowed) {
  const RunResult result = run_session("--hosts 2", R"(
NETBINDER_SOCKET=$NETBINDER_SOCKET_2 binder_probe serve two &
netbinder service wait two --timeout 60
cd $(mktemp -d)
# Of a call that was under way when recording began it is not known how long it took: the next ones count.
netbinder monitor binder_probe --json --seconds 60 --host host2 --count 3 >followed & monitor=$!
while kill -0 $monitor 2>/dev/null; do binder_probe echo two 64 >/dev/null; done
wait $monitor; echo status $?
echo far: $(python3 -c '
import json
call = json.loads(open("followed").readlines()[-1])
print(call["from"]["host"], call["to"]["program"], call["result"], call["duration_us"] > 0)')
# Both ends of a call are seen, each on its host.
netbinder monitor binder_probe --json --seconds 60 --all >followed & monitor=$!
until grep -q '"host":"host1","interface"' followed && grep -q '"host":"host2","interface"' followed; do
  kill -0 $monitor || break
  binder_probe echo two 64 >/dev/null
done
kill -INT $monitor; wait $monitor; echo both: $?
netbinder monitor --host host2 --seconds 1 --json >followed
echo asked: $(python3 -c '
import json
calls = [json.loads(line) for line in open("followed")]
print([call for call in calls if call["oneway"] and call["code"] in (10, 11, 12)])')
netbinder monitor --host nowhere --seconds 1; echo status $?
rm -r "$PWD"
kill %1
)");
  EXPECT_THAT(result.output, HasSubstr("status 0\nfar: host1 binder_probe ok True\n"));
  EXPECT_THAT(result.output, HasSubstr("both: 0\n"));
  EXPECT_THAT(result.output, HasSubstr("asked: []\n")) << "it does not see its own questions";
  EXPECT_THAT(
      result.output,
      HasSubstr("nowhere: the agent refuses: the cluster has no host of that name\nstatus 1\n"));
}

TEST(OtherHosts, AHostThatIsLostEndsItsPartOfWhatIsFollowed) {
  const RunResult result = run_session("--hosts 2", R"(
far=$(netbinder status --host host2 --json | sed -n 's/^  "pid": \([0-9]*\),$/\1/p')
cd $(mktemp -d)
netbinder trace --host host2 --seconds 60 -o trace.json >said 2>told & tracer=$!
until netbinder status --host host2 --json | grep -q '"records_calls": true'; do kill -0 $tracer || break; done
kill -STOP $far
wait $tracer; echo status $?
kill -CONT $far
cat said told | grep -o '^[0-9]* calls on 1 host\|its recording ends here'
python3 -c 'import json; print("a file of", len(json.load(open("trace.json"))["otherData"]["clocks"]))'
rm -r "$PWD"
)");
  EXPECT_THAT(result.output, HasSubstr("status 1\n"));
  EXPECT_THAT(result.output, HasSubstr(" calls on 1 host\nits recording ends here\na file of 1\n"));
}

TEST(OtherHosts, OneThatIsNotConnectedIsToldAndTheOthersAreShown) {
  const RunResult result = run_session("--hosts 2", R"(
far=$(netbinder status --host host2 --json | sed -n 's/^  "pid": \([0-9]*\),$/\1/p')
kill -STOP $far
netbinder status --all --timeout 6 >shown 2>told; echo status $?
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
