// SPDX-License-Identifier: Apache-2.0
//
// The plots of a report, from what was measured: latency distributions, latency over size,
// throughput over clients.
#pragma once

#include "bench/driver/plot.h"
#include "bench/driver/results.h"

namespace netbinder::bench {

// A peer has the same colour everywhere.
std::size_t colour_of(const Results& results, const std::string& peer);

Plot distribution_plot(const Results& results, Mode mode);
Plot sizes_plot(const Results& results, Mode mode);
Plot clients_plot(const Results& results, Mode mode);

}  // namespace netbinder::bench
