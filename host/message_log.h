// SPDX-License-Identifier: Apache-2.0
//
// Log records about what hosts tell each other of claims, managers and references that are passed
// on: claims of contexts at debug, references at trace, as there may be some for each call.
//
// Thread: the data-plane thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/wire/peer_message.h"
#include "transport/log.h"

namespace netbinder {

enum class MessageWay : std::uint8_t { kTo, kFrom };

// Whether there is anybody who wants such records. To be asked first: it costs two loads.
[[nodiscard]] inline bool wants_message_log() {
  return log::claims.wants(log::Level::kDebug) || log::references.wants(log::Level::kTrace);
}
// `host` is the name of the other one.
void log_message(MessageWay way, std::string_view host, const PeerMessage& message);

}  // namespace netbinder
