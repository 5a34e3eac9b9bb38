// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "bench/driver/results.h"

namespace netbinder::bench {

// A page of HTML that needs nothing else: plots, tables, what the machine was and what is absent.
std::string report_of(const Results& results);

}  // namespace netbinder::bench
