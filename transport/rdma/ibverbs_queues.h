// SPDX-License-Identifier: Apache-2.0
//
// The completion queues of a device, one for receives and one for sends, with one descriptor for
// both and for the device's own events. They have room for every request: queue pairs reserve it
// here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "transport/rdma/ibverbs_port.h"

namespace netbinder::rdma {

class IbvQueues {
 public:
  static std::expected<std::unique_ptr<IbvQueues>, std::string> create(IbvPort& port);
  ~IbvQueues();
  IbvQueues(const IbvQueues&) = delete;
  IbvQueues& operator=(const IbvQueues&) = delete;

  [[nodiscard]] ibv_cq* receives() const { return queues_[kReceives].queue.get(); }
  [[nodiscard]] ibv_cq* sends() const { return queues_[kSends].queue.get(); }
  std::size_t poll_receives(std::span<Completion> into) { return poll(queues_[kReceives], into); }
  std::size_t poll_sends(std::span<Completion> into) { return poll(queues_[kSends], into); }

  // Reserves room for a queue pair's requests; the queues grow if needed.
  std::expected<void, std::string> reserve(std::uint32_t sends, std::uint32_t receives);
  void release(std::uint32_t sends, std::uint32_t receives);
  // Drops the remaining completions of a destroyed queue pair: its number may be used again.
  void forget(QueuePairNumber number);

  [[nodiscard]] int event_fd() const { return events_.get(); }
  int arm();
  std::optional<std::string> take_events();

 private:
  enum Which : std::size_t { kReceives, kSends, kCount };
  struct Queue {
    IbvOwner<ibv_cq> queue;
    std::uint32_t reserved = 0;
    unsigned not_acknowledged = 0;   // events
    std::deque<Completion> waiting;  // taken out by forget()
  };

  explicit IbvQueues(IbvPort& port) : port_(port) {}
  std::expected<void, std::string> open();
  std::expected<void, std::string> grow(Queue& queue, std::uint32_t entries);
  std::size_t poll(Queue& queue, std::span<Completion> into);
  std::size_t poll_device(Queue& queue, std::span<Completion> into);
  bool take_queue_event();  // whether there was one
  void take_device_events();
  void consider(const ibv_async_event& event);
  void fail(const std::string& why);

  IbvPort& port_;
  IbvOwner<ibv_comp_channel> channel_;
  std::array<Queue, kCount> queues_;  // after their channel: destroyed before it
  OwnedDescriptor events_;            // an epoll of the channel and the context
  unsigned device_not_looked_at_ = 0;
  std::optional<std::string> failure_;
};

}  // namespace netbinder::rdma
