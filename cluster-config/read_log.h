// SPDX-License-Identifier: Apache-2.0
//
// From the table [log] to its settings.
#pragma once

#include "cluster-config/config.h"
#include "cluster-config/reader.h"

namespace netbinder {

void read_log(TableReader& in, LogSettings& log);

}  // namespace netbinder
