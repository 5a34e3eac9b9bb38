// SPDX-License-Identifier: Apache-2.0
#include "tools/calls/call_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/base/uapi.h"
#include "host/service-manager/protocol.h"

namespace netbinder::tools {

std::uint64_t CallRecord::first_ns() const {
  std::uint64_t first = 0;
  for (const std::uint64_t at : at_ns) {
    if (at != 0 && (first == 0 || at < first)) first = at;
  }
  return first;
}

std::uint64_t CallRecord::last_ns() const { return *std::ranges::max_element(at_ns); }

std::optional<double> CallRecord::duration_us() const {
  if (began_ns == 0 || last_ns() < began_ns) return std::nullopt;
  return static_cast<double>(last_ns() - began_ns) / 1000;
}

bool CallRecord::ends_with(CallPoint point) const {
  switch (point) {
    case CallPoint::kReplyRead:
    case CallPoint::kAccepted:
    case CallPoint::kFailed:
      return true;
    case CallPoint::kDelivered:
      return oneway;
    case CallPoint::kReplied:
      return arrived();
    default:
      return false;
  }
}

void CallRecord::add(const call_ring::Entry& entry) {
  const auto point = static_cast<CallPoint>(entry.point);
  span = entry.span;
  trace = entry.trace;
  at_ns[entry.point] = entry.time_ns;
  if (point == CallPoint::kHandled) {  // knows little of the call
    oneway = true;
    handler.pid = entry.handler_pid;
    handler.tid = entry.handler_tid;
    return;
  }
  parent = entry.parent;
  code = entry.code;
  flags = entry.flags;
  oneway = entry.oneway != 0;
  if (entry.node != 0) node = entry.node;
  if (debug_id == 0) debug_id = entry.debug_id;
  const bool begins = point == CallPoint::kBegun || point == CallPoint::kArrived;
  if (began_ns == 0) began_ns = begins ? entry.time_ns : entry.began_ns;
  if (entry.caller_host != 0) caller.host = HostId{entry.caller_host};
  if (entry.caller_pid != 0) caller.pid = entry.caller_pid;
  if (entry.caller_tid != 0) caller.tid = entry.caller_tid;
  if (entry.handler_host != 0) handler.host = HostId{entry.handler_host};
  if (entry.handler_pid != 0) handler.pid = entry.handler_pid;
  if (entry.handler_tid != 0) handler.tid = entry.handler_tid;
  if (entry.handler_process != 0) handler.process = ProcessId{entry.handler_process};
  switch (point) {
    case CallPoint::kReplied:
    case CallPoint::kReplyArrived:
    case CallPoint::kReplyRead:
      reply_bytes = entry.data_size;
      break;
    case CallPoint::kFailed:
      failed_command = entry.failed_command;
      failed_error = entry.failed_error;
      failed_line = entry.failed_line;
      reason = entry.reason;
      break;
    default:
      call_bytes = std::max(call_bytes, entry.data_size);
  }
}

bool carries_question(const CallRecord& call, std::int32_t agent_pid) {
  // The built-in managers carry them, each other's host away.
  const bool from_it = call.sent() && !call.arrived() && call.caller.pid == agent_pid;
  const bool to_it = call.arrived() && !call.sent() && call.handler.pid == agent_pid;
  return call.oneway && (from_it || to_it) &&
         (call.code == kPeerQuestion || call.code == kPeerFetch || call.code == kPeerAnswer);
}

bool is_sound(const call_ring::Entry& entry) {
  return entry.point < kCallPoints && entry.span != 0 && entry.time_ns != 0 &&
         entry.reason <= call_ring::kReasons;
}

std::string failure_name(std::uint32_t command) {
  switch (command) {
    case BR_FAILED_REPLY:
      return "BR_FAILED_REPLY";
    case BR_DEAD_REPLY:
      return "BR_DEAD_REPLY";
    case BR_FROZEN_REPLY:
      return "BR_FROZEN_REPLY";
    default:
      return fmt::format("{:#x}", command);
  }
}

std::string failure_text(const std::string& name, std::int32_t error, const std::string& reason) {
  std::string text = name;
  if (error != 0) {
    const char* const code = ::strerrorname_np(-error);
    text += fmt::format(" ({})", code != nullptr ? code : std::to_string(error));
  }
  if (!reason.empty()) return text + ": " + reason;
  const char* words = nullptr;
  switch (-error) {
    case EINVAL:
      words = name == "BR_DEAD_REPLY" ? "its object is dead, or there is no manager"
                                      : "the handle, or an object in it, is not valid";
      break;
    case ENOSPC:
      words = "there is no room for it in the receiver's memory";
      break;
    case EPROTO:
      words = "the thread cannot make a call, or a reply, at this moment";
      break;
    case EPERM:
      words = "it is not allowed";
      break;
    case EFAULT:
      words = "what it leads to in the sender's memory cannot be read";
      break;
    case ENOMEM:
      words = "a bound of the driver is reached";
      break;
    case EBADF:
      words = "a descriptor in it is not open";
      break;
    case ESRCH:
      words = "the receiver is ending, or has mapped no memory";
      break;
    case 0:
      if (name == "BR_DEAD_REPLY") words = "the other end has died";
      if (name == "BR_FROZEN_REPLY") words = "the receiver is frozen";
      break;
    default:
      break;
  }
  return words == nullptr ? text : text + ": " + words;
}

}  // namespace netbinder::tools
