// SPDX-License-Identifier: Apache-2.0
//
// The tasks of an operator: certificates, a new configuration for a running agent, and finding out
// what is wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/session_run.h"

namespace netbinder::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Certs, MakesWhatAnAgentTakesAndSaysWhatItWouldNot) {
  const RunResult result = run_script(
      "d=$(mktemp -d)\n"
      "netbinder certs init $d/ca && netbinder certs host alpha --folder $d/ca >/dev/null || exit 9\n"
      "stat -c %a $d/ca/ca.key $d/ca/alpha.key\n"
      "files() { echo --certificate $d/ca/$1.pem --key $d/ca/$2.key --ca $d/ca/ca.pem; }\n"
      "netbinder certs check alpha $(files alpha alpha); echo right $?\n"
      "netbinder certs check beta $(files alpha alpha); echo wrong host $?\n"
      "netbinder certs host beta --folder $d/ca >/dev/null\n"
      "netbinder certs check alpha $(files alpha beta); echo wrong key $?\n"
      "netbinder certs host alpha --folder $d/ca 2>&1; echo again $?\n"
      "netbinder certs host alpha --folder $d/ca --renew --days 3 >/dev/null; echo renewed $?\n"
      "netbinder certs check alpha $(files alpha alpha) | grep warning\n"
      "netbinder certs init $d/ca 2>&1; echo init again $?\n"
      "printf 'host=\"alpha\"\\n[tls]\\ncertificate=\"%s\"\\nkey=\"%s\"\\nca=\"%s\"\\n' "
      "$d/ca/alpha.pem $d/ca/beta.key $d/ca/ca.pem >$d/n.toml\n"
      "netbinderd --config $d/n.toml --check | grep '^# error'\n"
      "rm -r $d\n");
  EXPECT_THAT(result.output, HasSubstr("600\n600\n"));
  EXPECT_THAT(result.output, HasSubstr("right 0\n"));
  EXPECT_THAT(result.output, HasSubstr("is that of alpha, and not of beta"));
  EXPECT_THAT(result.output, HasSubstr("wrong host 2\n"));
  EXPECT_THAT(result.output, HasSubstr("wrong key 2\n"));
  EXPECT_THAT(result.output, HasSubstr("is there already; --renew"));
  EXPECT_THAT(result.output, AllOf(HasSubstr("again 1\n"), HasSubstr("renewed 0\n")));
  EXPECT_THAT(result.output, HasSubstr("warning: "));
  EXPECT_THAT(result.output, HasSubstr("init again 1\n"));
  EXPECT_THAT(result.output, HasSubstr("# error: "));
}

TEST(Doctor, FindsNothingWhereAllIsWell) {
  const RunResult result = run_session("--hosts 2", "netbinder doctor; echo status $?");
  EXPECT_THAT(result.output, HasSubstr("status 0\n"));
  EXPECT_THAT(result.output, HasSubstr("host 'host2' is connected"));
  EXPECT_THAT(result.output, HasSubstr("a call to the context manager took"));
}

TEST(Doctor, SaysWhatIsWrongAndWhatToDo) {
  const RunResult nowhere = run_script("netbinder doctor --socket /nonexistent/socket; echo status $?\n");
  EXPECT_THAT(nowhere.output, HasSubstr("there is no agent's socket at /nonexistent/socket"));
  EXPECT_THAT(nowhere.output, AllOf(HasSubstr("→ start netbinderd"), HasSubstr("status 2\n")));
  const RunResult nobody = run_session("--service-manager none", "netbinder doctor; echo status $?");
  EXPECT_THAT(nobody.output, AllOf(HasSubstr("nobody answers"), HasSubstr("status 1\n")));
  const RunResult json = run_session("", "netbinder doctor --json | python3 -c '\n"
                                         "import json, sys\n"
                                         "print(all(f[\"weight\"] == \"ok\" for f in json.load(sys.stdin)))'");
  EXPECT_THAT(json.output, HasSubstr("True"));
}

// The agents of a session take nothing from the variables of an agent around it.
TEST(Session, IsNotConfiguredByTheEnvironment) {
  const RunResult result = run_script(
      "export NETBINDER_HOST=elsewhere NETBINDER_SOCKET=/nonexistent/socket NETBINDER_CLUSTER=odd\n"
      "netbinder session -- netbinder status\n");
  EXPECT_THAT(result.output, HasSubstr("host host1 of cluster session"));
}

TEST(Reload, SaysWhatHasChanged) {
  const RunResult result = run_script(
      "d=$(mktemp -d); export NETBINDER_SOCKET=$d/s\n"
      "printf 'host=\"alpha\"\\nlog_level=\"off\"\\n' >$d/n.toml\n"
      "netbinderd --config $d/n.toml & agent=$!\n"
      "until netbinder status >/dev/null 2>&1; do kill -0 $agent || exit 9; done\n"
      "netbinder reload; echo same $?\n"
      "mkdir $d/n.toml.d; printf 'busy_poll_us=1\\ncluster=\"x\"\\n' >$d/n.toml.d/a.toml\n"
      "netbinder reload; echo changed $?\n"
      "echo 'busy_poll_us=-1' >$d/n.toml.d/a.toml\n"
      "netbinder reload 2>&1; echo wrong $?\n"
      "kill $agent; wait $agent; echo ended $?; rm -r $d\n");
  EXPECT_THAT(result.output, HasSubstr("nothing has changed\nsame 0\n"));
  EXPECT_THAT(result.output, HasSubstr("changed: busy_poll_us\nneeds a restart: cluster\nchanged 0\n"));
  EXPECT_THAT(result.output, AllOf(HasSubstr("a.toml:1"), HasSubstr("wrong 1\n")));
  EXPECT_THAT(result.output, HasSubstr("ended 0\n"));
}

}  // namespace
}  // namespace netbinder::testing
