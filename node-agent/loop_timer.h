// SPDX-License-Identifier: Apache-2.0
//
// The timer of the agent's NodeHost, in the event loop.
//
// Owned by the Agent. Thread: the data-plane thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

#include "host/timer.h"
#include "node-agent/clock.h"

namespace netbinder {

class LoopTimer final : public Timer {
 public:
  LoopTimer(boost::asio::io_context& io, std::function<void()> expired)
      : timer_(io), expired_(std::move(expired)) {}

  [[nodiscard]] std::uint64_t now_ms() const override { return monotonic_ms(); }
  void set(std::uint64_t deadline_ms) override {
    const std::uint64_t now = now_ms();
    timer_.expires_after(std::chrono::milliseconds(deadline_ms > now ? deadline_ms - now : 0));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) expired_();
    });
  }

 private:
  boost::asio::steady_timer timer_;
  std::function<void()> expired_;
};

}  // namespace netbinder
