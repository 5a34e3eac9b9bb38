// SPDX-License-Identifier: Apache-2.0
//
// The plan of a run: the points to measure, and their order, for given options.
#pragma once

#include <vector>

#include "bench/driver/catalogue.h"
#include "bench/driver/options.h"
#include "bench/point.h"

namespace netbinder::bench {

// A client's calls that are far between: one in so many.
constexpr std::uint32_t kSparseIntervalUs = 5000;

// The size of all points that are not about sizes.
std::size_t usual_size(const Options& options);
// For each mode: every size with one client; oneway calls, every number of clients, sparse calls, and
// both pinnings with the usual size, and on one host calls beside busy loops. With TLS the sizes only.
std::vector<Point> points_of(const Options& options, const std::vector<Mode>& modes);
// Whether the peer takes part. Limits are no calls: they take part where only the size matters.
bool takes_part(const PeerHere& peer, const Point& point);

}  // namespace netbinder::bench
