// SPDX-License-Identifier: Apache-2.0
//
// The built-in manager of /dev/hwbinder, which HIDL clients know as hwservicemanager.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/session_run.h"

namespace netbinder::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kUntilListed = R"script(
on_2() { NETBINDER_SOCKET=$NETBINDER_SOCKET_2 "$@"; }
until_listed() { for i in $(seq 2000); do hidl_probe list | grep -q "$1" && return; sleep 0.01; done; echo "$1 is not there"; }
)script";

TEST(Hidl, ServicesAreAddedByAskingThemAndFoundOnEveryHost) {
  const RunResult result = run_session("--hosts 2", std::string(kUntilListed) + R"script(
hidl_probe list
NETBINDER_SOCKET=$NETBINDER_SOCKET_2 hidl_probe add default & server=$!
until_listed vendor.foo@1.1::IFoo/default
hidl_probe list
hidl_probe list vendor.foo@1.0::IFoo
hidl_probe get vendor.foo@1.0::IFoo default
hidl_probe get vendor.foo@1.0::IFoo other
hidl_probe transport vendor.foo@1.1::IFoo default
hidl_probe transport vendor.foo@1.2::IFoo default
hidl_probe dump
kill $server; wait $server
for i in $(seq 2000); do hidl_probe list | grep -q vendor || break; sleep 0.01; done
hidl_probe list
)script");
  EXPECT_THAT(result.output, HasSubstr("status 0, 0:\nadded: 1\n"
                                       "status 0, 2: vendor.foo@1.0::IFoo/default "
                                       "vendor.foo@1.1::IFoo/default\n"
                                       "status 0, 1: default\n"
                                       "status 0, a handle\nstatus 0, nothing\n"
                                       "transport 1\ntransport 0\n"
                                       "status 0, 2: vendor.foo@1.0::IFoo/default "
                                       "vendor.foo@1.1::IFoo/default\n"));
  EXPECT_TRUE(result.output.ends_with("status 0, 0:\n")) << result.output;
}

TEST(Hidl, WhoWaitsIsNotified) {
  const RunResult result = run_session("", std::string(kUntilListed) + R"script(
hidl_probe watch vendor.bar@2.0::IBar >watched & watcher=$!
until grep -q watching watched 2>/dev/null; do sleep 0.01; done
hidl_probe add_chain legacy/0 & server=$!
wait $watcher; cat watched; rm watched
hidl_probe watch vendor.bar@2.0::IBar legacy/0
kill $server
)script");
  EXPECT_THAT(result.output,
              HasSubstr("watching: 1\nnotified: vendor.bar@2.0::IBar legacy/0 is new\n"));
  EXPECT_THAT(result.output, HasSubstr("notified: vendor.bar@2.0::IBar legacy/0 was there\n"));
}

}  // namespace
}  // namespace netbinder::testing
