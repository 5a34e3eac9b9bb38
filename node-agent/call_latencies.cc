// SPDX-License-Identifier: Apache-2.0
#include "node-agent/call_latencies.h"

#include <algorithm>
#include <cstring>

namespace netbinder {

namespace {

template <std::size_t size>
std::size_t copy(std::array<char, size>& into, std::string_view text) {
  const std::size_t count = std::min(text.size(), size);
  std::memcpy(into.data(), text.data(), count);
  return count;
}

}  // namespace

CallLatencies::Series::Series(std::string_view context, std::string_view interface)
    : context_size_(copy(context_, context)), interface_size_(copy(interface_, interface)) {}

CallLatencies::CallLatencies() {
  series_.reserve(1 + kMostContexts + kMostInterfaces);
  series_.emplace_back(kOther, kOther);  // at place 0
}

void CallLatencies::heard(const CallReport& report, std::uint64_t now_ns) {
  if (report.oneway) return;
  switch (report.point) {
    case CallPoint::kPlaced:
    case CallPoint::kQueued:
    case CallPoint::kSent:
      if (!report.data.empty()) note_interface(report);
      return;
    case CallPoint::kReplied: {
      Series& series = series_of(report);
      if (report.delivered != 0) series.handling.add(now_ns - report.delivered);
      if (report.caller.host == HostId{} && report.began != 0) {
        series.local.add(now_ns - report.began);
      }
      return;
    }
    case CallPoint::kReplyArrived:
      if (report.began != 0) series_of(report).to_peer.add(now_ns - report.began);
      return;
    default:
      return;
  }
}

CallLatencies::Series& CallLatencies::series_of(const CallReport& report) {
  if (search_.holds_place(report.node)) {
    return series_[node_series_[search_.place_of(report.node)]];
  }
  return series_[others_of(report.context)];
}

void CallLatencies::note_interface(const CallReport& report) {
  if (report.node == 0) return;
  Place& series = node_series_[search_.place_of(report.node)];
  if (!search_.holds_place(report.node)) {
    search_.take_place(report.node);
    series = others_of(report.context);
  }
  std::array<char, kMostInterfaceBytes> name;
  const std::size_t length = search_.look(report.node, report.data, name);
  if (length > 0) series = place_of(report.context, {name.data(), length});
}

CallLatencies::Place CallLatencies::place_of(std::string_view context, std::string_view interface) {
  for (std::size_t i = 1; i < series_.size(); ++i) {
    if (series_[i].interface() == interface && series_[i].context() == context) {
      return static_cast<Place>(i);
    }
  }
  if (interface == kOther || interfaces_ == kMostInterfaces) return others_of(context);
  ++interfaces_;
  return add(context, interface);
}

CallLatencies::Place CallLatencies::others_of(std::string_view context) {
  for (std::size_t i = 0; i < series_.size(); ++i) {
    if (series_[i].interface() == kOther && series_[i].context() == context) {
      return static_cast<Place>(i);
    }
  }
  if (contexts_ == kMostContexts) return 0;
  ++contexts_;
  return add(context, kOther);
}

CallLatencies::Place CallLatencies::add(std::string_view context, std::string_view interface) {
  series_.emplace_back(context, interface);  // there is room for all that there may be
  return static_cast<Place>(series_.size() - 1);
}

}  // namespace netbinder
