// SPDX-License-Identifier: Apache-2.0
//
// The values from which the debug files about processes ("state", "stats", "transactions",
// "proc/PID") are written. They are plain, so any thread may write the files (DebugFiles).
#pragma once

#include "core/base/statistics.h"
#include "core/view/debug_view.h"

namespace netbinder {

struct DebugContent {
  DebugState state;
  Statistics statistics;
  ObjectCounts counts;
};

}  // namespace netbinder
