// SPDX-License-Identifier: Apache-2.0
//
// The timer of the agent's NodeHost, in the event loop.
//
// Owned by the Agent. Thread: the data-plane thread.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>

#include "host/timer.h"

namespace netbinder {

class LoopTimer final : public Timer {
 public:
  LoopTimer(boost::asio::io_context& io, std::function<void()> expired);
  ~LoopTimer() override;

  [[nodiscard]] std::uint64_t now_ms() const override;
  void set(std::uint64_t deadline_ms) override;

 private:
  boost::asio::steady_timer timer_;
  std::function<void()> expired_;
};

}  // namespace netbinder
