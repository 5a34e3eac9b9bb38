// SPDX-License-Identifier: Apache-2.0
//
// The header before the bytes of each send on a queue pair. A frame begins a segment of its own and
// continues in as many as it needs; only segments of credit may come between them.
//
//     header | the frame's message, in Cap'n Proto's stream framing | its payload, if it follows
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace netbinder::rdma {

enum class SegmentKind : std::uint8_t {
  kProbe = 1,   // nothing: shows that segments arrive
  kFrame = 2,   // a frame begins
  kRest = 3,    // and goes on
  kCredit = 4,  // nothing but credit; takes none
};

// Little-endian.
struct SegmentHeader {
  SegmentKind kind = SegmentKind::kProbe;
  std::uint8_t reserved = 0;        // 0
  std::uint16_t credits = 0;        // segments served since the last header said so
  std::uint32_t message_bytes = 0;  // kFrame: of the message
  std::uint64_t payload_bytes = 0;  // kFrame: of the payload
  std::uint64_t lease = 0;          // kFrame: the payload is there already; 0: it follows
};
static_assert(sizeof(SegmentHeader) == 24 && std::is_trivially_copyable_v<SegmentHeader>);
static_assert(offsetof(SegmentHeader, credits) == 2 && offsetof(SegmentHeader, message_bytes) == 4);
static_assert(offsetof(SegmentHeader, payload_bytes) == 8 && offsetof(SegmentHeader, lease) == 16);

}  // namespace netbinder::rdma
