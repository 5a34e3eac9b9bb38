// SPDX-License-Identifier: Apache-2.0
//
// Tests of verbs.h run on the device made of memory, and on a real one if this machine has one:
// tests/guest/rdma_guest gives it one.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "tests/transport/memory_verbs.h"
#include "tests/transport/verbs_test_host.h"
#include "transport/rdma/ibverbs_device.h"

namespace netbinder::rdma {

// Another one each time, so that --gtest_repeat tries other orders.
inline std::uint64_t next_seed = 0;

template <MemoryVerbsOptions::Execution execution>
struct OfMemory {
  std::unique_ptr<MemoryVerbs> verbs = std::make_unique<MemoryVerbs>(
      MemoryVerbsOptions{.execution = execution, .seed = ++next_seed});
  static std::string missing() { return {}; }
  void finish() const {
    EXPECT_EQ(verbs->usage(), kNothingInUse);
    EXPECT_EQ(verbs->misuse().changed_sends, 0U);
  }
};

// Runs both hosts on one device, opened twice.
struct OfIbverbs {
  std::unique_ptr<Verbs> verbs = make_ibverbs();
  static std::string missing() {
    const auto device = make_ibverbs()->open({});
    return device ? std::string() : device.error();
  }
  void finish() const {}
};

template <typename Backend>
class VerbsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string missing = Backend::missing();
    if (missing.empty()) {
      return;
    }
    if (std::getenv("NETBINDER_REQUIRE_RDMA") != nullptr) {
      FAIL() << "NETBINDER_REQUIRE_RDMA is set, but: " << missing;
    }
    GTEST_SKIP() << "************ NOT TESTED ON A REAL RDMA DEVICE: " << missing
                 << " (tests/guest/rdma_guest gives it one)";
  }
  void TearDown() override { backend_.finish(); }

  Backend backend_;
};

using Backends = ::testing::Types<OfMemory<MemoryVerbsOptions::Execution::kAtOnce>,
                                OfMemory<MemoryVerbsOptions::Execution::kLazily>, OfIbverbs>;
struct BackendNames {
  template <typename Backend>
  static std::string GetName(int index) {
    return std::array{"AtOnce", "Lazily", "Ibverbs"}[index];
  }
};

// Two hosts, connected, with the poller of their devices.
struct Connected {
  explicit Connected(Verbs& verbs, const QueuePairLimits& limits = kTestLimits)
      : a(verbs, limits), b(verbs, limits), poller(*a.device, *b.device) {
    connect(a, b);
  }
  static constexpr std::size_t kA = 0, kB = 1;
  std::vector<Completion> sends_of_a(std::size_t count) { return poller.sends(kA, count); }
  std::vector<Completion> receives_of_a(std::size_t count) { return poller.receives(kA, count); }
  std::vector<Completion> sends_of_b(std::size_t count) { return poller.sends(kB, count); }
  std::vector<Completion> receives_of_b(std::size_t count) { return poller.receives(kB, count); }

  // A signalled one, from a.
  int send(std::uint64_t id, const Gather& gather) {
    const SendRequest request{.id = WorkId{id}, .gather = {&gather, 1}, .signalled = true};
    return a.pair->post_send({&request, 1});
  }
  int write(std::uint64_t id, const Gather& gather, std::uint64_t address, RemoteKey key) {
    const SendRequest request{.kind = SendRequest::Kind::kWrite,
                              .id = WorkId{id},
                              .gather = {&gather, 1},
                              .remote_address = address,
                              .remote_key = key,
                              .signalled = true};
    return a.pair->post_send({&request, 1});
  }
  // How many there are without looking at b.
  std::size_t sends_of_a_only() {
    std::array<Completion, 4> some;
    std::size_t count = 0;
    const auto end = std::chrono::steady_clock::now() + kTestPatience;
    while (count == 0 && std::chrono::steady_clock::now() < end) {
      count = a.device->poll_sends(some);
    }
    return count;
  }
  // To be called before expect_both_failed(), not after the failure: soft-RoCE does not flush
  // receives that are posted to a queue pair which has failed already.
  void post_to_be_flushed() {
    ASSERT_EQ(a.receive(901, 0, 16), 0);
    ASSERT_EQ(b.receive(902, 0, 16), 0);
  }
  // Both ends report that they cannot be used any more.
  void expect_both_failed() {
    for (const std::vector<Completion>& flushed : {receives_of_a(1), receives_of_b(1)}) {
      ASSERT_EQ(flushed.size(), 1U);
      EXPECT_STREQ(to_string(flushed[0].status), to_string(CompletionStatus::kFlushed));
    }
  }

  TestHost a, b;
  TestPoller poller;
};

inline void expect_only(const std::vector<Completion>& got, std::uint64_t id,
                        CompletionStatus status, const QueuePair& pair) {
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].id, WorkId{id});
  EXPECT_STREQ(to_string(got[0].status), to_string(status));
  EXPECT_EQ(got[0].queue_pair, pair.number());
}

}  // namespace netbinder::rdma
