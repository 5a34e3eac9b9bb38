// SPDX-License-Identifier: Apache-2.0
//
// Rules about who may call a node, of callers of its own host and of another one.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

constexpr std::uint64_t kNode = 0x1000;
constexpr std::uint32_t kAlice = 1000;

// A manager on host 1 that gives its node away: to a program there, by whose handle rules are set,
// and to a client on the host that the case says.
class CallRules : public ::testing::TestWithParam<std::size_t> {
 protected:
  CallRules() {
    std::int32_t unused = 0;
    server_.greet(1);
    holder_.greet(1);
    server_.host().driver.control(server_.id(), ThreadId{1}, BINDER_SET_CONTEXT_MGR,
                                  {reinterpret_cast<std::byte*>(&unused), sizeof unused});
    cluster_.settle();
    EXPECT_EQ(server_.outcome(1).error, 0);
    server_.enter_looper(1);
    held_ = give(holder_);
    client_.greet(1);
    handle_ = give(client_);
  }
  // The program's handle of the server's node.
  std::uint32_t give(Program& program) {
    const Payload question;
    program.start(1, Commands().put(BC_TRANSACTION, question.call(0, 1)), true);
    cluster_.settle();
    const Outcome asked = server_.read_now(1);
    const auto call = asked.find(BR_TRANSACTION)->as<binder_transaction_data>();
    Payload reply;
    reply.add(binder_object(kNode, 0));
    server_.write(
        1, Commands().put(BC_FREE_BUFFER, call.data.ptr.buffer).put(BC_REPLY, reply.call(0, 0)));
    cluster_.settle();
    const Outcome told = server_.read_now(1);
    const binder_ptr_cookie node{.ptr = kNode, .cookie = 0};
    Commands answers;
    if (told.find(BR_INCREFS) != nullptr) answers.put(BC_INCREFS_DONE, node);
    if (told.find(BR_ACQUIRE) != nullptr) answers.put(BC_ACQUIRE_DONE, node);
    server_.write(1, answers);
    cluster_.settle();
    const auto data = program.outcome(1).find(BR_REPLY)->as<binder_transaction_data>();
    flat_binder_object object{};
    std::memcpy(&object, program.at(data.data.ptr.buffer), sizeof object);
    program.write(
        1, Commands().put(BC_ACQUIRE, object.handle).put(BC_FREE_BUFFER, data.data.ptr.buffer));
    cluster_.settle();
    return object.handle;
  }
  void deny(Who who) {
    AccessRules rules("name");
    rules.add({who}, {.permission = Permission::kDenied, .rule = 3});
    cluster_.host(1).driver.set_call_rules(holder_.id(), Handle{held_}, std::move(rules));
  }
  // How the client's oneway call ends.
  std::string call() {
    const Payload payload("x");
    client_.start(1, Commands().put(BC_TRANSACTION, payload.call(handle_, 7, TF_ONE_WAY)), true);
    cluster_.settle();
    const auto names = client_.outcome(1).names();
    const Outcome read = server_.read_now(1);
    if (const Returned* call = read.find(BR_TRANSACTION)) {
      ++arrived_;
      server_.write(
          1, Commands().put(BC_FREE_BUFFER, call->as<binder_transaction_data>().data.ptr.buffer));
    }
    return names.empty() ? "" : names.front();
  }
  [[nodiscard]] HostId client_host() const {
    return HostId{static_cast<std::uint32_t>(GetParam())};
  }

  Cluster cluster_{2};
  Program server_{cluster_.host(1), 100, "binder", 128 * 1024, 0};
  Program holder_{cluster_.host(1), 101, "binder", 128 * 1024, 0};
  Program client_{cluster_.host(GetParam()), 200, "binder", 128 * 1024, kAlice};
  std::uint32_t held_ = 0;
  std::uint32_t handle_ = 0;
  int arrived_ = 0;
};

INSTANTIATE_TEST_SUITE_P(From, CallRules, ::testing::Values(1, 2),
                         [](const auto& tested) { return "Host" + std::to_string(tested.param); });

TEST_P(CallRules, DenyWithEpermAndTheRuleInTheLog) {
  deny(Who::user(kAlice));
  EXPECT_EQ(call(), "BR_FAILED_REPLY");
  binder_extended_error error{};
  client_.control(1, BINDER_GET_EXTENDED_ERROR, &error);
  EXPECT_EQ(error.param, -EPERM);
  EXPECT_EQ(arrived_, 0);
  const auto failures = cluster_.host(1).driver.failed_log(Viewer::everything());
  ASSERT_FALSE(failures.empty());
  EXPECT_EQ(failures.back().rule, 3U);
  EXPECT_EQ(failures.back().failed_error, -EPERM);
  ASSERT_EQ(cluster_.host(1).denials.size(), 1U);
  EXPECT_EQ(cluster_.host(1).denials[0].object, "name");
  EXPECT_EQ(cluster_.host(1).denials[0].host, client_host());
  EXPECT_EQ(cluster_.host(1).denials[0].pid, GetParam() == 1 ? 200 : 0);
}

TEST_P(CallRules, ConcernThoseThatTheyNameOnly) {
  deny(Who::user(kAlice + 1));
  EXPECT_EQ(call(), "BR_TRANSACTION_COMPLETE");
  deny(Who::anybody(HostId{3}));
  EXPECT_EQ(call(), "BR_TRANSACTION_COMPLETE");
  deny(Who::anybody(client_host()));
  EXPECT_EQ(call(), "BR_FAILED_REPLY");
  cluster_.host(1).driver.set_call_rules(holder_.id(), Handle{held_}, {});
  EXPECT_EQ(call(), "BR_TRANSACTION_COMPLETE");
  EXPECT_EQ(arrived_, 3);
}

TEST_P(CallRules, KnowUsersOfOtherHostsAsTheyAreHere) {
  DriverSetup users;
  users.uid_maps[HostId{2}].add(kAlice, 7);
  cluster_.host(1).driver.change(users);
  deny(Who::user(7));
  EXPECT_EQ(call(), GetParam() == 1 ? "BR_TRANSACTION_COMPLETE" : "BR_FAILED_REPLY");
}

}  // namespace
}  // namespace netbinder::testing
