// SPDX-License-Identifier: Apache-2.0
//
// The outcome of a step of an ioctl. It is done; or suspended, and a later event continues behind
// it or (kAgain) repeats it; or it failed. A step of the command stream or a control ioctl fails
// with a negative errno, which ends the ioctl; a call fails with a BrError, which its thread reads.
#pragma once

#include <expected>

#include "core/model/br_error.h"

namespace netbinder {

enum class Step { kDone, kSuspended, kAgain };

using Outcome = std::expected<Step, int>;
using CallOutcome = std::expected<Step, BrError>;

}  // namespace netbinder
