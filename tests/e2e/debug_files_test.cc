// SPDX-License-Identifier: Apache-2.0
//
// The driver's debug files, from the command and at the paths where programs look for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/session_run.h"

namespace netbinder::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

constexpr const char* kServe =
    "hello_server & until netbinder service check hello >/dev/null 2>&1; do :; done\n";

std::string served(const std::string& script) {
  return "cd \"$(mktemp -d)\"\n" + std::string(kServe) + script + "\nkill %1; rm -r \"$PWD\"\n";
}

TEST(DebugFiles, TheCommandShowsWhatTheFileHolds) {
  const RunResult result = run_session(
      "", served("netbinder state >a; netbinder run -- cat /sys/kernel/debug/binder/state >b\n"
                 "netbinder run -- cat /dev/binderfs/binder_logs/state >c\n"
                 "cmp a b && cmp b c && echo same\n"
                 "head -1 a; grep -c '^proc ' a"));
  EXPECT_THAT(result.output, HasSubstr("same\nbinder state:\n"));
}

TEST(DebugFiles, EveryFileCanBeRead) {
  const RunResult result = run_session(
      "",
      served(
          "hello_client >/dev/null\n"
          "for f in state stats transactions transaction_log failed_transaction_log proc/$!; do\n"
          "  netbinder run -- sh -c \"[ -r /dev/binderfs/binder_logs/$f ] && head -1 <"
          "/dev/binderfs/binder_logs/$f\" || echo \"missing $f\"\n"
          "done\n"
          "netbinder run -- cat /dev/binderfs/binder_logs/proc/1 "
          "/dev/binderfs/binder_logs/other /sys/kernel/debug/binder/state/x\n"
          "netbinder run -- sh -c 'echo x >/dev/binderfs/binder_logs/state'\n"));
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("binder state:\n"), HasSubstr("binder stats:\n"),
                    HasSubstr("binder transactions:\n"), HasSubstr(" context binder node "),
                    HasSubstr("binder proc state:\n"), Not(HasSubstr("missing"))));
  EXPECT_THAT(result.output, HasSubstr("proc/1: No such file or directory"));
  EXPECT_THAT(result.output, HasSubstr("other: No such file or directory"));
  EXPECT_THAT(result.output, HasSubstr("state/x: No such file or directory"));
  EXPECT_THAT(result.output, HasSubstr("Permission denied"));
}

TEST(DebugFiles, DirectoriesAreListed) {
  const RunResult result = run_session(
      "",
      served("netbinder run -- ls /dev/binderfs /dev/binderfs/features /sys/kernel/debug/binder\n"
             "netbinder run -- sh -c 'echo pids /dev/binderfs/binder_logs/proc/*'\n"
             "echo server $!\n"
             "netbinder run -- ls -l /dev/binderfs/binder_logs/proc | grep -c '^-r--r--r--'\n"
             "netbinder run -- ls / >/dev/null && echo others as ever\n"));
  EXPECT_THAT(result.output, HasSubstr("/dev/binderfs:\nbinder\nbinder-control\nbinder_logs\n"
                                       "features\nhwbinder\nvndbinder\n"));
  EXPECT_THAT(result.output, HasSubstr("/dev/binderfs/features:\nextended_error\n"
                                       "freeze_notification\noneway_spam_detection\n"));
  EXPECT_THAT(result.output,
              HasSubstr("/sys/kernel/debug/binder:\nfailed_transaction_log\nproc\nstate\nstats\n"
                        "transaction_log\ntransactions\n"));
  const std::size_t server = result.output.find("server ") + 7;
  const std::string pid = result.output.substr(server, result.output.find('\n', server) - server);
  EXPECT_THAT(result.output, HasSubstr("/dev/binderfs/binder_logs/proc/" + pid));
  EXPECT_THAT(result.output, HasSubstr("\n2\nothers as ever\n"));  // the server and the agent
}

TEST(DebugFiles, AsJsonTheyAreWhatProgramsCanRead) {
  const RunResult result =
      run_session("", served("for c in state stats transactions log 'log --failed'; do\n"
                             "  netbinder $c --json >json && python3 -c '\n"
                             "import json\n"
                             "view = json.load(open(\"json\"))\n"
                             "print(sorted(view))\n"
                             "for p in view.get(\"processes\", []): print(p[\"context\"])\n"
                             "'\n"
                             "done"));
  EXPECT_THAT(result.output, HasSubstr("['dead_nodes', 'processes']\n"));
  EXPECT_THAT(result.output, HasSubstr("['commands', 'objects', 'processes']\n"));
  EXPECT_THAT(result.output, HasSubstr("['entries']\n['entries']\n"));
  EXPECT_THAT(result.output, HasSubstr("\nhwbinder\n"));
}

TEST(DebugFiles, AFailedCallIsInTheLogWithItsCause) {
  const RunResult result = run_session("--service-manager none",
                                       "netbinder service list >/dev/null 2>&1\n"
                                       "netbinder log --failed\n"
                                       "netbinder log --failed --kernel\n"
                                       "netbinder log --failed --json");
  EXPECT_THAT(result.output,
              HasSubstr("BR_DEAD_REPLY (EINVAL): its object is dead, or there is no manager\n"));
  EXPECT_THAT(result.output, HasSubstr(" context binder node 0 handle 0 "));
  EXPECT_THAT(result.output, HasSubstr(" ret 29189/-22 l="));
  EXPECT_THAT(result.output, HasSubstr("\"command\": \"BR_DEAD_REPLY\""));
}

TEST(DebugFiles, ACallIsFollowedAcrossHosts) {
  const RunResult result = run_session(
      "--hosts 2",
      "export FAR=$NETBINDER_SOCKET_2\n"
      "NETBINDER_SOCKET=$FAR hello_server &\n"
      "until netbinder service check hello >/dev/null 2>&1; do :; done\n"
      "hello_client >/dev/null\n"
      "echo here; netbinder log; netbinder state; echo there; netbinder log --socket $FAR\n"
      "netbinder state --socket $FAR; kill %1\n");
  const std::size_t there = result.output.find("\nthere\n");
  ASSERT_NE(there, std::string::npos) << result.output;
  const std::string here = result.output.substr(0, there);
  EXPECT_THAT(here, HasSubstr(" @host2 "));
  EXPECT_THAT(result.output.substr(there), HasSubstr(" @host1 "));
  EXPECT_THAT(result.output.substr(there), HasSubstr(" hello_server("));
}

}  // namespace
}  // namespace netbinder::testing
