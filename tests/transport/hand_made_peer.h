// SPDX-License-Identifier: Apache-2.0
//
// The other end of an endpoint's queue pair, driven by a test: it sends any segment, whatever the
// protocol says about that, and keeps what it receives.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "tests/transport/memory_verbs.h"
#include "tests/transport/verbs_test_host.h"
#include "transport/codec.h"
#include "transport/rdma/limits.h"
#include "transport/rdma/segment.h"

namespace netbinder::rdma {

// The bytes of a frame's message, without the prefix.
inline std::vector<std::byte> message_of(const Frame& frame, std::uint64_t payload_bytes = 0) {
  std::vector<std::byte> head;
  must<void>(encode_frame(frame, payload_bytes, head));
  return {head.begin() + kFramePrefixBytes, head.end()};
}

class HandMadePeer {
 public:
  struct Segment {
    SegmentHeader header;
    std::vector<std::byte> body;
  };
  static constexpr std::size_t kArenaBytes = std::size_t{1} << 20;

  explicit HandMadePeer(Verbs& verbs, std::uint32_t receives = kReceives,
                        std::uint32_t segment_bytes = kSegmentBytes)
      : receives_(receives),
        segment_bytes_(segment_bytes),
        memory_(std::size_t{receives} * segment_bytes),
        device_(must(verbs.open({}))),
        domain_(must(device_->create_protection_domain())),
        region_(must(domain_->register_memory(memory_, Access::kLocal))),
        arena_region_(must(domain_->register_memory(arena_, Access::kRemoteWrite))),
        pair_(must(domain_->create_queue_pair(
            {.sends = 4096, .receives = receives, .gather = 1, .inline_bytes = 0}))) {
    for (std::uint32_t slot = 0; slot < receives; ++slot) post_receive(slot);
  }

  [[nodiscard]] frame::RdmaOffer offer() const {
    return {.queue_pair = pair_->address(), .receives = receives_, .segment_bytes = segment_bytes_};
  }
  void connect(const frame::RdmaOffer& other) {
    must<void>(pair_->connect(other.queue_pair));
    credits = other.receives - kReservedReceives;
  }

  // The bytes that are sent stay in memory for good.
  void send(std::vector<std::byte> segment) {
    if (segment.empty()) {
      const SendRequest nothing{.kind = SendRequest::Kind::kSend};
      EXPECT_EQ(pair_->post_send(std::span(&nothing, 1)), 0);
      return;
    }
    kept_.push_back(std::move(segment));
    regions_.push_back(must(domain_->register_memory(kept_.back(), Access::kLocal)));
    const Gather gather{kept_.back().data(), static_cast<std::uint32_t>(kept_.back().size()),
                        regions_.back()->local_key()};
    const SendRequest request{.kind = SendRequest::Kind::kSend,
                              .id = WorkId(++sent_),
                              .gather = {&gather, 1},
                              .signalled = true};
    EXPECT_EQ(pair_->post_send(std::span(&request, 1)), 0);
  }
  void send(const SegmentHeader& header, std::span<const std::byte> body = {}) {
    std::vector<std::byte> segment(sizeof header + body.size());
    std::memcpy(segment.data(), &header, sizeof header);
    std::ranges::copy(body, segment.begin() + sizeof header);
    if (header.kind != SegmentKind::kCredit) --credits;
    send(std::move(segment));
  }
  // A frame in one segment, as far as that goes.
  void send(const Frame& frame, std::span<const std::byte> payload = {}, LeaseId lease = {},
            std::uint64_t payload_bytes = 0) {
    payload_bytes = std::max<std::uint64_t>(payload_bytes, payload.size());
    auto body = message_of(frame, payload_bytes);
    const SegmentHeader header{.kind = SegmentKind::kFrame,
                               .message_bytes = static_cast<std::uint32_t>(body.size()),
                               .payload_bytes = payload_bytes,
                               .lease = lease.value()};
    body.insert(body.end(), payload.begin(), payload.end());
    send(header, body);
  }
  void give_credit(std::uint16_t count) {
    send(SegmentHeader{.kind = SegmentKind::kCredit, .credits = count});
  }
  void write(std::span<const std::byte> bytes, std::uint64_t address, RemoteKey key) {
    kept_.emplace_back(bytes.begin(), bytes.end());
    regions_.push_back(must(domain_->register_memory(kept_.back(), Access::kLocal)));
    const Gather gather{kept_.back().data(), static_cast<std::uint32_t>(bytes.size()),
                        regions_.back()->local_key()};
    const SendRequest request{.kind = SendRequest::Kind::kWrite,
                              .id = WorkId(++sent_),
                              .gather = {&gather, 1},
                              .remote_address = address,
                              .remote_key = key,
                              .signalled = true};
    EXPECT_EQ(pair_->post_send(std::span(&request, 1)), 0);
  }

  // True if anything has arrived.
  bool poll() {
    std::array<Completion, 32> some;
    const std::size_t arrived = device_->poll_receives(some);
    for (const Completion& completion : std::span(some).first(arrived)) {
      if (completion.status != CompletionStatus::kSuccess) {
        failed = true;
        continue;
      }
      const auto slot = static_cast<std::uint32_t>(completion.id.value());
      take(std::span(memory_).subspan(std::size_t{slot} * segment_bytes_, completion.bytes));
      if (reposts) post_receive(slot);
    }
    const std::size_t completed = device_->poll_sends(some);
    for (const Completion& completion : std::span(some).first(completed)) {
      failed = failed || completion.status != CompletionStatus::kSuccess;
    }
    return arrived + completed > 0;
  }

  // The frames that have come, those of leases and messages alike, with their payloads if these
  // came in segments.
  struct Arrived {
    Frame frame;
    std::vector<std::byte> payload;
    SegmentHeader header;
  };
  std::deque<Arrived> frames;
  std::deque<Segment> segments;  // all of them
  std::int64_t credits = 0;      // of ours
  std::uint64_t credited = 0;    // by the endpoint, ever
  bool reposts = true;
  bool failed = false;

  [[nodiscard]] std::span<std::byte> arena() { return arena_; }
  [[nodiscard]] RemoteKey arena_key() const { return arena_region_->remote_key(); }
  [[nodiscard]] std::uint64_t address(std::size_t offset = 0) const {
    return reinterpret_cast<std::uintptr_t>(arena_.data() + offset);
  }
  [[nodiscard]] frame::LeaseGranted grant(std::uint64_t number, LeaseId lease, std::uint64_t bytes,
                                          std::size_t offset = 0,
                                          ProcessId process = ProcessId(1)) const {
    return {.number = number,
            .lease = lease,
            .process = process,
            .address = address(offset),
            .key = arena_key(),
            .bytes = bytes};
  }
  [[nodiscard]] std::size_t of_kind(SegmentKind kind) const {
    return static_cast<std::size_t>(
        std::ranges::count(segments, kind, [](const Segment& one) { return one.header.kind; }));
  }

 private:
  void post_receive(std::uint32_t slot) {
    // A queue pair that has failed is not expected to succeed.
    (void)pair_->post_receive(
        WorkId(slot),
        std::span(memory_).subspan(std::size_t{slot} * segment_bytes_, segment_bytes_),
        region_->local_key());
  }

  void take(std::span<const std::byte> bytes) {
    Segment segment;
    ASSERT_GE(bytes.size(), sizeof segment.header);
    std::memcpy(&segment.header, bytes.data(), sizeof segment.header);
    segment.body.assign(bytes.begin() + sizeof segment.header, bytes.end());
    credits += segment.header.credits;
    credited += segment.header.credits;
    if (segment.header.kind == SegmentKind::kFrame) {
      ASSERT_TRUE(arriving_.empty()) << "a frame inside a frame";
      header_ = segment.header;
    }
    if (segment.header.kind == SegmentKind::kFrame || segment.header.kind == SegmentKind::kRest) {
      arriving_.insert(arriving_.end(), segment.body.begin(), segment.body.end());
      const std::uint64_t follows = header_.lease == 0 ? header_.payload_bytes : 0;
      ASSERT_LE(arriving_.size(), header_.message_bytes + follows);
      if (arriving_.size() == header_.message_bytes + follows) {
        const auto message = std::span(arriving_).first(header_.message_bytes);
        const auto payload = std::span(arriving_).subspan(header_.message_bytes);
        frames.push_back({.frame = must(decode_frame(message, header_.payload_bytes)),
                          .payload = {payload.begin(), payload.end()},
                          .header = header_});
        arriving_.clear();
      }
    }
    segments.push_back(std::move(segment));
  }

  const std::uint32_t receives_;
  const std::uint32_t segment_bytes_;
  std::vector<std::byte> memory_;
  std::vector<std::byte> arena_ = std::vector<std::byte>(kArenaBytes);
  std::deque<std::vector<std::byte>> kept_;
  std::unique_ptr<Device> device_;
  std::unique_ptr<ProtectionDomain> domain_;
  std::unique_ptr<MemoryRegion> region_;
  std::unique_ptr<MemoryRegion> arena_region_;
  std::deque<std::unique_ptr<MemoryRegion>> regions_;
  std::unique_ptr<QueuePair> pair_;
  std::uint64_t sent_ = 0;
  std::vector<std::byte> arriving_;
  SegmentHeader header_;
};

}  // namespace netbinder::rdma
