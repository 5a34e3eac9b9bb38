// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/send_queue.h"

#include <algorithm>
#include <cstring>

#include "core/base/check.h"

namespace netbinder::rdma {

SendQueue::SendQueue(QueuePair& queue_pair)
    : queue_pair_(queue_pair),
      inline_bytes_(queue_pair.inline_bytes()),
      memory_(kRegisteredBytes) {}

std::expected<std::unique_ptr<SendQueue>, std::string> SendQueue::create(ProtectionDomain& domain,
                                                                         QueuePair& queue_pair) {
  std::unique_ptr<SendQueue> queue(new SendQueue(queue_pair));
  auto region = domain.register_memory(queue->memory_, Access::kLocal);
  if (!region) return std::unexpected(region.error());
  queue->region_ = std::move(*region);
  return queue;
}

bool SendQueue::has_room(Use use, std::size_t writes) const {
  const std::uint64_t under_way = next_ - 1 - completed_;
  const std::uint32_t limit = use == Use::kCredit ? kSendRequests : kSendRequests - kReservedSends;
  return chained_ + writes + 1 <= kMaxChain && under_way + writes + 1 <= limit &&
         used_by_[next_segment_] <= completed_;
}

SendRequest& SendQueue::add(SendRequest::Kind kind) {
  NB_CHECK(chained_ < kMaxChain);
  SendRequest& request = chain_[chained_];
  request = {.kind = kind, .id = WorkId(next_), .gather = {}};
  request.signalled = next_ % kSignalEvery == 0;
  ++next_;
  ++chained_;
  return request;
}

void SendQueue::write(std::span<const std::byte> bytes, LocalKey key, std::uint64_t remote_address,
                      RemoteKey remote_key) {
  auto& gather = gather_[chained_];
  SendRequest& request = add(SendRequest::Kind::kWrite);
  gather[0] = {.data = bytes.data(), .bytes = static_cast<std::uint32_t>(bytes.size()), .key = key};
  request.gather = std::span(gather).first(1);
  request.remote_address = remote_address;
  request.remote_key = remote_key;
}

std::size_t SendQueue::send(const SegmentHeader& header, std::span<const std::byte> message,
                            std::span<const std::byte> payload,
                            std::optional<LocalKey> payload_key) {
  NB_CHECK(sizeof header + message.size() + payload.size() <= kSegmentBytes);
  auto& gather = gather_[chained_];
  auto& own_header = headers_[chained_];
  const std::uint64_t number = next_;
  SendRequest& request = add(SendRequest::Kind::kSend);
  own_header = header;
  if (sizeof header + message.size() + payload.size() <= inline_bytes_) {
    std::size_t parts = 0;
    for (const std::span<const std::byte> part :
         {std::as_bytes(std::span(&own_header, 1)), message, payload}) {
      if (part.empty()) continue;
      gather[parts++] = {
          .data = part.data(), .bytes = static_cast<std::uint32_t>(part.size()), .key = {}};
    }
    request.gather = std::span(gather).first(parts);
    request.inline_data = true;
    return payload.size();
  }
  const std::span<std::byte> segment =
      std::span(memory_).subspan(next_segment_ * kSegmentBytes, kSegmentBytes);
  used_by_[next_segment_] = number;
  next_segment_ = (next_segment_ + 1) % kSendSegments;
  std::memcpy(segment.data(), &own_header, sizeof own_header);
  std::ranges::copy(message, segment.begin() + sizeof own_header);
  std::size_t bytes = sizeof own_header + message.size();
  std::size_t parts = 1;
  std::size_t copied = 0;
  if (payload_key && !payload.empty()) {
    gather[parts++] = {.data = payload.data(),
                       .bytes = static_cast<std::uint32_t>(payload.size()),
                       .key = *payload_key};
  } else {
    std::ranges::copy(payload, segment.begin() + static_cast<std::ptrdiff_t>(bytes));
    bytes += payload.size();
    copied = payload.size();
  }
  gather[0] = {.data = segment.data(),
               .bytes = static_cast<std::uint32_t>(bytes),
               .key = region_->local_key()};
  request.gather = std::span(gather).first(parts);
  return copied;
}

int SendQueue::post() {
  if (chained_ == 0) return 0;
  const int error = queue_pair_.post_send(std::span(chain_).first(chained_));
  chained_ = 0;
  return error;
}

void SendQueue::completed(WorkId id) {
  NB_CHECK(id.value() < next_);
  completed_ = std::max(completed_, id.value());
}

}  // namespace netbinder::rdma
