// SPDX-License-Identifier: Apache-2.0
//
// An operator's policy about /dev/hwbinder, as HIDL programs of another user meet it, here and on
// another host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/e2e/policy_rules.h"
#include "tests/e2e/session_run.h"

namespace netbinder::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// `begin NAME USER HOST COMMAND` has hidl_probe run as that user (0: root) on that host, until the
// script ends; it returns when the probe has printed its first line.
constexpr const char* kBeginAsUser = R"script(
begun=
on_2() { NETBINDER_SOCKET=$NETBINDER_SOCKET_2 "$@"; }
become() { exec setpriv --reuid $1 --regid $1 --clear-groups "${@:2}"; }
begin() {
  local file=$d/$1 socket=$NETBINDER_SOCKET
  [ $3 = 2 ] && socket=$NETBINDER_SOCKET_2
  NETBINDER_SOCKET=$socket become $2 hidl_probe "${@:4}" >$file 2>&1 & begun="$begun $!"
  until [ -s $file ]; do sleep 0.01; done
  echo "$1: $(head -n 1 $file)"
}
on_1() { "$@"; }
listed() { until on_$1 hidl_probe list | grep -q "$2"; do sleep 0.01; done; }
trap 'kill $begun 2>/dev/null' EXIT
# The agents' log does not come between these lines.
together() { "$@" >$d/lines 2>&1; cat $d/lines; }
)script";

class HidlPolicy : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) FAIL() << "NOT RUN: being several users needs root";
  }
  static RunResult run(const std::string& script) {
    return run_session("--hosts 2", std::string(kRules) + kBeginAsUser + script);
  }
};

// A service is added with all its interfaces, or not at all.
TEST_F(HidlPolicy, DeniesAdding) {
  const RunResult result = run(R"script(
rules '[[policy]]
context = "hwbinder"
deny = ["add"]
who = ["uid:4711"]
names = ["vendor.foo@1.1::*", "*/legacy/0"]'
begin here 4711 1 add default
begin there 4711 2 add default
begin chain 4711 1 add_chain legacy/0
begin free 4711 1 add_chain legacy/1
begin root 0 1 add default
listed 2 vendor.foo@1.1::IFoo/default
hidl_probe list
failed
)script");
  EXPECT_THAT(result.output, HasSubstr("here: added: 0\n"));
  EXPECT_THAT(result.output, HasSubstr("there: added: 0\n"));
  EXPECT_THAT(result.output, HasSubstr("chain: added: 0\n"));
  EXPECT_THAT(result.output, HasSubstr("free: added: 1\n"));
  EXPECT_THAT(result.output, HasSubstr("root: added: 1\n"));
  EXPECT_THAT(result.output,
              HasSubstr("status 0, 3: vendor.bar@2.0::IBar/legacy/1 "
                        "vendor.foo@1.0::IFoo/default vendor.foo@1.1::IFoo/default\n"));
  EXPECT_THAT(result.output, HasSubstr("(policy denies registering the name, rule 1)"));
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("policy denies uid 4711 (pid "),
                    HasSubstr(") to add \"vendor.foo@1.1::IFoo/default\" in context hwbinder: "
                              "rule 1")));
}

TEST_F(HidlPolicy, DeniesFindingAndLeavesOutOfLists) {
  const RunResult result = run(R"script(
begin server 0 1 add default
listed 2 vendor.foo@1.1::IFoo/default
rules '[[policy]]
deny = ["find"]
who = ["uid:4711"]
names = ["vendor.foo@1.1::*"]'
look() {
  echo $where
  $where hidl_probe get vendor.foo@1.1::IFoo default
  $where hidl_probe get vendor.foo@1.1::IFoo none
  $where hidl_probe get vendor.foo@1.0::IFoo default
  $where hidl_probe transport vendor.foo@1.1::IFoo default
  $where hidl_probe list
  $where hidl_probe list vendor.foo@1.1::IFoo
  $where hidl_probe dump
}
for where in as there; do together look; done
root() { echo root; on_2 hidl_probe get vendor.foo@1.1::IFoo default; on_2 hidl_probe list; }
together root
failed
)script");
  const std::string seen =
      "status 0, nothing\nstatus 0, nothing\nstatus 0, a handle\ntransport 0\n"
      "status 0, 1: vendor.foo@1.0::IFoo/default\nstatus 0, 0:\n"
      "status 0, 1: vendor.foo@1.0::IFoo/default\n";
  EXPECT_THAT(result.output, HasSubstr("as\n" + seen));
  EXPECT_THAT(result.output, HasSubstr("there\n" + seen));
  EXPECT_THAT(result.output, HasSubstr("root\nstatus 0, a handle\nstatus 0, 2: "));
  EXPECT_THAT(result.output, HasSubstr("(policy denies finding the name, rule 1)"));
}

TEST_F(HidlPolicy, ListenersHearOfWhatTheyMayFind) {
  const RunResult result = run(R"script(
rules '[[policy]]
deny = ["find"]
who = ["uid:4711"]
names = ["vendor.foo@1.1::IFoo/default"]'
begin one 4711 1 watch vendor.foo@1.1::IFoo default
begin all 4711 1 watch vendor.foo@1.1::IFoo
begin all_there 4711 2 watch vendor.foo@1.1::IFoo
begin root 0 2 watch vendor.foo@1.1::IFoo default
begin default 0 1 add default
begin free 0 1 add free
heard() { for each in all all_there root; do until grep notified $d/$each; do sleep 0.01; done; done; }
together heard
together as hidl_probe watch vendor.foo@1.1::IFoo
)script");
  EXPECT_THAT(result.output, HasSubstr("one: watching: 0\n"));
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("all: watching: 1\n"), HasSubstr("all_there: watching: 1\n")));
  const std::string heard = "notified: vendor.foo@1.1::IFoo free is new\n";
  EXPECT_THAT(result.output,
              HasSubstr(heard + heard + "notified: vendor.foo@1.1::IFoo default is new\n"));
  EXPECT_THAT(result.output,
              HasSubstr("watching: 1\nnotified: vendor.foo@1.1::IFoo free was there\n"));
}

TEST_F(HidlPolicy, DeniesCallsAndManaging) {
  const RunResult result = run(R"script(
begin server 0 1 add default
listed 2 vendor.foo@1.1::IFoo/default
rules '[[policy]]
context = "hwbinder"
deny = ["call", "manage"]
who = ["uid:4711"]'
calls() {
  as hidl_probe ping vendor.foo@1.0::IFoo default; echo here $?
  there hidl_probe ping vendor.foo@1.0::IFoo default; echo there $?
  on_2 hidl_probe ping vendor.foo@1.1::IFoo default; echo root $?
}
together calls
as service_manager /dev/hwbinder; echo manager $?
there service_manager /dev/hwbinder; echo manager there $?
failed
)script");
  EXPECT_THAT(result.output, HasSubstr("failed\nhere 1\nfailed\nthere 1\nanswered: 0\nroot 0\n"));
  EXPECT_THAT(result.output, AllOf(HasSubstr("manager 1\n"), HasSubstr("manager there 1\n")));
  EXPECT_THAT(result.output, HasSubstr("(policy denies the call, rule 1)"));
  EXPECT_THAT(result.output, HasSubstr("(policy denies managing the context, rule 1)"));
  EXPECT_THAT(result.output, Not(HasSubstr("managing /dev/hwbinder")));
}

}  // namespace
}  // namespace netbinder::testing
