// SPDX-License-Identifier: Apache-2.0
#include "node-agent/call_following.h"

#include "host/call_listeners.h"
#include "node-agent/call_latencies.h"
#include "node-agent/call_tracing.h"
#include "node-agent/clock.h"
#include "node-agent/recorded_calls.h"

namespace netbinder {

CallFollowing::CallFollowing(boost::asio::io_context& io, Driver& driver, const RecordingHost& host,
                             const NameOfProcess& name_of)
    : listeners_(std::make_unique<CallListeners>(driver, &monotonic_ns)),
      tracing_(std::make_unique<CallTracing>(io, *listeners_, host, name_of)),
      recorded_(std::make_unique<RecordedCalls>(io, *tracing_)) {}

CallFollowing::~CallFollowing() = default;

void CallFollowing::set_latencies(bool wanted) {
  if (wanted == (latencies_ != nullptr)) return;
  if (wanted) {
    latencies_ = std::make_unique<CallLatencies>();
    listeners_->add(*latencies_);
  } else {
    listeners_->remove(*latencies_);
    latencies_.reset();
  }
}

bool CallFollowing::records() const { return tracing_->records(); }

}  // namespace netbinder
