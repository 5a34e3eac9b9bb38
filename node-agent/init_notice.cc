// SPDX-License-Identifier: Apache-2.0
#include "node-agent/init_notice.h"
#include "transport/all_signals_blocked.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <cstdlib>
#include <utility>

namespace netbinder {

namespace {

// Beats and messages in the time that the watchdog allows.
constexpr int kBeats = 4;

}  // namespace

InitNotice::InitNotice(boost::asio::io_context& io)
    : timer_(io), last_beat_(Clock::now().time_since_epoch().count()) {
  if (std::getenv("NOTIFY_SOCKET") == nullptr) return;
  std::uint64_t watchdog_us = 0;
  if (::sd_watchdog_enabled(0, &watchdog_us) > 0) {
    watchdog_ = std::chrono::microseconds(watchdog_us);
    beat();
  }
  const AllSignalsBlocked without_signals;
  thread_ = std::thread([this] { send_messages(); });
}

InitNotice::~InitNotice() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    messages_.emplace_back("STOPPING=1");
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void InitNotice::joining(const std::string& status) {
  constexpr int kFurtherUs = 60'000'000;
  say(fmt::format("STATUS={}\nEXTEND_TIMEOUT_USEC={}", status, kFurtherUs));
}

void InitNotice::serving(const std::string& status) { say("READY=1\nSTATUS=" + status); }

void InitNotice::reloading() {
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch());
  say(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.count()));
}

void InitNotice::say(std::string message) {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    messages_.push_back(std::move(message));
  }
  changed_.notify_one();
}

void InitNotice::beat() {
  last_beat_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
  timer_.expires_after(watchdog_ / kBeats);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) beat();
  });
}

bool InitNotice::loop_is_alive() const {
  const Clock::time_point beat{Clock::duration(last_beat_.load(std::memory_order_relaxed))};
  return Clock::now() - beat < watchdog_ / 2;
}

void InitNotice::send_messages() {
  std::unique_lock lock(mutex_);
  while (!ending_ || !messages_.empty()) {
    const auto something = [this] { return ending_ || !messages_.empty(); };
    if (watchdog_.count() == 0) {
      changed_.wait(lock, something);
    } else if (!changed_.wait_for(lock, watchdog_ / kBeats, something) && loop_is_alive()) {
      messages_.emplace_back("WATCHDOG=1");
    }
    while (!messages_.empty()) {
      const std::string message = std::move(messages_.front());
      messages_.pop_front();
      lock.unlock();
      (void)::sd_notify(0, message.c_str());
      lock.lock();
    }
  }
}

}  // namespace netbinder
