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
  look_at_clock();
  tell(report);
  return last_ns_;
}

std::uint64_t CallListeners::delivered(const CallReport& report) {
  reached(report);
  return last_ns_;
}

void CallListeners::reached(const CallReport& report) {
  // A later point of the same event follows at once, unless a large parcel was
  // copied in between.
  const bool copied = report.data.size() >= kLargeBytes;
  if (!looked_ || copied) look_at_clock();
  tell(report);
}

void CallListeners::look_at_clock() {
  last_ns_ = clock_();
  looked_ = true;
}

void CallListeners::tell(const CallReport& report) {
  for (CallListener* listener : listeners_) listener->heard(report, last_ns_);
}

}  // namespace netbinder
