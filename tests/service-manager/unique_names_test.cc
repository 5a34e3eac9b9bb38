// SPDX-License-Identifier: Apache-2.0
//
// Names that one host of the cluster may have at a time: registrations that wait for the store, and
// claims that are lost. The store is the test's.
#include "host/service-manager/unique_names.h"

#include <algorithm>

#include "tests/service-manager/service_client.h"

namespace netbinder::testing {
namespace {

constexpr std::int32_t kRefused = -5;  // EX_ILLEGAL_STATE

class Store final : public NameClaims {
 public:
  void ask(const std::string& name) override { asked.push_back(name); }
  void release(const std::string& name) override { released.push_back(name); }

  std::vector<std::string> asked;
  std::vector<std::string> released;
};

class Unique : public ::testing::TestWithParam<Android> {
 protected:
  Unique() {
    for (const std::size_t host : {1U, 2U}) {
      UniqueNames& names = cluster_.manager(host).unique_names();
      names.set_claims(store(host));
      names.set_names(NameGlobs({"only.*", "!only.not"}));
      for (const std::int32_t pid : {100, 200, 300}) {
        cluster_.manager(host).set_dialect(pid, GetParam().dialect);
      }
    }
    server_.emplace(cluster_, 1, 100, GetParam());
    other_.emplace(cluster_, 1, 200, GetParam());
    far_.emplace(cluster_, 2, 300, GetParam());
  }
  void TearDown() override {
    server_.reset();
    other_.reset();
    far_.reset();
    cluster_.settle();
    EXPECT_TRUE(cluster_.manager(1).services().empty());
    EXPECT_TRUE(cluster_.manager(2).services().empty());
    EXPECT_FALSE(cluster_.manager(1).needs_looks());
    EXPECT_EQ(cluster_.host(1).driver.counts().refs, refs_before_);
  }

  Store& store(std::size_t host) { return stores_.at(host - 1); }
  void decide(const std::string& name, ClaimAnswer answer, std::size_t host = 1) {
    cluster_.manager(host).unique_names().answered(name, answer);
    cluster_.settle();
  }
  void lose(const std::string& name) {
    cluster_.manager(1).unique_names().lost(name);
    cluster_.settle();
  }
  void start(ServiceClient& client, const std::string& name, std::uint64_t ptr = kNode) {
    client.start_adding(name, ptr);
    cluster_.settle();
  }
  // The answer to a registration that was started; nothing: it waits.
  std::optional<std::int32_t> answer(ServiceClient& client) {
    for (int rounds = 0; rounds < 3; ++rounds) {
      cluster_.settle();
      if (const auto got = client.answer()) {
        cluster_.settle();
        return got;
      }
    }
    return std::nullopt;
  }
  std::int32_t refused() const { return GetParam().has_status() ? kRefused : -1; }
  void register_it() {
    start(*server_, "only.one");
    decide("only.one", ClaimAnswer::kGranted);
    ASSERT_EQ(answer(*server_), 0);
  }

  std::vector<Store> stores_{2};
  ManagedCluster cluster_{2};
  std::size_t refs_before_ = cluster_.host(1).driver.counts().refs;
  std::optional<ServiceClient> server_;
  std::optional<ServiceClient> other_;
  std::optional<ServiceClient> far_;
};

INSTANTIATE_TEST_SUITE_P(Android, Unique,
                         ::testing::Values(android("Classic"), android("Android14")),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(Unique, ARegistrationIsAnsweredWhenTheStoreHasGrantedIt) {
  start(*server_, "only.one");
  EXPECT_EQ(store(1).asked, std::vector<std::string>{"only.one"});
  EXPECT_EQ(answer(*server_), std::nullopt);
  EXPECT_FALSE(other_->check("only.one"));
  EXPECT_FALSE(far_->check("only.one"));

  decide("only.one", ClaimAnswer::kGranted);
  EXPECT_EQ(answer(*server_), 0);
  EXPECT_TRUE(other_->check("only.one"));
  EXPECT_TRUE(far_->check("only.one"));
}

TEST_P(Unique, OtherNamesAreNotAskedFor) {
  EXPECT_EQ(server_->add("free", kNode), 0);
  EXPECT_EQ(server_->add("only.not", kNode), 0);
  EXPECT_TRUE(store(1).asked.empty());
  server_->die();
  EXPECT_TRUE(store(1).released.empty());
}

TEST_P(Unique, WhatAnotherHostHasOrNobodyDecidesIsRefused) {
  for (const ClaimAnswer refusal : {ClaimAnswer::kHeld, ClaimAnswer::kUnreachable}) {
    start(*server_, "only.one");
    decide("only.one", refusal);
    EXPECT_EQ(answer(*server_), refused());
    EXPECT_FALSE(other_->check("only.one"));
  }
  EXPECT_EQ(store(1).asked.size(), 2U);
  EXPECT_TRUE(store(1).released.empty());
}

TEST_P(Unique, RegisteringAgainNeedsNoOtherClaim) {
  register_it();
  EXPECT_EQ(server_->add("only.one", kNode + 0x100), 0);
  EXPECT_EQ(store(1).asked.size(), 1U);
  EXPECT_TRUE(store(1).released.empty());
}

TEST_P(Unique, SeveralWaitForOneClaim) {
  start(*server_, "only.one");
  start(*other_, "only.one", kNode + 0x100);
  EXPECT_EQ(store(1).asked.size(), 1U);
  decide("only.one", ClaimAnswer::kGranted);
  EXPECT_EQ(answer(*server_), 0);
  EXPECT_EQ(answer(*other_), 0);  // of the same user, and the later one has it
}

TEST_P(Unique, TheClaimIsGivenBackWhenTheServiceDies) {
  register_it();
  server_->die();
  EXPECT_EQ(store(1).released, std::vector<std::string>{"only.one"});
  EXPECT_FALSE(far_->check("only.one"));
}

TEST_P(Unique, AServiceThatDiesBeforeTheAnswerHoldsNothing) {
  start(*server_, "only.one");
  server_->die();
  EXPECT_TRUE(store(1).released.empty());
  decide("only.one", ClaimAnswer::kGranted);
  EXPECT_EQ(store(1).released, std::vector<std::string>{"only.one"});
  EXPECT_FALSE(other_->check("only.one"));
}

TEST_P(Unique, WithoutItsClaimANameIsWithdrawnUntilItIsGrantedAgain) {
  register_it();
  lose("only.one");
  EXPECT_FALSE(other_->check("only.one"));
  EXPECT_FALSE(far_->check("only.one"));
  EXPECT_TRUE(store(1).released.empty());

  cluster_.look();
  EXPECT_EQ(store(1).asked.size(), 2U);
  cluster_.look();  // one question at a time
  EXPECT_EQ(store(1).asked.size(), 2U);
  decide("only.one", ClaimAnswer::kUnreachable);
  EXPECT_FALSE(other_->check("only.one"));
  cluster_.look();
  EXPECT_EQ(store(1).asked.size(), 3U);
  decide("only.one", ClaimAnswer::kGranted);
  EXPECT_TRUE(other_->check("only.one"));
  EXPECT_TRUE(far_->check("only.one"));
  EXPECT_FALSE(cluster_.manager(1).needs_looks());
}

TEST_P(Unique, ANameThatAnotherHostHasTakenMeanwhileStaysAway) {
  register_it();
  lose("only.one");
  start(*far_, "only.one");
  decide("only.one", ClaimAnswer::kGranted, 2);
  EXPECT_EQ(answer(*far_), 0);
  EXPECT_TRUE(other_->check("only.one"));  // the other host's now
  cluster_.look();
  decide("only.one", ClaimAnswer::kHeld);
  EXPECT_FALSE(cluster_.manager(1).needs_looks());
  far_->die();
  EXPECT_FALSE(other_->check("only.one"));
}

TEST_P(Unique, AWithdrawnServiceThatDiesIsForgotten) {
  register_it();
  lose("only.one");
  server_->die();
  EXPECT_FALSE(cluster_.manager(1).needs_looks());
  EXPECT_TRUE(store(1).released.empty());  // there was nothing to be given back
}

TEST_P(Unique, AWithdrawnServiceThatDiesWhileItIsAskedForGivesTheClaimBack) {
  register_it();
  lose("only.one");
  cluster_.look();
  server_->die();
  decide("only.one", ClaimAnswer::kGranted);
  EXPECT_EQ(store(1).released, std::vector<std::string>{"only.one"});
}

TEST_P(Unique, AServiceThatStartsAgainWhileItsNameIsWithdrawnAsksAtOnce) {
  register_it();
  lose("only.one");
  start(*other_, "only.one", kNode + 0x100);
  EXPECT_EQ(store(1).asked.size(), 2U);
  decide("only.one", ClaimAnswer::kGranted);
  EXPECT_EQ(answer(*other_), 0);
  server_->die();
  EXPECT_TRUE(far_->check("only.one"));  // it is the second service's
  EXPECT_TRUE(store(1).released.empty());
}

TEST_P(Unique, AnotherUsersNameIsRefusedAlsoWhenBothHaveWaited) {
  ServiceClient stranger(cluster_, 1, 400, GetParam(), 1001);
  cluster_.manager(1).set_dialect(400, GetParam().dialect);
  start(*server_, "only.one");
  start(stranger, "only.one", kNode + 0x100);
  decide("only.one", ClaimAnswer::kGranted);
  EXPECT_EQ(answer(*server_), 0);
  EXPECT_EQ(answer(stranger), -1);  // EX_SECURITY, and the classic failure
}

}  // namespace
}  // namespace netbinder::testing
