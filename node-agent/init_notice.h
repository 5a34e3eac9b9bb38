// SPDX-License-Identifier: Apache-2.0
//
// Tells the init system that started the agent, by systemd's notify protocol, that it
// serves, that it reads its configuration again, that it ends, and, where a watchdog is wanted,
// that its loop still goes round. If nobody wants to know ($NOTIFY_SOCKET), it does nothing.
//
// A thread of its own sends the messages, as the receiver may be slow. The watchdog is fed only
// while a timer of the event loop keeps running, so a data plane that hangs is noticed.
//
// Owned by the daemon's main. Thread: the data-plane thread. The event loop must not run any more
// when it ends.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

namespace netbinder {

class InitNotice {
 public:
  explicit InitNotice(boost::asio::io_context& io);
  // Says that the agent ends.
  ~InitNotice();
  InitNotice(const InitNotice&) = delete;
  InitNotice& operator=(const InitNotice&) = delete;

  // It does not serve yet, and may take longer than it has taken.
  void joining(const std::string& status);
  // `status` is what `systemctl status` shows: one line.
  void serving(const std::string& status);
  // To be followed by serving().
  void reloading();

 private:
  using Clock = std::chrono::steady_clock;

  void say(std::string message);
  void send_messages();
  void beat();
  [[nodiscard]] bool loop_is_alive() const;

  boost::asio::steady_timer timer_;
  std::chrono::microseconds watchdog_{0};          // 0: none is wanted
  std::atomic<Clock::time_point::rep> last_beat_;  // of the event loop
  std::mutex mutex_;                               // guards what follows
  std::condition_variable changed_;
  std::deque<std::string> messages_;
  bool ending_ = false;
  std::thread thread_;  // only if somebody wants to know
};

}  // namespace netbinder
