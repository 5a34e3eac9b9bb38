// SPDX-License-Identifier: Apache-2.0
//
// Users see their own programs, and root and the agent's user see all.
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/agent/channel_client.h"
#include "tests/agent/polite_pair.h"
#include "tests/hostile/other_user.h"

namespace netbinder::testing {
namespace {

class Visibility : public ::testing::Test {
 protected:
  Visibility() {
    open_to_everybody(agent_);
    EXPECT_EQ(roots_.map(), 0);
    EXPECT_TRUE(Caller(roots_, 1).add("roots", 0xabcdef10));
  }
  [[nodiscard]] bool shows(const char* file, const std::string& text) const {
    const std::string request = std::string("{\"command\":\"") + file + "\"}\n";
    return agent_.status_line(request).find(text) != std::string::npos;
  }

  AgentProcess agent_;
  ChannelClient roots_{agent_.socket()};
};

TEST_F(Visibility, RootSeesAll) {
  EXPECT_TRUE(shows("state", "abcdef10"));
  EXPECT_TRUE(shows("transaction_log", "call"));
}

TEST_F(Visibility, OthersSeeTheirOwn) {
  OtherUser user([&] {
    if (shows("state", "abcdef10") || shows("transaction_log", "call")) return 1;
    if (shows("transactions", "proc") || shows("stats", "proc " + std::to_string(::getppid()))) {
      return 2;
    }
    ChannelClient own(agent_.socket());
    if (own.map() != 0 || !Caller(own, 1).add("own", 0x12345670)) return 3;
    if (!shows("state", "12345670") || !shows("transaction_log", "call")) return 4;
    // The counters are everybody's.
    return shows("status", "\"counts\"") && shows("stats", "binder stats") ? 0 : 5;
  });
  EXPECT_EQ(user.wait(), 0);
  EXPECT_TRUE(shows("state", "abcdef10"));
}

}  // namespace
}  // namespace netbinder::testing
