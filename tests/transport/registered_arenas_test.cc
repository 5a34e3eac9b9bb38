// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/registered_arenas.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <vector>

#include "tests/transport/memory_verbs.h"

namespace netbinder::rdma {
namespace {

constexpr std::uint64_t kArena = 65536;

class RegisteredArenasTest : public ::testing::Test {
 protected:
  class Opener : public Verbs {
   public:
    explicit Opener(MemoryVerbs& verbs) : verbs_(verbs) {}
    std::expected<std::unique_ptr<Device>, std::string> open(const DeviceChoice& choice) override {
      return verbs_.open(choice);
    }

   private:
    MemoryVerbs& verbs_;
  };
  struct Arena {
    std::shared_ptr<std::vector<std::byte>> owner =
        std::make_shared<std::vector<std::byte>>(kArena);
    [[nodiscard]] std::span<std::byte> memory() const { return *owner; }
  };

  RegisteredArenasTest() {
    EXPECT_TRUE(adapter_->open());
    domain_ = *adapter_->device().create_protection_domain();
    arenas_ = std::make_unique<RegisteredArenas>(*adapter_, *domain_);
  }
  ~RegisteredArenasTest() override {
    arenas_.reset();
    EXPECT_EQ(verbs_.usage().regions, 0U);
    EXPECT_EQ(adapter_->registered_bytes(), 0U);
  }
  auto lend(const Arena& arena) { return arenas_->lend(arena.memory(), arena.owner); }

  MemoryVerbs verbs_;
  boost::asio::io_context io_;
  std::shared_ptr<Adapter> adapter_ =
      std::make_shared<Adapter>(io_, std::make_unique<Opener>(verbs_), DeviceChoice{}, 2 * kArena);
  std::unique_ptr<ProtectionDomain> domain_;
  std::unique_ptr<RegisteredArenas> arenas_;
};

TEST_F(RegisteredArenasTest, LeasesOfAnArenaShareItsRegistration) {
  const Arena arena;
  const auto first = lend(arena);
  const auto second = lend(arena);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(verbs_.usage().registered_bytes, kArena);
  arenas_->lease_ended(arena.memory());
  arenas_->lease_ended(arena.memory());
  EXPECT_EQ(verbs_.usage().registered_bytes, kArena) << "for the next one";
}

TEST_F(RegisteredArenasTest, AnArenaThatGoesIsKeptUntilItsLastLeaseEnds) {
  Arena arena;
  ASSERT_TRUE(lend(arena));
  const std::weak_ptr<void> memory = arena.owner;
  const auto span = arena.memory();
  arena.owner.reset();
  arenas_->arena_ends(span);
  EXPECT_EQ(verbs_.usage().regions, 1U);
  EXPECT_FALSE(memory.expired());
  arenas_->lease_ended(span);
  EXPECT_EQ(verbs_.usage().regions, 0U);
  EXPECT_TRUE(memory.expired());
  arenas_->arena_ends(span);  // of one that was never lent, or is forgotten: nothing
}

TEST_F(RegisteredArenasTest, AtTheLimitTheOneUnusedForLongestMakesRoom) {
  const Arena first;
  const Arena second;
  const Arena third;
  ASSERT_TRUE(lend(first) && lend(second));
  EXPECT_FALSE(lend(third)) << "both have leases";
  arenas_->lease_ended(second.memory());
  arenas_->lease_ended(first.memory());
  ASSERT_TRUE(lend(first));
  arenas_->lease_ended(first.memory());
  ASSERT_TRUE(lend(third));  // in place of the second
  EXPECT_EQ(verbs_.usage().registered_bytes, 2 * kArena);
  const auto before = verbs_.usage().regions;
  ASSERT_TRUE(lend(first));
  EXPECT_EQ(verbs_.usage().regions, before) << "it was registered still";
}

TEST_F(RegisteredArenasTest, ARegistrationThatFailsLeavesNothingBehind) {
  const Arena arena;
  verbs_.fail_next_registration(0, "RLIMIT_MEMLOCK");
  const auto key = lend(arena);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error(), "RLIMIT_MEMLOCK");
  EXPECT_EQ(adapter_->registered_bytes(), 0U);
  EXPECT_TRUE(lend(arena));
}

}  // namespace
}  // namespace netbinder::rdma
