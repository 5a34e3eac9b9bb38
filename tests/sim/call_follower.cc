// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/call_follower.h"

#include "core/base/uapi.h"
#include "tests/sim/world.h"

namespace netbinder::sim {

namespace {

bool ends(CallPoint first, const CallReport& report) {
  switch (report.point) {
    case CallPoint::kReplyRead:
    case CallPoint::kAccepted:
    case CallPoint::kFailed:
      return true;
    case CallPoint::kDelivered:
      return report.oneway;
    case CallPoint::kReplied:
      return first == CallPoint::kArrived;
    default:
      return false;
  }
}

}  // namespace

void CallFollower::fail(const CallReport& report, const std::string& what) {
  world_.oracle().fail("host " + std::to_string(here_.value()) + ", call " +
                       std::to_string(report.span.value()) + " at point " +
                       std::to_string(static_cast<int>(report.point)) + ": " + what);
}

std::uint64_t CallFollower::begun(const CallReport& report) {
  ++world_.oracle().statistics.calls_followed;
  if (report.point != CallPoint::kBegun && report.point != CallPoint::kArrived) {
    fail(report, "a call does not begin with this point");
  }
  if (report.span == SpanId{} || report.trace == TraceId{}) fail(report, "it has no ids");
  if (report.began != 0) fail(report, "it has begun before");
  const auto [known, is_new] = world_.traces().try_emplace(report.span, report.trace);
  if (!is_new && report.point == CallPoint::kBegun) fail(report, "its span was used before");
  if (known->second != report.trace) fail(report, "it has another trace here");
  check_parent(report);
  begun_ += 1;
  const auto [made, first] =
      open_.try_emplace(report.span, Call{.last = report, .first = report.point, .word = begun_});
  if (!first) fail(report, "it begins twice");
  return begun_;
}

void CallFollower::check_parent(const CallReport& report) {
  if (report.point != CallPoint::kBegun) {
    if (report.parent != SpanId{}) fail(report, "its parent is another host's to tell");
  } else if (report.parent == SpanId{}) {
    if (report.trace.value() != report.span.value()) fail(report, "its trace is another call's");
  } else {
    const auto parent = handled_.find(report.parent);
    if (parent == handled_.end()) {
      fail(report, "its parent is not being handled");
    } else if (parent->second != report.trace) {
      fail(report, "its parent has another trace");
    }
  }
}

bool CallFollower::follows(const Call& call, const CallReport& report) const {
  if (report.point == CallPoint::kFailed) return true;
  const bool oneway = report.oneway;
  switch (call.last.point) {
    case CallPoint::kBegun:
      return report.point == CallPoint::kPlaced || report.point == CallPoint::kQueued ||
             report.point == CallPoint::kSent;
    case CallPoint::kArrived:
      return report.point == CallPoint::kPlaced;
    case CallPoint::kPlaced:
      return report.point == CallPoint::kQueued && call.first == CallPoint::kArrived;
    case CallPoint::kQueued:
      return report.point == CallPoint::kDelivered;
    case CallPoint::kDelivered:
      return report.point == CallPoint::kReplied && !oneway;
    case CallPoint::kReplied:
    case CallPoint::kReplyArrived:
      return report.point == CallPoint::kReplyRead;
    case CallPoint::kSent:
      return report.point == (oneway ? CallPoint::kAccepted : CallPoint::kReplyArrived);
    default:
      return false;
  }
}

void CallFollower::reached(const CallReport& report) {
  if (report.point == CallPoint::kHandled) {
    if (handled_.erase(report.span) == 0) fail(report, "it is not being handled");
    return;
  }
  const auto found = open_.find(report.span);
  if (found == open_.end()) return fail(report, "it is not under way");
  Call& call = found->second;
  if (!follows(call, report)) {
    fail(report, "it came after point " + std::to_string(static_cast<int>(call.last.point)));
  }
  if (report.began != call.word) fail(report, "the observer's word is not what it said");
  if (report.trace != call.last.trace || report.parent != call.last.parent ||
      report.code != call.last.code || report.oneway != call.last.oneway) {
    fail(report, "it is not the call that it was");
  }
  if ((report.error != nullptr) != (report.point == CallPoint::kFailed)) {
    fail(report, "a failure and its reason do not come together");
  }
  const bool has_data = report.point == CallPoint::kPlaced || report.point == CallPoint::kSent ||
                        (report.point == CallPoint::kQueued && report.caller.host == HostId{});
  if (report.data.size() != (has_data ? report.data_size : 0)) fail(report, "its data is cut");
  if (report.point == CallPoint::kDelivered) {
    // A oneway call is handled until its thread has other work; threads that end never tell.
    handled_[report.span] = report.trace;
  } else if (report.point == CallPoint::kReplied ||
             (report.point == CallPoint::kFailed && !report.oneway)) {
    handled_.erase(report.span);
  }
  if (report.point == CallPoint::kDelivered) ++delivered_;
  if (report.point == CallPoint::kReplyRead) ++replies_read_;
  if (report.point == CallPoint::kReplied && report.caller.host != HostId{}) {
    world_.replied_to().insert(report.span);
  }
  // Hosts of older versions and those that lie do not tell of theirs.
  if (report.point == CallPoint::kReplyArrived && world_.settings().older == 0 &&
      world_.settings().liar == HostId{} && !world_.replied_to().contains(report.span)) {
    fail(report, "nobody has replied");
  }
  call.last = report;
  call.last.data = {};
  call.last.error = nullptr;
  if (ends(call.first, report)) open_.erase(found);
}

void CallFollower::check_read(const CommandCounts& told) {
  if (told.br[_IOC_NR(BR_TRANSACTION)] != delivered_ ||
      told.br[_IOC_NR(BR_REPLY)] != replies_read_) {
    world_.oracle().fail("host " + std::to_string(here_.value()) + " has reported " +
                         std::to_string(delivered_) + " calls and " +
                         std::to_string(replies_read_) + " replies that were read, and not all");
  }
}

void CallFollower::check_nothing_open() {
  for (const auto& [span, call] : open_) fail(call.last, "it never ends");
}

}  // namespace netbinder::sim
