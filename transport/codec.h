// SPDX-License-Identifier: Apache-2.0
//
// Frames to bytes and back. The only place that knows both protocol.capnp and the plain structs.
//
// What decode_* returns has been validated: within transport/limits.h, enumerations in range,
// shapes valid, objects in strictly ascending order inside the data, payload size as announced.
// It has not been checked for meaning: that is the core's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "transport/frame.h"

namespace netbinder {

// Replaces `out` by the prefix and the message of the frame; the payload, of `payload_bytes`, is to
// follow on the wire. Fails if the frame breaks a limit or its payload is not as announced.
[[nodiscard]] std::expected<void, std::string> encode_frame(const Frame& frame,
                                                            std::uint64_t payload_bytes,
                                                            std::vector<std::byte>& out);
// A frame that is no Message, ready to be written. Its content is ours, and keeps the limits.
[[nodiscard]] std::shared_ptr<OutgoingFrame> make_control_frame(const Frame& frame);
// The same as encode_frame for a Message frame, without taking the content.
[[nodiscard]] std::expected<void, std::string> encode_message(Sequence sequence, Sequence received,
                                                              const PeerMessage& content,
                                                              std::uint64_t payload_bytes,
                                                              std::vector<std::byte>& out);

// The prefix at the start of `bytes`, which are kFramePrefixBytes.
[[nodiscard]] std::expected<FramePrefix, std::string> decode_prefix(
    std::span<const std::byte> bytes, std::uint32_t max_message_bytes);

// The message that follows a prefix: exactly its `message_bytes`.
[[nodiscard]] std::expected<Frame, std::string> decode_frame(std::span<const std::byte> message,
                                                             std::uint64_t payload_bytes);

}  // namespace netbinder
