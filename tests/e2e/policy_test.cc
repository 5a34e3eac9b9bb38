// SPDX-License-Identifier: Apache-2.0
//
// An operator's policy, taken over by agents that run, and what programs
// of another user, here and on another host, then meet.
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

constexpr const char* kServeAsUser = R"script(
hello_server & server=$!
netbinder service wait hello --timeout 60 >/dev/null
NETBINDER_SOCKET=$NETBINDER_SOCKET_2 netbinder service wait hello --timeout 60 >/dev/null
)script";

RunResult run_with_rules(const std::string& script) {
  return run_session("--hosts 2", std::string(kRules) + kServeAsUser + script + "\nkill $server\n");
}

class Policy : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) FAIL() << "NOT RUN: being several users needs root";
  }
};

TEST_F(Policy, DeniesCallsHereAndFromAnotherHost) {
  const RunResult result = run_with_rules(R"script(
as hello_client before
rules '[[policy]]
deny = ["call"]
who = ["uid:4711"]
names = ["hel*"]'
as hello_client here
there hello_client there
hello_client root
failed
rules '[[policy]]
deny = ["call"]
who = ["uid:4711@host2"]'
as hello_client again
there hello_client still
)script");
  EXPECT_THAT(result.output, HasSubstr("hello, before"));
  EXPECT_THAT(result.output, HasSubstr("hello, root"));
  EXPECT_THAT(result.output, HasSubstr("hello, again"));
  for (const char* denied : {"hello, here", "hello, there", "hello, still"}) {
    EXPECT_THAT(result.output, Not(HasSubstr(denied)));
  }
  EXPECT_THAT(result.output, HasSubstr("hello_client: sayhello: failed"));
  EXPECT_THAT(result.output, HasSubstr("(policy denies the call, rule 1)"));
  EXPECT_THAT(result.output, HasSubstr("to call \"hello\" in context binder: rule 1"));
  EXPECT_THAT(result.output, HasSubstr("policy denies uid 4711 of host host2 to call"));
}

TEST_F(Policy, DeniesNamesByGroupAndUser) {
  const RunResult result = run_with_rules(R"script(
rules '[[policy]]
allow = ["find"]
who = ["gid:77"]
[[policy]]
deny = ["find"]
who = ["uid:4711"]
names = ["hello"]
[[policy]]
deny = ["add"]
who = ["uid:4711"]
names = ["!free.*"]'
as hello_client denied
gid=77 as hello_client member
there netbinder service list | grep hello || echo it is not listed
as binder_probe serve mine & wait $!
echo served: $?
as binder_probe serve free.one & probe=$!
netbinder service wait free.one --timeout 60 && kill $probe
failed
)script");
  EXPECT_THAT(result.output, Not(HasSubstr("hello, denied")));
  EXPECT_THAT(result.output, HasSubstr("hello, member"));
  EXPECT_THAT(result.output, HasSubstr("it is not listed\n"));
  EXPECT_THAT(result.output, HasSubstr("served: 1\n"));
  EXPECT_THAT(result.output, HasSubstr("(policy denies finding the name, rule 2)"));
  EXPECT_THAT(result.output, HasSubstr("(policy denies registering the name, rule 3)"));
}

TEST_F(Policy, DeniesManaging) {
  const RunResult result = run_with_rules(R"script(
rules '[[policy]]
deny = ["manage"]
context = "binder"
who = ["uid:4711"]'
as service_manager; echo manager: $?
there service_manager; echo manager there: $?
failed
)script");
  EXPECT_THAT(result.output, HasSubstr("Operation not permitted"));
  EXPECT_THAT(result.output, AllOf(HasSubstr("manager: 1\n"), HasSubstr("manager there: 1\n")));
  EXPECT_THAT(result.output, HasSubstr("(policy denies managing the context, rule 1)"));
}

// Root's agent serves several users: none of their programs takes the service manager's place,
// unless its configuration says that one may. What root has started stays root's when it is read
// again.
TEST_F(Policy, TheServiceManagerOfRootsAgentStays) {
  const RunResult result = run_script(R"script(
d=$(mktemp -d); chmod 755 $d
export NETBINDER_SOCKET=$d/s
printf 'host = "alpha"\nsocket_mode = "0666"\nuser = "nobody"\nlog_level = "off"\n' >$d/n.toml
serve() {
  netbinderd --config $d/n.toml "$@" & agent=$!
  until netbinder status >/dev/null 2>&1; do kill -0 $agent || exit 9; done
}
claim() {  # what it says first
  read -r line < <(exec netbinder run -- timeout 60 service_manager /dev/binder 2>&1)
  kill $!; echo $line
}
end() { kill $agent; wait $agent; }
netbinderd --config $d/n.toml --check | grep -c "^service_manager = \"builtin\"  # default of root's agent"
setpriv --reuid 65534 --regid 65534 --clear-groups netbinderd --config $d/n.toml --set user=nobody --check |
  grep -c "^service_manager = \"builtin-until-claimed\"  # default of a user's own agent"
setpriv --reuid 65534 --regid 65534 --clear-groups netbinderd --system --config $d/n.toml --check |
  grep -c "^service_manager = \"builtin\"  # default of the system's agent"
serve
echo claimed: $(claim)
netbinder reload
end
printf '[[context]]\nname = "binder"\nservice_manager = "builtin-until-claimed"\n' >>$d/n.toml
serve
echo then: $(claim)
end
rm -r $d
)script");
  EXPECT_THAT(result.output, HasSubstr("3\n3\n3\n"));
  EXPECT_THAT(result.output, HasSubstr("claimed: service_manager: cannot become the manager of "
                                       "/dev/binder: Device or resource busy\n"));
  EXPECT_THAT(result.output, HasSubstr("nothing has changed\n"));
  EXPECT_THAT(result.output, HasSubstr("then: service_manager: managing /dev/binder\n"));
}

TEST_F(Policy, NamesPassBetweenHostsAsItIsSaid) {
  const RunResult result = run_with_rules(R"script(
export NETBINDER_SOCKET
on_2() { NETBINDER_SOCKET=$NETBINDER_SOCKET_2 "$@"; }
cp $d/host1.toml $d/host1.before
sed -i 's/^name = "binder"/&\nexport = ["!hello"]/' $d/host1.toml
netbinder reload
until ! on_2 netbinder service check hello >/dev/null 2>&1; do :; done
netbinder service check hello >/dev/null && echo it is here
cp $d/host1.before $d/host1.toml; netbinder reload >/dev/null
on_2 netbinder service wait hello --timeout 60 >/dev/null && on_2 hello_client shown
)script");
  EXPECT_THAT(result.output, HasSubstr("changed: context[binder].export"));
  EXPECT_THAT(result.output, HasSubstr("it is here\n"));
  EXPECT_THAT(result.output, HasSubstr("hello, shown"));
}

TEST(PolicyCheck, PrintsRulesAndNamesWhatIsWrong) {
  const RunResult result = run_script(
      "d=$(mktemp -d)\n"
      "printf '[[policy]]\\ndeny = [\"add\"]\\nwho = [\"user:root\"]\\n' >$d/n.toml\n"
      "netbinderd --config $d/n.toml --check | grep -A4 policy\n"
      "printf '[[policy]]\\ndeny = [\"ad\"]\\n' >$d/n.toml\n"
      "netbinderd --config $d/n.toml --check; echo status $?\n"
      "rm -r $d\n");
  EXPECT_THAT(result.output, HasSubstr("deny = [\"add\"]  # "));
  EXPECT_THAT(result.output, HasSubstr("n.toml:2"));
  EXPECT_THAT(result.output, HasSubstr("who = [\"user:root\"]  # "));
  EXPECT_THAT(result.output, HasSubstr("names = [\"*\"]  # default"));
  EXPECT_THAT(result.output,
              HasSubstr("n.toml:2:8: policy[1].deny: 'ad' is not one of add, find, call, manage"));
  EXPECT_THAT(result.output, HasSubstr("status 2\n"));
}

}  // namespace
}  // namespace netbinder::testing
