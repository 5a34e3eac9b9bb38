// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "bench/driver/results.h"

namespace netbinder::bench {

// For a terminal: what was measured on what, a block for each point, and what is absent.
std::string table_of(const Results& results);

}  // namespace netbinder::bench
