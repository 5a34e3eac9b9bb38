// SPDX-License-Identifier: Apache-2.0
//
// Follows the calls of one host by what its core reports of them, and holds that against the rules
// of core/model/call_observer.h: points come in their order; every call begins once and ends once;
// whatever is made while a call is handled is part of its trace, inside of it; and a call has the
// same trace on all hosts, and a reply that arrives was sent. Owned by its SimHost.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "core/base/ids.h"
#include "core/base/statistics.h"
#include "core/model/call_observer.h"

namespace netbinder::sim {

class World;

class CallFollower final : public CallObserver {
 public:
  CallFollower(World& world, HostId here) : world_(world), here_(here) {}

  std::uint64_t begun(const CallReport& report) override;
  void reached(const CallReport& report) override;
  // Calls and replies that were read are those that the core has told programs of.
  void check_read(const CommandCounts& told);
  // No call is under way on this host.
  void check_nothing_open();

 private:
  struct Call {
    CallReport last;
    CallPoint first = CallPoint::kBegun;
    std::uint64_t word = 0;
  };
  [[nodiscard]] bool follows(const Call& call, const CallReport& report) const;
  void check_parent(const CallReport& report);
  void fail(const CallReport& report, const std::string& what);

  World& world_;
  HostId here_;
  std::uint64_t begun_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t replies_read_ = 0;
  std::unordered_map<SpanId, Call> open_;
  std::unordered_map<SpanId, TraceId> handled_;  // calls that a thread handles now
};

}  // namespace netbinder::sim
