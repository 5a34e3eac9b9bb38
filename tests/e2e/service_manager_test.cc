// SPDX-License-Identifier: Apache-2.0
//
// The built-in service manager as unmodified programs meet it: the version of Android it detects,
// and lazy services.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/session_run.h"

namespace netbinder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string library(const std::string& version) {
  return std::string(FAKE_LIBBINDER) + "/" + version + "/lib" +
         (version == "none" ? "other" : "binder") + ".so";
}

// The words of an answer, by its first two: no exception, and what follows.
constexpr const char* kUnion = "words 0 1 0 ";  // getService2 of late 15: a binder follows
constexpr const char* kUnionOfMetadata = "words 0 1 0 1 36 ";  // of 16
constexpr const char* kNothing = "words 0 0\n";
constexpr const char* kNullPointer = "words -4 ";  // a callback or service is missing
constexpr const char* kUnknown = "status -74\n";   // no such method

TEST(LibbinderDetection, ShowsInWhatTheServiceManagerAnswers) {
  std::string script;
  const auto ask = [&script](int code, const std::string& version) {
    script += "echo " + version + ":" + std::to_string(code) + " $(ask_manager " +
              std::to_string(code) + " manager " + library(version) + ")\n";
  };
  for (const char* version : {"11", "12", "13", "14", "15", "16", "none"}) {
    for (const int code : {2, 8, 10, 11, 13}) ask(code, version);
  }
  const RunResult result = run_session("", script);
  EXPECT_EQ(result.status, 0);
  const auto answers = [&result](const std::string& version, int code, const char* words) {
    EXPECT_THAT(result.output + "\n",
                HasSubstr("\n" + version + ":" + std::to_string(code) + " " + words))
        << result.output;
  };
  const auto answers_with_a_binder = [&result](const std::string& version, const char* before) {
    // checkService: an object of 24 bytes and its stability; getService2: in a union.
    EXPECT_THAT(result.output, HasSubstr(version + ":2 " + before)) << result.output;
  };
  answers_with_a_binder("15", kUnion);
  EXPECT_THAT(result.output, Not(HasSubstr("15:2 words 0 1 0 1 36 ")));
  answers_with_a_binder("16", kUnionOfMetadata);
  for (const char* version : {"11", "12", "13", "14", "none"}) {
    EXPECT_THAT(result.output, Not(HasSubstr(std::string(version) + ":2 " + kUnion))) << version;
  }
  answers("11", 8, kNullPointer);  // registerClientCallback
  answers("11", 10, kUnknown);
  answers("12", 10, kNullPointer);
  answers("13", 11, kNullPointer);
  answers("14", 13, kNullPointer);  // tryUnregisterService
  answers("14", 11, kNothing);      // getConnectionInfo
  answers("none", 11, kNothing);    // Android 14 where nothing is known
  answers("none", 13, kNullPointer);
}

TEST(LibbinderDetection, TheLatestOfSeveralCountsAndIsSeenWhateverTheOrder) {
  const RunResult result = run_session(
      "", "ask_manager 2 manager " + library("13") + " " + library("16") + " " + library("none") +
              "\nask_manager 2 manager " + library("16") + " " + library("11") + "\n");
  const std::size_t first = result.output.find(kUnionOfMetadata);
  ASSERT_NE(first, std::string::npos) << result.output;
  EXPECT_NE(result.output.find(kUnionOfMetadata, first + 1), std::string::npos) << result.output;
}

TEST(LibbinderDetection, TheEnvironmentIsStrongerAndSoIsTheConfiguration) {
  const RunResult environment =
      run_session("", "NETBINDER_DIALECT=android15 ask_manager 2 manager " + library("16") + "\n");
  EXPECT_THAT(environment.output, HasSubstr(kUnion));
  EXPECT_THAT(environment.output, Not(HasSubstr(kUnionOfMetadata)));

  const RunResult configured = run_script(
      "d=$(mktemp -d); trap 'kill $agent; wait; rm -r $d' EXIT\n"
      "printf 'socket = \"%s\"\\nlog_level = \"error\"\\n[[context]]\\nname = "
      "\"binder\"\\ndialect = \"android15\"\\n' $d/agent.sock > $d/agent.toml\n"
      "netbinderd --config $d/agent.toml & agent=$!\n"
      "for i in $(seq 600); do [ -e $d/agent.sock ] && break; sleep 0.05; done\n"
      "export NETBINDER_SOCKET=$d/agent.sock\n"
      "echo detected: $(netbinder run -- ask_manager 2 manager " +
      library("16") +
      ")\n"
      "echo told: $(NETBINDER_DIALECT=android16 netbinder run -- ask_manager 2 manager)\n");
  EXPECT_THAT(configured.output, HasSubstr(std::string("detected: ") + kUnion));
  EXPECT_THAT(configured.output, Not(HasSubstr(std::string("detected: ") + kUnionOfMetadata)));
  EXPECT_THAT(configured.output, HasSubstr(std::string("told: ") + kUnionOfMetadata));
}

TEST(LazyServices, LeaveWhenTheirLastClientOnAnotherHostHasGone) {
  const RunResult result =
      run_session("--hosts 2",
                  "lazy_server lazy & server=$!\n"
                  "export NETBINDER_SOCKET=$NETBINDER_SOCKET_2\n"
                  "netbinder service wait lazy --timeout 60 >/dev/null\n"
                  "ask_manager 2 lazy >/dev/null && wait $server && echo left: $?\n"
                  "netbinder service list --names\n");
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.output, HasSubstr("has clients: 1\nhas clients: 0\nleaving: 0\nleft: 0\n"));
  EXPECT_THAT(result.output, Not(HasSubstr("lazy\n")));
}

}  // namespace
}  // namespace netbinder::testing
