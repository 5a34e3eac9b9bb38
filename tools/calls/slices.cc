// SPDX-License-Identifier: Apache-2.0
#include "tools/calls/slices.h"

#include <algorithm>
#include <unordered_map>

namespace netbinder::tools {

Slices::Slices(const std::vector<HostRecording>& hosts, const std::vector<ClockOffset>& clocks)
    : clocks_(clocks) {
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    calls_.push_back(hosts[i].calls());
    const auto& entries = hosts[i].entries;
    recorded_.emplace_back(entries.empty() ? 0 : common_ns(i, entries.front().time_ns),
                           entries.empty() ? 0 : common_ns(i, entries.back().time_ns) + 1);
  }
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    for (const auto& [span, call] : calls_[i]) {
      add_caller(i, call);
      add_handler(i, call);
    }
  }
  nest();
  draw_arrows();
}

void Slices::add_caller(std::size_t host, const CallRecord& call) {
  if (call.arrived() || call.caller.tid == 0) return;
  Slice slice{.thread = {host, call.caller.pid, call.caller.tid},
              .kind = Slice::Kind::kCalls,
              .call = &call};
  slice.began_before = !call.has(CallPoint::kBegun);
  slice.start_ns =
      slice.began_before ? recorded_[host].first : common_ns(host, call.at(CallPoint::kBegun));
  std::uint64_t end = 0;
  if (call.oneway) {
    for (const CallPoint point : {CallPoint::kQueued, CallPoint::kAccepted, CallPoint::kFailed}) {
      if (end == 0) end = call.at(point);
    }
    if (end == 0 && slice.began_before) return;  // its making is not in the recording
  } else {
    end = std::max(call.at(CallPoint::kReplyRead), call.at(CallPoint::kFailed));
  }
  slice.unfinished = end == 0;
  slice.end_ns = slice.unfinished ? recorded_[host].second : common_ns(host, end);
  add(slice);
}

void Slices::add_handler(std::size_t host, const CallRecord& call) {
  if (call.sent() || call.handler.tid == 0) return;
  const bool read = call.has(CallPoint::kDelivered);
  if (!read && !call.has(CallPoint::kReplied) && !call.has(CallPoint::kHandled)) return;
  Slice slice{.thread = {host, call.handler.pid, call.handler.tid},
              .kind = Slice::Kind::kHandles,
              .call = &call};
  slice.began_before = !read;
  slice.start_ns = read ? common_ns(host, call.at(CallPoint::kDelivered)) : recorded_[host].first;
  std::uint64_t end = call.at(call.oneway ? CallPoint::kHandled : CallPoint::kReplied);
  if (end == 0 && !call.oneway) end = call.at(CallPoint::kFailed);
  slice.unfinished = end == 0;
  slice.end_ns = slice.unfinished ? recorded_[host].second : common_ns(host, end);
  add(slice);
}

void Slices::add(Slice slice) {
  slice.end_ns = std::max(slice.end_ns, slice.start_ns + 1);
  slices_.push_back(slice);
}

void Slices::nest() {
  std::ranges::sort(slices_, [](const Slice& a, const Slice& b) {
    if (a.thread != b.thread) return a.thread < b.thread;
    if (a.start_ns != b.start_ns) return a.start_ns < b.start_ns;
    if (a.end_ns != b.end_ns) return a.end_ns > b.end_ns;
    return a.call->span < b.call->span;
  });
  std::vector<const Slice*> around;
  for (Slice& slice : slices_) {
    while (!around.empty() &&
           (around.back()->thread != slice.thread || around.back()->end_ns <= slice.start_ns)) {
      around.pop_back();
    }
    if (!around.empty() && slice.end_ns > around.back()->end_ns) {
      slice.end_ns = around.back()->end_ns;
      slice.cut = true;
    }
    around.push_back(&slice);
  }
}

void Slices::draw_arrows() {
  std::unordered_map<std::uint64_t, const Slice*> handling;
  for (const Slice& slice : slices_) {
    if (slice.kind == Slice::Kind::kHandles) handling[slice.call->span] = &slice;
  }
  for (const Slice& slice : slices_) {
    if (slice.kind != Slice::Kind::kCalls) continue;
    const auto found = handling.find(slice.call->span);
    if (found == handling.end()) continue;
    const Slice& handled = *found->second;
    // Inside of the slices, so that it is plain which ones are meant.
    if (!slice.began_before && !handled.began_before) {
      const std::uint64_t sent =
          std::max(slice.call->at(CallPoint::kSent), slice.call->at(CallPoint::kQueued));
      const std::int64_t left = sent == 0 ? slice.start_ns : common_ns(slice.thread.host, sent);
      arrows_.push_back({.kind = Arrow::Kind::kCall,
                         .span = slice.call->span,
                         .from = slice.thread,
                         .from_ns = std::clamp(left, slice.start_ns, slice.end_ns - 1),
                         .to = handled.thread,
                         .to_ns = handled.start_ns});
    }
    const bool replied = slice.call->has(CallPoint::kReplyRead) && !handled.unfinished;
    if (!slice.call->oneway && replied) {
      arrows_.push_back({.kind = Arrow::Kind::kReply,
                         .span = slice.call->span,
                         .from = handled.thread,
                         .from_ns = handled.end_ns - 1,
                         .to = slice.thread,
                         .to_ns = slice.end_ns - 1});
    }
  }
}

}  // namespace netbinder::tools
