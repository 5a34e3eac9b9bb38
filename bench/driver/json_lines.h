// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "bench/driver/results.h"

namespace netbinder::bench {

// One JSON object on a line, told apart by "kind": "machine" (once, the first one), "peer",
// "absent" (a peer or a mode), "turn" (each one measured) and "summary" (of a peer at a point).
std::string json_lines_of(const Results& results);

}  // namespace netbinder::bench
