// SPDX-License-Identifier: Apache-2.0
#include "bench/driver/plan.h"

#include <unistd.h>

#include <algorithm>

namespace netbinder::bench {

namespace {

constexpr std::size_t kMostEchoBytes = 65536;

}  // namespace

std::size_t usual_size(const Options& options) {
  const bool has_it = std::ranges::find(options.sizes, 64U) != options.sizes.end();
  return has_it ? 64 : options.sizes.front();
}

std::vector<Point> points_of(const Options& options, const std::vector<Mode>& modes) {
  std::vector<Point> points;
  const std::size_t usual = usual_size(options);
  for (const Mode mode : modes) {
    for (const std::size_t bytes : options.sizes) points.push_back({.mode = mode, .bytes = bytes});
    if (mode == Mode::kTls) continue;
    points.push_back({.mode = mode, .bytes = usual, .work = Work::kOneway});
    if (mode == Mode::kLocal) {
      points.push_back({.mode = mode, .bytes = usual, .load = Load::kBusyLoops});
    }
    for (const std::uint32_t clients : options.clients) {
      if (clients != 1) points.push_back({.mode = mode, .bytes = usual, .clients = clients});
    }
    points.push_back({.mode = mode, .bytes = usual, .interval_us = kSparseIntervalUs});
    points.push_back({.mode = mode, .bytes = usual, .pinning = Pinning::kOne});
    if (::sysconf(_SC_NPROCESSORS_ONLN) > 1) {
      points.push_back({.mode = mode, .bytes = usual, .pinning = Pinning::kApart});
    }
  }
  return points;
}

bool takes_part(const PeerHere& peer, const Point& point) {
  if (!peer.has(point.mode) || (point.work == Work::kOneway && !peer.oneway)) return false;
  if (peer.kind == PeerKind::kCalls) return true;
  // A program's mapping has no room for two of the largest.
  if (peer.kind == PeerKind::kEcho && point.bytes > kMostEchoBytes) return false;
  return point.bytes > 0 && point.clients == 1 && point.interval_us == 0 &&
         point.pinning == Pinning::kNone && point.load == Load::kNone;
}

}  // namespace netbinder::bench
