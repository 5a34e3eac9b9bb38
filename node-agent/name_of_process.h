// SPDX-License-Identifier: Apache-2.0
//
// A function that tells the name of a program by the number of its open.
#pragma once

#include <functional>
#include <string_view>

#include "core/base/ids.h"

namespace netbinder {

// The name of the program that opened a process; empty: it is not known.
using NameOfProcess = std::function<std::string_view(ProcessId)>;

}  // namespace netbinder
