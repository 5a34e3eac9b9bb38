// SPDX-License-Identifier: Apache-2.0
//
// netbinder service list before the built-in manager, Android 9's and those of Android 14 and 16.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/session_run.h"

namespace netbinder::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ServiceList, ShowsWhatTheBuiltInManagerAndTheServicesTell) {
  const RunResult result =
      run_session("--hosts 2",
                  "hello_server & near=$!\n"
                  "NETBINDER_SOCKET=$NETBINDER_SOCKET_2 hello_server & far=$!\n"
                  "NETBINDER_SOCKET=$NETBINDER_SOCKET_2 binder_probe serve only.far &\n"
                  "for n in hello@host1 hello@host2 only.far; do\n"
                  "  netbinder service wait $n --timeout 60 >/dev/null || exit 1\n"
                  "done\n"
                  "lazy_server lazy >/dev/null &\n"
                  "netbinder service wait lazy --timeout 60 >/dev/null\n"
                  "echo near $near\n"
                  "netbinder service list\n"
                  "netbinder service list --json\n"
                  "echo names: $(netbinder service list --names)\n");
  const std::string& out = result.output;
  ASSERT_THAT(out, HasSubstr("near "));
  const std::string near =
      out.substr(out.find("near ") + 5, out.find('\n', out.find("near ")) - out.find("near ") - 5);
  EXPECT_THAT(out, ContainsRegex("NAME +INTERFACE +HOST +PID +UID +INSTANCES +LAZY\n"));
  EXPECT_THAT(out, ContainsRegex("\nhello +[^ ]+ +host1 +" + near + " +[0-9]+ +2  no\n"));
  EXPECT_THAT(out, ContainsRegex("\nlazy +[^ ]+ +host1 +[0-9]+ +[0-9]+ +1  yes\n"));
  EXPECT_THAT(out, ContainsRegex("\nonly.far +[^ ]+ +host2 +- +- +1  -\n"));
  EXPECT_THAT(out, HasSubstr("\"instances\": 2"));
  EXPECT_THAT(out, HasSubstr("\"pid\": " + near));
  EXPECT_THAT(out, HasSubstr("\"lazy\": true"));
  EXPECT_THAT(out, HasSubstr("names: hello lazy only.far"));
}

TEST(ServiceList, AServiceThatDoesNotAnswerDoesNotHideTheOthers) {
  const RunResult result = run_session("",
                                       "binder_probe serve stuck & stuck=$!\n"
                                       "hello_server &\n"
                                       "netbinder service wait stuck --timeout 60 >/dev/null\n"
                                       "netbinder service wait hello --timeout 60 >/dev/null\n"
                                       "kill -STOP $stuck\n"
                                       "netbinder service list; echo status $?\n"
                                       "kill -CONT $stuck\n");
  EXPECT_THAT(result.output, ContainsRegex("\nstuck +- +host1 "));
  EXPECT_THAT(result.output, ContainsRegex("\nhello +[^ ]+ +host1 "));
  EXPECT_THAT(result.output, HasSubstr("status 0\n"));
}

TEST(ServiceList, OfTheClassicManagerNamesAndInterfacesAreKnown) {
  const RunResult result = run_session("--service-manager none",
                                       "service_manager 2>/dev/null &\n"
                                       "hello_server &\n"
                                       "netbinder service wait hello --timeout 60 >/dev/null\n"
                                       "netbinder service list; echo status $?\n");
  EXPECT_THAT(result.output, ContainsRegex("\nhello +[^ ]+ +- +- +- +- +-\n"));
  EXPECT_THAT(result.output, HasSubstr("status 0\n"));
}

// The version decides whether pids and lazy services are told.
RunResult list_of_version(const std::string& version) {
  return run_session("--service-manager none",
                     "mkfifo ready; aidl_manager " + version +
                         " >ready & manager=$!\n"
                         "read -r line <ready; rm ready; echo manager $manager\n"
                         "netbinder service list; echo status $?\n"
                         "netbinder service check shop; echo check $?\n");
}

TEST(ServiceList, OfAnAidlManagerPidsAreKnownAndInAndroid16WhatIsLazy) {
  for (const std::string version : {"14", "16"}) {
    const RunResult result = list_of_version(version);
    const std::string& out = result.output;
    const std::size_t at = out.find("manager ");
    ASSERT_NE(at, std::string::npos) << out;
    const std::string pid = out.substr(at + 8, out.find('\n', at) - at - 8);
    const std::string lazy = version == "16" ? "yes" : "-";
    const std::string not_lazy = version == "16" ? "no" : "-";
    EXPECT_THAT(out, ContainsRegex("\nlazy.shop +- +- +" + pid + " +- +- +" + lazy + "\n"));
    EXPECT_THAT(
        out, ContainsRegex("\nshop +com.example.IShop +- +" + pid + " +- +- +" + not_lazy + "\n"));
    EXPECT_THAT(out, HasSubstr("status 0\n"));
    EXPECT_THAT(out, HasSubstr("shop: found\ncheck 0\n"));
  }
}

TEST(ServiceList, ItsExitStatusesAreTheDocumentedOnes) {
  const RunResult result = run_session("--service-manager none",
                                       "netbinder service list; echo nobody $?\n"
                                       "netbinder service list --no-such-flag; echo bad $?\n");
  EXPECT_THAT(result.output, HasSubstr("nobody 1\n"));
  EXPECT_THAT(result.output, HasSubstr("bad 2\n"));
  EXPECT_THAT(result.output, Not(HasSubstr("NAME")));
}

}  // namespace
}  // namespace netbinder::testing
