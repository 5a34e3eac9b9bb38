// SPDX-License-Identifier: Apache-2.0
//
// Tells a host program of each call, if it wants to hear: of the points that the call passes on
// this host, as plain values. Given to the Driver by the host program, which owns it and may
// exchange it between two events.
//
// The points of a call on one host, in this order:
//   here to here      kBegun kQueued kDelivered, and of a synchronous one kReplied kReplyRead
//   to another host   kBegun kSent, and of a synchronous one kReplyArrived kReplyRead;
//                     of a oneway one kAccepted
//   from another one  kArrived kPlaced kQueued kDelivered, and of a synchronous one kReplied
// Any of them but the last may be followed by kFailed. A call from here to here that was placed,
// but cannot be queued, passes kPlaced before kFailed. A call begins once, with the first of its
// row, and ends once: with the last of its row, or with kFailed. kHandled comes after the end. A
// call that began before there was an observer has some of its later points only, and one end.
//
// Thread: the driver's. An implementation does not call the driver, and cannot wait: it runs in the
// middle of an event.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/ids.h"
#include "core/model/br_error.h"
#include "core/model/call_flags.h"

namespace netbinder {

enum class CallPoint : std::uint8_t {
  kBegun,      // a thread asks for it
  kPlaced,     // its payload is in the receiver's arena
  kQueued,     // it is in the target's queue, or in the node's if another oneway call is before it
  kSent,       // to another host
  kArrived,    // from another host
  kDelivered,  // a thread of the target reads it
  kReplied,    // the thread that handles it has replied
  kReplyArrived,  // its reply has come from another host, and is in the caller's queue
  kReplyRead,     // the caller reads the reply
  kAccepted,      // a oneway call is in the other host's queue
  kHandled,       // the thread that read the oneway call waits for other work again, if it lives
  kFailed,        // its caller reads so, or is gone
};
inline constexpr std::size_t kCallPoints = static_cast<std::size_t>(CallPoint::kFailed) + 1;

// One end of a call, as far as this host knows it: 0 is unknown.
struct CallEnd {
  HostId host = {};        // 0: this one
  ProcessId process = {};  // its number on that host
  std::int32_t pid = 0;
  std::uint32_t tid = 0;
};

struct CallReport {
  CallPoint point = CallPoint::kBegun;
  bool oneway = false;
  CallFlags flags;  // TF_*, of the call
  std::uint32_t code = 0;
  TraceId trace;
  SpanId span;
  SpanId parent;
  std::uint64_t began = 0;      // what CallObserver::begun has returned; 0: it was not called
  std::uint64_t delivered = 0;  // likewise CallObserver::delivered
  std::uint32_t debug_id = 0;  // of the call, or from kReplyArrived on of the reply, as in the logs
  std::uint32_t node = 0;      // debug id; 0: not known
  CallEnd caller;
  CallEnd handler;
  // The size of the call's payload; from kReplied on, of the reply's.
  std::uint64_t data_size = 0;
  std::uint64_t offsets_size = 0;
  // At kQueued and kDelivered: calls and replies that are queued to the handler's process or that
  // it handles, and the bytes of its arena that are in use.
  std::uint64_t outstanding = 0;
  std::uint64_t arena_used = 0;
  // At kPlaced and kSent, and at kQueued of a call from this host: the parcel as its receiver gets
  // it. Only during the report.
  std::span<const std::byte> data = {};
  // At these, kReplied and kReplyArrived: the context's name. Only during the report.
  std::string_view context = {};
  const BrError* error = nullptr;  // at kFailed, and only then: why. Only during the report
};

class CallObserver {
 public:
  virtual ~CallObserver() = default;
  // kBegun or kArrived. What it returns comes back with each later report of this call on this
  // host: the time, for example, by the observer's clock.
  virtual std::uint64_t begun(const CallReport& report) = 0;
  // kDelivered. What it returns comes back in the same way.
  virtual std::uint64_t delivered(const CallReport& report) {
    reached(report);
    return 0;
  }
  // Any other point.
  virtual void reached(const CallReport& report) = 0;
  // An event of the driver has been handled to its end; later reports are of other events.
  virtual void event_ended() {}
};

}  // namespace netbinder
