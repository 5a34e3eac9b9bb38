// SPDX-License-Identifier: Apache-2.0
//
// Translates frames to bytes and back. Only the codec knows both protocol.capnp and the plain
// structs.
//
// The results of decode_* have been validated: within transport/limits.h, enumerations in range,
// shapes valid, objects in strictly ascending order inside the data, payload size as announced.
// Checking their meaning is left to the core.
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

// Whether a character may be in what one host says to another for people to read.
[[nodiscard]] constexpr bool printable(char c) { return c >= 0x20 && c < 0x7F; }

// Replaces `out` by the prefix and the message of the frame. The payload, of `payload_bytes`,
// follows on the wire. Fails if the frame breaks a limit or its payload is not as announced.
[[nodiscard]] std::expected<void, std::string> encode_frame(const Frame& frame,
                                                            std::uint64_t payload_bytes,
                                                            std::vector<std::byte>& out);
// A frame other than a Message, ready to be written. We made its content, so it keeps the limits.
[[nodiscard]] std::shared_ptr<OutgoingFrame> make_control_frame(const Frame& frame);
// The same as encode_frame for a Message frame, without taking the content.
[[nodiscard]] std::expected<void, std::string> encode_message(Sequence sequence, Sequence received,
                                                              const PeerMessage& content,
                                                              std::uint64_t payload_bytes,
                                                              std::vector<std::byte>& out);

// Decodes the prefix at the start of `bytes`, which has kFramePrefixBytes.
[[nodiscard]] std::expected<FramePrefix, std::string> decode_prefix(
    std::span<const std::byte> bytes, std::uint32_t max_message_bytes);

// Decodes the message that follows a prefix: exactly its `message_bytes`.
[[nodiscard]] std::expected<Frame, std::string> decode_frame(std::span<const std::byte> message,
                                                             std::uint64_t payload_bytes);

}  // namespace netbinder
