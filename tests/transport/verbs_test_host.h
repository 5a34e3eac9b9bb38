// SPDX-License-Identifier: Apache-2.0
//
// The objects that tests of verbs.h have on each side: a device, registered memory, a queue pair.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "transport/rdma/verbs.h"

namespace netbinder::rdma {

inline constexpr QueuePairLimits kTestLimits{
    .sends = 16, .receives = 16, .gather = 3, .inline_bytes = 64};
// Real devices take a second to find out that a peer is gone; emulated ones, on a busy machine...
inline constexpr std::chrono::seconds kTestPatience{30};

// Or nothing of the test makes sense any more.
template <typename T>
T must(std::expected<T, std::string> result) {
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().c_str());
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}

struct TestHost {
  static constexpr std::size_t kMemory = std::size_t{1} << 20;

  explicit TestHost(Verbs& verbs, const QueuePairLimits& limits = kTestLimits)
      : memory(kMemory),
        device(must(verbs.open({}))),
        domain(must(device->create_protection_domain())),
        region(must(domain->register_memory(memory, Access::kRemoteWrite))),
        pair(must(domain->create_queue_pair(limits))) {}

  [[nodiscard]] std::span<std::byte> at(std::size_t offset, std::size_t bytes) {
    return std::span(memory).subspan(offset, bytes);
  }
  void put(std::size_t offset, std::string_view text) {
    std::memcpy(memory.data() + offset, text.data(), text.size());
  }
  [[nodiscard]] std::string text(std::size_t offset, std::size_t bytes) const {
    return {reinterpret_cast<const char*>(memory.data()) + offset, bytes};
  }
  [[nodiscard]] Gather gather(std::size_t offset, std::size_t bytes) const {
    return {memory.data() + offset, static_cast<std::uint32_t>(bytes), region->local_key()};
  }
  [[nodiscard]] std::uint64_t address(std::size_t offset) const {
    return reinterpret_cast<std::uint64_t>(memory.data() + offset);
  }
  int receive(std::uint64_t id, std::size_t offset, std::size_t bytes) {
    return pair->post_receive(WorkId{id}, at(offset, bytes), region->local_key());
  }

  std::vector<std::byte> memory;
  std::unique_ptr<Device> device;
  std::unique_ptr<ProtectionDomain> domain;
  std::unique_ptr<MemoryRegion> region;
  std::unique_ptr<QueuePair> pair;
};

inline void connect(TestHost& one, TestHost& other) {
  must<void>(one.pair->connect(other.pair->address()));
  must<void>(other.pair->connect(one.pair->address()));
}

// Polls both kinds of both devices until there are so many completions of one kind, or time is up.
class TestPoller {
 public:
  TestPoller(Device& one, Device& other) : devices_{&one, &other} {}

  std::vector<Completion> sends(std::size_t device, std::size_t count) {
    return wait(sends_[device], count);
  }
  std::vector<Completion> receives(std::size_t device, std::size_t count) {
    return wait(receives_[device], count);
  }
  void poll_once() {
    std::array<Completion, 5> some;
    for (std::size_t i = 0; i < devices_.size(); ++i) {
      std::size_t count = devices_[i]->poll_sends(some);
      sends_[i].insert(sends_[i].end(), some.begin(), some.begin() + count);
      count = devices_[i]->poll_receives(some);
      receives_[i].insert(receives_[i].end(), some.begin(), some.begin() + count);
    }
  }
  // Nothing came that was not requested.
  void expect_no_more() const {
    for (std::size_t i = 0; i < devices_.size(); ++i) {
      EXPECT_EQ(sends_[i].size(), 0U) << "sends of device " << i;
      EXPECT_EQ(receives_[i].size(), 0U) << "receives of device " << i;
    }
  }

 private:
  std::vector<Completion> wait(std::vector<Completion>& queue, std::size_t count) {
    const auto end = std::chrono::steady_clock::now() + kTestPatience;
    while (queue.size() < count && std::chrono::steady_clock::now() < end) {
      poll_once();
    }
    EXPECT_GE(queue.size(), count) << "completions missing";
    const std::size_t got = std::min(queue.size(), count);
    std::vector<Completion> result(queue.begin(), queue.begin() + got);
    queue.erase(queue.begin(), queue.begin() + got);
    return result;
  }

  std::array<Device*, 2> devices_;
  std::array<std::vector<Completion>, 2> sends_, receives_;
};

inline bool readable(int fd, std::chrono::milliseconds patience) {
  pollfd item{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&item, 1, static_cast<int>(patience.count())) == 1;
}

}  // namespace netbinder::rdma
