// SPDX-License-Identifier: Apache-2.0
//
// Those who follow the calls of a host: as many as want to, with the time of each report. While
// there is one, the driver reports to this; while there is none, it reports nothing.
//
// Owned by the agent; the driver and all that listen outlive it or leave before. Thread: the
// data-plane thread.
#pragma once

#include <cstdint>
#include <vector>

#include "core/model/call_observer.h"

namespace netbinder {

class Driver;

class CallListener {
 public:
  virtual ~CallListener() = default;
  // `report.began` and `report.delivered` are the times of the call's beginning and of its delivery
  // on this host, by the same clock as `now_ns`; 0 before and at that point itself, and if nobody
  // listened then. Called in the middle of an event, see CallObserver.
  virtual void heard(const CallReport& report, std::uint64_t now_ns) = 0;
};

class CallListeners final : private CallObserver {
 public:
  using Clock = std::uint64_t (*)();  // nanoseconds, monotonic; never 0

  CallListeners(Driver& driver, Clock clock) : driver_(driver), clock_(clock) {}
  ~CallListeners() override;
  CallListeners(const CallListeners&) = delete;
  CallListeners& operator=(const CallListeners&) = delete;

  // Between two events.
  void add(CallListener& listener);
  void remove(CallListener& listener);

 private:
  std::uint64_t begun(const CallReport& report) override;
  std::uint64_t delivered(const CallReport& report) override;
  void reached(const CallReport& report) override;
  void event_ended() override { looked_ = false; }
  void look_at_clock();
  void tell(const CallReport& report);

  Driver& driver_;
  Clock clock_;
  std::vector<CallListener*> listeners_;
  std::uint64_t last_ns_ = 0;  // of the last report
  bool looked_ = false;        // in this event
};

}  // namespace netbinder
