// SPDX-License-Identifier: Apache-2.0
//
// The tasks of an operator: certificates, a new configuration for a running agent, and finding out
// what is wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

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

TEST(Certs, TakesCertificatesBack) {
  const RunResult result = run_script(
      "d=$(mktemp -d)\n"
      "netbinder certs init $d >/dev/null\n"
      "for h in alpha beta; do netbinder certs host $h --folder $d >/dev/null; done\n"
      "check() { netbinder certs check $1 --certificate $d/$1.pem --key $d/$1.key --ca $d/ca.pem "
      "--crl $d/crl.pem; echo $1 $?; }\n"
      "netbinder certs revoke --folder $d; check alpha\n"
      "netbinder certs revoke alpha --folder $d; check alpha; check beta\n"
      "netbinder certs revoke alpha --folder $d; netbinder certs revoke beta --folder $d; check "
      "beta\n"
      "netbinder certs revoke gamma --folder $d 2>&1; echo none $?\n"
      "rm -r $d\n");
  EXPECT_THAT(result.output, HasSubstr("crl.pem takes 0 certificates back"));
  EXPECT_THAT(result.output, HasSubstr("alpha 0\n"));
  EXPECT_THAT(result.output, HasSubstr("alpha.pem is revoked by"));
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("alpha 2\n"), HasSubstr("beta 0\n"), HasSubstr("beta 2\n")));
  EXPECT_THAT(result.output, HasSubstr("takes 2 certificates back"));
  EXPECT_THAT(result.output, AllOf(HasSubstr("gamma.pem"), HasSubstr("none 1\n")));
}

TEST(Doctor, FindsNothingWhereAllIsWell) {
  const RunResult result = run_session("--hosts 2", "netbinder doctor; echo status $?");
  EXPECT_THAT(result.output, HasSubstr("status 0\n"));
  EXPECT_THAT(result.output, HasSubstr("host 'host2' is connected"));
  EXPECT_THAT(result.output, HasSubstr("a call to the context manager took"));
}

// Two agents of one machine have one clock.
TEST(Doctor, ComparesTheClocksOfHosts) {
  const RunResult result = run_session(
      "--hosts 2",
      "until netbinder status --json | grep -q '\"clock_ahead_ms\": -\\?[0-9]'; do :; done\n"
      "netbinder doctor | grep clock\n");
  EXPECT_THAT(result.output, HasSubstr("ok      the clock of host 'host2' is "));
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

// As with a device node: who may not connect reads EACCES, and the group's users work.
TEST(Socket, IsForItsOwnerAndGroup) {
  if (::geteuid() != 0) FAIL() << "NOT RUN: being several users needs root";
  const RunResult result = run_script(
      "d=$(mktemp -d); chmod 755 $d; export NETBINDER_SOCKET=$d/s NETBINDER_QUIET=1\n"
      "printf 'host=\"alpha\"\\nsocket_group=\"4711\"\\n' >$d/n.toml\n"
      "netbinderd --config $d/n.toml --check | grep '^# ok: the sockets\\|^socket_group'\n"
      "netbinderd --config $d/n.toml >$d/log 2>&1 & agent=$!\n"
      "until netbinder status >/dev/null 2>&1; do kill -0 $agent || exit 9; done\n"
      "stat -c '%a %u %g' $d/s $d/s.admin\n"
      "as() { setpriv --reuid 65534 --regid $1 --clear-groups env \"${@:2}\" 2>&1; }\n"
      "shim=$(dirname $(command -v netbinder))/../lib/libnetbinder-shim.so\n"
      "as 65534 LD_PRELOAD=$shim head -c 0 /dev/binder; echo other $?\n"
      "as 4711 LD_PRELOAD=$shim head -c 0 /dev/binder; echo member $?\n"
      "as 65534 netbinder doctor; echo doctor $?\n"
      "grep -o 'for its owner.*' $d/log\n"
      "sed -i 's/4711/no-such-group/' $d/n.toml\n"
      "netbinderd --config $d/n.toml --check | grep '^# error'\n"
      "netbinder reload; kill $agent; wait $agent; rm -r $d\n");
  EXPECT_THAT(result.output,
              HasSubstr("# ok: the sockets have mode 0660, for its owner and group 4711"));
  EXPECT_THAT(result.output, HasSubstr("660 0 4711\n660 0 4711\n"));
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("Permission denied\nother 1\n"), HasSubstr("member 0\n")));
  EXPECT_THAT(result.output, AllOf(HasSubstr("this user may not use"), HasSubstr("doctor 2\n")));
  EXPECT_THAT(result.output, HasSubstr("for its owner and group 4711\n"));
  EXPECT_THAT(result.output, HasSubstr("# error: socket_group: there is no group 'no-such-group'"));
  EXPECT_THAT(result.output, HasSubstr("needs a restart: socket_group"));
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
