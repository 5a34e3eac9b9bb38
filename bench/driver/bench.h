// SPDX-License-Identifier: Apache-2.0
//
// netbinder beside its peers: measures, with progress on stderr, and shows the results as asked
// for.
#pragma once

#include "bench/driver/options.h"

namespace netbinder::bench {

// Exit status: 0, or 1 if a turn failed. Throws std::runtime_error if nothing can be measured.
int run(const Options& options);

}  // namespace netbinder::bench
