// SPDX-License-Identifier: Apache-2.0
#include "node-agent/loop_timer.h"

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <utility>

#include "node-agent/clock.h"

namespace netbinder {

LoopTimer::LoopTimer(boost::asio::io_context& io, std::function<void()> expired)
    : timer_(io), expired_(std::move(expired)) {}

LoopTimer::~LoopTimer() = default;

std::uint64_t LoopTimer::now_ms() const { return monotonic_ms(); }

void LoopTimer::set(std::uint64_t deadline_ms) {
  const std::uint64_t now = now_ms();
  timer_.expires_after(std::chrono::milliseconds(deadline_ms > now ? deadline_ms - now : 0));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) expired_();
  });
}

}  // namespace netbinder
