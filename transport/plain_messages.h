// SPDX-License-Identifier: Apache-2.0
//
// The messages of plain calls, to and from bytes without Cap'n Proto's builders and readers: Call
// and Reply without objects, Call also without a security context and not nested. The codec
// encodes such messages alike but for their numbers. So the bytes around the numbers are kept, and
// a message is these bytes with its numbers in their places.
//
// No place is written down here. They are found once, at the first use, by having the codec encode
// messages that differ in one number: protocol.capnp remains the only description of the format.
// Bytes that do not look just so, from whichever peer, are left to the codec's own reader.
//
// Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "transport/frame.h"

namespace netbinder::codec {

// Replaces `out` by the frame's prefix and message. False if the message is not a plain one, or
// breaks a limit: `out` is unchanged then.
[[nodiscard]] bool encode_plain(Sequence sequence, Sequence received, const PeerMessage& content,
                                std::uint64_t payload_bytes, std::vector<std::byte>& out);

// Decodes and validates a plain message. False if it is not a plain one, or breaks a limit; `into`
// means nothing then. It is filled in place because moving it costs more than that.
[[nodiscard]] bool decode_plain(std::span<const std::byte> message, std::uint64_t payload_bytes,
                                frame::Message& into);

// The codec's own ways, for every message.
[[nodiscard]] std::expected<void, std::string> encode_any(Sequence sequence, Sequence received,
                                                          const PeerMessage& content,
                                                          std::uint64_t payload_bytes,
                                                          std::vector<std::byte>& out);
[[nodiscard]] std::expected<Frame, std::string> decode_any(std::span<const std::byte> message,
                                                           std::uint64_t payload_bytes);

}  // namespace netbinder::codec
