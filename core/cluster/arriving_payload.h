// SPDX-License-Identifier: Apache-2.0
//
// A payload on its way from a peer into a process's arena, before its message is known; or why it
// goes nowhere. Owned by its Peer until the message comes, or the payload is given up.
#pragma once

#include <expected>

#include "core/local/local_payload.h"
#include "core/model/br_error.h"

namespace netbinder {

using ArrivingPayload = std::expected<PlacedPayload, BrError>;

}  // namespace netbinder
