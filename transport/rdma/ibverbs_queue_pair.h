// SPDX-License-Identifier: Apache-2.0
//
// A reliable connected queue pair of libibverbs.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "transport/rdma/ibverbs_queues.h"
#include "transport/rdma/verbs.h"

namespace netbinder::rdma {

class IbvQueuePair : public QueuePair {
 public:
  static std::expected<std::unique_ptr<QueuePair>, std::string> create(
      const IbvPort& port, IbvQueues& queues, ibv_pd* domain, const QueuePairLimits& limits);
  ~IbvQueuePair() override;

  [[nodiscard]] QueuePairNumber number() const override { return QueuePairNumber{pair_->qp_num}; }
  [[nodiscard]] QueuePairAddress address() const override;
  [[nodiscard]] std::uint32_t inline_bytes() const override { return limits_.inline_bytes; }
  int post_receive(WorkId id, std::span<std::byte> memory, LocalKey key) override;
  std::expected<void, std::string> connect(const QueuePairAddress& peer) override;
  int post_send(std::span<const SendRequest> requests) override;

 private:
  IbvQueuePair(const IbvPort& port, IbvQueues& queues, const QueuePairLimits& limits)
      : port_(port), queues_(queues), limits_(limits) {}
  std::expected<void, std::string> make(ibv_pd* domain);
  std::expected<void, std::string> initialise();
  [[nodiscard]] std::expected<void, std::string> check(const QueuePairAddress& peer) const;
  [[nodiscard]] bool is_possible(const SendRequest& request) const;
  std::size_t fill_and_post(std::span<const SendRequest> requests, int& error);

  const IbvPort& port_;
  IbvQueues& queues_;
  QueuePairLimits limits_;  // the limits that the device granted
  std::uint32_t first_packet_ = 0;
  IbvOwner<ibv_qp> pair_;
  bool reserved_ = false;
};

}  // namespace netbinder::rdma
