// SPDX-License-Identifier: Apache-2.0
//
// Recordings of hosts, made up point by point.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "tools/calls/recording.h"

namespace netbinder::tools::testing {

class MadeUpHost {
 public:
  // Its clock is ahead of true time by so much.
  MadeUpHost(std::uint32_t number, std::string name, std::int64_t ahead_ns = 0)
      : ahead_ns_(ahead_ns) {
    made_.host = number;
    made_.boot = name;
    made_.name = std::move(name);
  }

  struct Ends {
    std::uint32_t caller_host = 0, caller_tid = 0;
    std::uint32_t handler_host = 0, handler_tid = 0;
    bool oneway = false;
    std::uint64_t parent = 0;
  };
  MadeUpHost& add(std::uint64_t span, CallPoint point, std::uint64_t true_ns, const Ends& ends) {
    call_ring::Entry entry;
    entry.number = made_.entries.size() + 1;
    entry.time_ns = static_cast<std::uint64_t>(static_cast<std::int64_t>(true_ns) + ahead_ns_);
    entry.span = span;
    entry.trace = ends.parent != 0 ? ends.parent : span;
    entry.parent = ends.parent;
    entry.code = 7;
    entry.point = static_cast<std::uint8_t>(point);
    entry.oneway = ends.oneway ? 1 : 0;
    entry.caller_host = ends.caller_host;
    entry.caller_tid = ends.caller_tid;
    entry.caller_pid = ends.caller_tid == 0 ? 0 : 100;
    entry.handler_host = ends.handler_host;
    entry.handler_tid = ends.handler_tid;
    entry.handler_pid = ends.handler_tid == 0 ? 0 : 200;
    made_.entries.push_back(entry);
    return *this;
  }
  [[nodiscard]] HostRecording& made() { return made_; }

 private:
  HostRecording made_;
  std::int64_t ahead_ns_;
};

// A synchronous call from one host to another at true times: sent, arrived, replied, reply arrived.
inline void add_call(MadeUpHost& from, MadeUpHost& to, std::uint64_t span, std::uint64_t sent_ns,
                     std::uint64_t arrived_ns, std::uint64_t replied_ns,
                     std::uint64_t reply_arrived_ns, std::uint32_t caller_tid = 11,
                     std::uint32_t handler_tid = 22) {
  const MadeUpHost::Ends here{.caller_tid = caller_tid, .handler_host = to.made().host};
  from.add(span, CallPoint::kBegun, sent_ns - 10, here);
  from.add(span, CallPoint::kSent, sent_ns, here);
  from.add(span, CallPoint::kReplyArrived, reply_arrived_ns, here);
  from.add(span, CallPoint::kReplyRead, reply_arrived_ns + 10, here);
  const MadeUpHost::Ends there{.caller_host = from.made().host, .handler_tid = handler_tid};
  to.add(span, CallPoint::kArrived, arrived_ns, there);
  to.add(span, CallPoint::kPlaced, arrived_ns + 1, there);
  to.add(span, CallPoint::kQueued, arrived_ns + 2, there);
  to.add(span, CallPoint::kDelivered, arrived_ns + 3, there);
  to.add(span, CallPoint::kReplied, replied_ns, there);
}

}  // namespace netbinder::tools::testing
