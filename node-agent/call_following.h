// SPDX-License-Identifier: Apache-2.0
//
// The calls of this host for those who follow them: recordings for administrators' tools, and
// histograms for the page of metrics.
//
// Owned by the Agent; the driver outlives it. Thread: the data-plane thread.
#pragma once

#include <boost/asio/ts/netfwd.hpp>
#include <memory>

#include "node-agent/name_of_process.h"

namespace netbinder {

class CallLatencies;
class CallListeners;
class CallTracing;
class Driver;
class RecordedCalls;
struct RecordingHost;

class CallFollowing {
 public:
  CallFollowing(boost::asio::io_context& io, Driver& driver, const RecordingHost& host,
                const NameOfProcess& name_of);
  ~CallFollowing();
  CallFollowing(const CallFollowing&) = delete;
  CallFollowing& operator=(const CallFollowing&) = delete;

  // Whether histograms are kept. They begin anew when they are wanted again.
  void set_latencies(bool wanted);

  [[nodiscard]] CallTracing& tracing() { return *tracing_; }
  [[nodiscard]] bool records() const;
  [[nodiscard]] RecordedCalls& recorded() { return *recorded_; }
  // Null: they are not wanted.
  [[nodiscard]] const CallLatencies* latencies() const { return latencies_.get(); }

 private:
  std::unique_ptr<CallLatencies> latencies_;
  std::unique_ptr<CallListeners> listeners_;  // uses the one before it; so does each of these
  std::unique_ptr<CallTracing> tracing_;
  std::unique_ptr<RecordedCalls> recorded_;
};

}  // namespace netbinder
