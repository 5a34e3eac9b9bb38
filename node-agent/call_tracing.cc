// SPDX-License-Identifier: Apache-2.0
#include "node-agent/call_tracing.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "transport/log.h"

namespace netbinder {

std::expected<int, std::string> CallTracing::record_for(std::chrono::seconds time) {
  if (!recorder_) {
    auto memory =
        SharedMemory::create("netbinder-calls", sizeof(call_ring::Ring), sizeof(call_ring::Ring),
                             SharedMemory::Access::kProgramReads);
    if (!memory) {
      return std::unexpected(std::string("there is no memory for it: ") +
                             std::strerror(-memory.error()));
    }
    recorder_ = std::make_unique<CallRecorder>(*std::move(memory), host_, name_of_);
    calls_.add(*recorder_);
    ++recordings_;
    until_ = {};
    log::agent.info("calls are recorded from now on");
  }
  until_ = std::max(until_, std::chrono::steady_clock::now() + std::min(time, kMost));
  wait();
  return recorder_->readers_fd();
}

std::string CallTracing::recording() const {
  return std::to_string(host_.incarnation.value()) + "." + std::to_string(recordings_);
}

void CallTracing::wait() {
  timer_.expires_at(until_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    if (std::chrono::steady_clock::now() < until_) return wait();  // it was prolonged meanwhile
    end();
  });
}

void CallTracing::end() {
  if (!recorder_) return;
  calls_.remove(*recorder_);
  recorder_.reset();
  log::agent.info("calls are recorded no more");
}

}  // namespace netbinder
