// SPDX-License-Identifier: Apache-2.0
#include "host/call_listeners.h"

#include "core/driver.h"

namespace netbinder {

namespace {

constexpr std::uint64_t kLargeBytes = 4096;

}  // namespace

CallListeners::~CallListeners() { driver_.observe_calls(nullptr); }

void CallListeners::add(CallListener& listener) {
  listeners_.push_back(&listener);
  driver_.observe_calls(this);
}

void CallListeners::remove(CallListener& listener) {
  std::erase(listeners_, &listener);
  if (listeners_.empty()) driver_.observe_calls(nullptr);
}

std::uint64_t CallListeners::begun(const CallReport& report) {
  last_ns_ = clock_();
  for (CallListener* listener : listeners_) listener->heard(report, last_ns_);
  return last_ns_;
}

std::uint64_t CallListeners::delivered(const CallReport& report) {
  reached(report);
  return last_ns_;
}

void CallListeners::reached(const CallReport& report) {
  // A call is placed and queued right after the report before, but for what it takes to copy a
  // large payload.
  const bool at_once = report.point == CallPoint::kQueued ||
                       (report.point == CallPoint::kPlaced && report.data_size < kLargeBytes);
  if (!at_once) last_ns_ = clock_();
  for (CallListener* listener : listeners_) listener->heard(report, last_ns_);
}

}  // namespace netbinder
