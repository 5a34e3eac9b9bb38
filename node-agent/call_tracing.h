// SPDX-License-Identifier: Apache-2.0
//
// Whether the agent records calls: it does while an administrator's tool asks for it, and for a few
// seconds more. Each request is for a bounded time, so that nothing has to be told when a tool
// ends, however it does. Recording begins with an empty ring, which all that ask meanwhile share.
//
// Owned by the agent. Thread: the data-plane thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <utility>

#include "host/call_listeners.h"
#include "node-agent/call_recorder.h"
#include "node-agent/name_of_process.h"

namespace netbinder {

class CallTracing {
 public:
  static constexpr std::chrono::seconds kMost{60};  // of one request

  CallTracing(boost::asio::io_context& io, CallListeners& calls, RecordingHost host,
              NameOfProcess name_of)
      : calls_(calls), host_(std::move(host)), name_of_(std::move(name_of)), timer_(io) {}
  ~CallTracing() { end(); }
  CallTracing(const CallTracing&) = delete;
  CallTracing& operator=(const CallTracing&) = delete;

  // Records calls for so long from now, or longer if that was asked for before. The ring's
  // read-only descriptor, which stays this object's; or why there is none.
  [[nodiscard]] std::expected<int, std::string> record_for(std::chrono::seconds time);
  [[nodiscard]] bool records() const { return recorder_ != nullptr; }
  // Null: nobody follows calls.
  [[nodiscard]] const CallRecorder* recorder() const { return recorder_.get(); }
  // The name of the recording that is under way, or was last. No other recording has it, of this
  // agent or of another one of this host.
  [[nodiscard]] std::string recording() const;

 private:
  void wait();
  void end();

  CallListeners& calls_;
  RecordingHost host_;
  NameOfProcess name_of_;
  boost::asio::steady_timer timer_;
  std::chrono::steady_clock::time_point until_;
  std::uint64_t recordings_ = 0;            // since the agent began
  std::unique_ptr<CallRecorder> recorder_;  // null: nobody follows calls
};

}  // namespace netbinder
