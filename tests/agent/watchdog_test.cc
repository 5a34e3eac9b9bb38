// SPDX-License-Identifier: Apache-2.0
//
// The init system's watchdog hears of the loop, and not of the thread that sends.
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <stop_token>
#include <thread>

#include "node-agent/init_notice.h"
#include "tests/agent/init_system.h"

namespace netbinder::testing {
namespace {

TEST(Watchdog, IsNotFedWhileTheLoopStands) {
  const Folder folder;
  InitSystem init(folder);
  ::setenv("WATCHDOG_USEC", "200000", 1);
  boost::asio::io_context loop;
  {
    InitNotice notice(loop);
    int fed = 0;
    while (fed < 100 && init.next(1000)) ++fed;
    EXPECT_LT(fed, 100) << "it goes on, though the loop does not";
    const std::jthread runs([&loop](const std::stop_token& stop) {
      while (!stop.stop_requested()) loop.run_for(std::chrono::milliseconds(10));
    });
    for (int i = 0; i < 3; ++i) EXPECT_EQ(init.next(), "WATCHDOG=1");
  }
  init.expect("STOPPING=1");
}

}  // namespace
}  // namespace netbinder::testing
