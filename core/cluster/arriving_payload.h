// SPDX-License-Identifier: Apache-2.0
//
// A payload that is arriving from a peer in a process's arena, before its message is known; or why
// it has no place. Owned by its Peer until the message comes or the payload is abandoned.
#pragma once

#include <expected>

#include "core/local/local_payload.h"
#include "core/model/br_error.h"

namespace netbinder {

using ArrivingPayload = std::expected<PlacedPayload, BrError>;

}  // namespace netbinder
