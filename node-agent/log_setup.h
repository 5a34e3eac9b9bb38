// SPDX-License-Identifier: Apache-2.0
//
// The log as the configuration has it. The data-plane thread, or before there is one.
#pragma once

#include "cluster-config/config.h"

namespace netbinder {

// Where there is no journal, records stay on stderr, and one of them says so.
void configure_log(const Config& config);

}  // namespace netbinder
