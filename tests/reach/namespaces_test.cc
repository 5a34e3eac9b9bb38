// SPDX-License-Identifier: Apache-2.0
//
// Senders, as receivers in other namespaces see them: pids of 0 and users of -1 where there is nothing to
// see, as from the kernel's driver. The agent is a user without rights.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/e2e/session_run.h"

namespace netbinder::testing {
namespace {

using ::testing::HasSubstr;

// An agent of the user nobody, with a socket that everybody can reach.
constexpr const char* kPrelude = R"script(
folder=$(mktemp -d); chmod 755 "$folder"; cd "$folder"
mkdir agent; chown nobody agent
cp "$(command -v netbinderd)" .
printf 'host = "here"\nsocket = "%s/agent/socket"\nsocket_mode = "0666"\nlog_level = "off"\n[[hosts]]\nname = "here"\n[[context]]\nname = "binder"\nservice_manager = "none"\n' "$PWD" >agent.toml
setpriv --reuid nobody --regid nogroup --clear-groups ./netbinderd --config agent.toml & agent=$!
trap 'kill $agent; wait $agent; cd /; rm -r "$folder"' EXIT
export NETBINDER_SOCKET=$PWD/agent/socket
until netbinder status >/dev/null 2>&1; do kill -0 $agent || exit 1; done
export LD_PRELOAD=$(dirname "$(command -v netbinderd)")/../lib/libnetbinder-shim.so
)script";

TEST(Namespaces, APidIsTheReceiversOrNone) {
  if (::geteuid() != 0) FAIL() << "NOT RUN: needs root";
  const RunResult result = run_script(std::string(kPrelude) + R"script(
unshare --pid --fork bash -c '
  reach_probe serve 2 >out & server=$!
  until grep -q "call 5" out; do kill -0 $server || exit 1; sleep 0.02; done
  SAY_PID=1 reach_probe call 7 >said
  wait $server' & outer=$!
until grep -q serving out 2>/dev/null; do kill -0 $outer || exit 1; sleep 0.02; done
reach_probe call 5
wait $outer
cat out
[ "$(sed -n 's/I am //p' said)" = "$(sed -n 's/call 7: pid \([0-9]*\) .*/\1/p' out)" ] && echo "its own number"
)script");
  EXPECT_THAT(result.output, HasSubstr("call 5: pid 0 euid 0\ncall 7: pid "));
  EXPECT_THAT(result.output, HasSubstr("its own number\n"));
}

TEST(Namespaces, AUserIsTheReceiversOrNone) {
  if (::geteuid() != 0) FAIL() << "NOT RUN: needs root";
  const RunResult result = run_script(std::string(kPrelude) + R"script(
setpriv --reuid 1000 --regid 1000 --clear-groups unshare --user --map-root-user \
  reach_probe serve 3 >out & server=$!
until grep -q serving out; do kill -0 $server || exit 1; done
reach_probe call 1
setpriv --reuid 1000 --regid 1000 --clear-groups reach_probe call 2
setpriv --reuid 1001 --regid 1001 --clear-groups reach_probe call 3
wait $server
sed 's/pid [0-9]*/pid X/' out
)script");
  EXPECT_THAT(result.output, HasSubstr("call 1: pid X euid -1\ncall 2: pid X euid 0\n"
                                       "call 3: pid X euid -1\n"));
}

}  // namespace
}  // namespace netbinder::testing
