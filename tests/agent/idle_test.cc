// SPDX-License-Identifier: Apache-2.0
//
// An agent with nothing to do takes no processor time, however many threads wait in a read.
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>

#include "tests/agent/agent_process.h"
#include "tests/agent/channel_client.h"
#include "tests/agent/polite_pair.h"

namespace netbinder::testing {
namespace {

TEST(Idle, AnAgentWhoseClientsAllWaitTakesNoTime) {
  AgentProcess agent;
  const Counts before = agent.counts();
  {
    expect_polite_programs_work(agent.socket());
    std::vector<std::unique_ptr<ChannelClient>> clients;
    Stream enter;
    enter.put(BC_ENTER_LOOPER);
    for (int i = 0; i < 8; ++i) {
      clients.push_back(std::make_unique<ChannelClient>(agent.socket()));
      ASSERT_EQ(clients.back()->map(), 0);
      for (std::uint32_t tid = 1; tid <= 4; ++tid) {
        ASSERT_EQ(clients.back()->control(tid, BINDER_VERSION), 0);  // a first read never blocks
        clients.back()->begin_write_read(tid, tid, enter.bytes(), kFlagReads | kFlagFreshRead);
      }
    }
    (void)agent.counts();  // everything before it has been handled
    // It goes to sleep in the first interval; beside other programs that may take some more.
    int slept = 0;
    for (int look = 0; look < 20 && slept < 2; ++look) {
      const std::uint64_t run_before = agent.run_time_ns();
      const std::uint64_t switches_before = agent.context_switches();
      ::usleep(500'000);  // the interval that is measured
      const bool ran = agent.run_time_ns() != run_before;
      slept = ran || agent.context_switches() != switches_before ? 0 : slept + 1;
    }
    EXPECT_EQ(slept, 2) << "it did not stay asleep for a second";
    for (auto& client : clients) {
      for (std::uint32_t tid = 1; tid <= 4; ++tid) EXPECT_FALSE(client->is_done(tid));
    }
  }
  agent.expect_back_at(before);
}

}  // namespace
}  // namespace netbinder::testing
