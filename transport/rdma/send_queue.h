// SPDX-License-Identifier: Apache-2.0
//
// The send side of a queue pair: segments and writes are put into a chain, and the chain is posted.
// One request in kSignalEvery is signalled; its completion shows what is complete.
//
// Owned by an endpoint. Thread: the data-plane thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "transport/rdma/limits.h"
#include "transport/rdma/segment.h"
#include "transport/rdma/verbs.h"

namespace netbinder::rdma {

class SendQueue {
 public:
  static constexpr std::uint64_t kRegisteredBytes = std::uint64_t{kSendSegments} * kSegmentBytes;

  // The purpose of a request.
  enum class Use { kFrame, kCredit };

  static std::expected<std::unique_ptr<SendQueue>, std::string> create(ProtectionDomain& domain,
                                                                       QueuePair& queue_pair);

  // Whether so many writes and a segment after them can be put into the chain now. If not, post the
  // chain or wait for completions.
  [[nodiscard]] bool has_room(Use use, std::size_t writes = 0) const;
  // Adds a write of registered bytes, which must stay until it is complete.
  void write(std::span<const std::byte> bytes, LocalKey key, std::uint64_t remote_address,
             RemoteKey remote_key);
  // Adds a segment. `message` must stay until post(), and so must `payload`; with a key, until the
  // request is complete. Returns how many bytes of the payload are copied for it.
  std::size_t send(const SegmentHeader& header, std::span<const std::byte> message,
                   std::span<const std::byte> payload, std::optional<LocalKey> payload_key);
  // Makes the last added request produce a completion, even if it succeeds.
  void signal_last() { chain_[chained_ - 1].signalled = true; }
  // Posts the chain. 0 or a negative errno.
  int post();

  // This request, and with it all before it, is complete.
  void completed(WorkId id);
  // The number of the request that was added last.
  [[nodiscard]] WorkId last() const { return WorkId(next_ - 1); }

 private:
  explicit SendQueue(QueuePair& queue_pair);
  SendRequest& add(SendRequest::Kind kind);

  QueuePair& queue_pair_;
  const std::uint32_t inline_bytes_;
  std::vector<std::byte> memory_;  // of the segments
  std::unique_ptr<MemoryRegion> region_;
  std::array<std::uint64_t, kSendSegments> used_by_{};  // the last request that sends from it
  std::size_t next_segment_ = 0;

  std::uint64_t next_ = 1;       // number of the next request
  std::uint64_t completed_ = 0;  // of the last one that is known to be complete

  // The chain, and the memory that its requests point to.
  std::size_t chained_ = 0;
  std::array<SendRequest, kMaxChain> chain_;
  std::array<std::array<Gather, kMaxGather>, kMaxChain> gather_;
  std::array<SegmentHeader, kMaxChain> headers_;
};

}  // namespace netbinder::rdma
