// SPDX-License-Identifier: Apache-2.0
//
// The outcome of a step of an ioctl: it is done; it is suspended, and an event to come goes on behind
// it, or (kAgain) with the same step again; or it failed. A step of the command stream or of a control ioctl fails with a negative errno,
// which ends the ioctl; a call fails with a BrError, which its thread reads.
#pragma once

#include <expected>

#include "core/model/br_error.h"

namespace netbinder {

enum class Step { kDone, kSuspended, kAgain };

using Outcome = std::expected<Step, int>;
using CallOutcome = std::expected<Step, BrError>;

}  // namespace netbinder
