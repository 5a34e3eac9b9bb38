// SPDX-License-Identifier: Apache-2.0
#include "transport/frame.h"

namespace netbinder {

bool has_payload(const PeerMessage& message) {
  return std::holds_alternative<peer::Call>(message) ||
         std::holds_alternative<peer::Reply>(message);
}

std::uint64_t payload_image_bytes(const PeerMessage& message) {
  if (const auto* call = std::get_if<peer::Call>(&message)) return call->shape.image_size();
  if (const auto* reply = std::get_if<peer::Reply>(&message)) return reply->shape.image_size();
  return 0;
}

}  // namespace netbinder
