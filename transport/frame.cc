// SPDX-License-Identifier: Apache-2.0
#include "transport/frame.h"

#include "core/base/uapi.h"

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

std::optional<PayloadRecipient> payload_recipient(const PeerMessage& message) {
  if (const auto* call = std::get_if<peer::Call>(&message)) {
    const auto context = static_cast<std::uint32_t>(call->security_context.size());
    return PayloadRecipient{.request = {.recipient = call->target,
                                        .bytes = call->shape.image_size(),
                                        .context_bytes = context == 0 ? 0 : context + 1,
                                        .oneway = (call->flags & TF_ONE_WAY) != 0,
                                        .ahead = false},
                            .caller = {}};
  }
  if (const auto* reply = std::get_if<peer::Reply>(&message)) {
    return PayloadRecipient{.request = {.recipient = reply->call,
                                        .bytes = reply->shape.image_size(),
                                        .context_bytes = 0,
                                        .oneway = false,
                                        .ahead = false},
                            .caller = reply->caller};
  }
  return std::nullopt;
}

}  // namespace netbinder
