// SPDX-License-Identifier: Apache-2.0
//
// Denials by the host's policy, as programs of every version of Android meet them, on one host and
// from others.
#include <algorithm>

#include "tests/service-manager/service_client.h"

namespace netbinder::testing {
namespace {

constexpr std::uint32_t kAlice = 1000;
constexpr std::uint32_t kBob = 1001;
constexpr std::int32_t kSecurity = -1;  // EX_SECURITY, and the classic failure

PolicyRule deny(Action action, Who who, const char* glob = "*") {
  return {.context = {},
          .who = {who},
          .actions = {action},
          .names = NameGlobs({glob}),
          .permission = Permission::kDenied};
}

std::shared_ptr<const Policy> policy(std::vector<PolicyRule> rules) {
  return std::make_shared<const Policy>(std::move(rules));
}

// How a oneway or a synchronous call ends at once, and the errno of its extended error.
struct End {
  std::string command;
  std::int32_t error = 0;
};
End end_of_call(ManagedCluster& cluster, ServiceClient& client, std::uint32_t handle,
                std::uint32_t flags) {
  const Request request = Request().i32(1);
  Program& program = client.program();
  program.start(1, Commands().put(BC_TRANSACTION, request.payload().call(handle, 7, flags)), true);
  cluster.settle();
  if (program.blocked(1)) {
    program.host().driver.interrupt(program.id(), ThreadId{1});
    (void)program.outcome(1);
    return {.command = "none yet"};
  }
  const Outcome outcome = program.outcome(1);
  binder_extended_error error{};
  program.control(1, BINDER_GET_EXTENDED_ERROR, &error);
  return {.command = outcome.names().front(), .error = error.param};
}

TransactionLogEntry last_failure(ManagedCluster& cluster, std::size_t host) {
  const auto entries = cluster.host(host).driver.failed_log(Viewer::everything());
  return entries.empty() ? TransactionLogEntry{} : entries.back();
}

class PolicyOfDialect : public ::testing::TestWithParam<Android> {
 protected:
  PolicyOfDialect() {
    for (const std::int32_t pid : {100, 200, 300})
      cluster_.manager(1).set_dialect(pid, GetParam().dialect);
    alice_.emplace(cluster_, 1, 100, GetParam(), kAlice);
    bob_.emplace(cluster_, 1, 200, GetParam(), kBob);
  }
  // The first word of the answer to a request: the exception, or the classic status.
  std::int32_t answer(ServiceClient& client, std::uint32_t code, const std::string& name) {
    Received reply = client.call(code, client.request().string16(name));
    EXPECT_EQ(reply.is_status(), !GetParam().has_status());
    return reply.i32();
  }
  void set_policy(std::vector<PolicyRule> rules) {
    cluster_.manager(1).set_policy(policy(std::move(rules)));
  }

  ManagedCluster cluster_;
  std::optional<ServiceClient> alice_;
  std::optional<ServiceClient> bob_;
};

INSTANTIATE_TEST_SUITE_P(Android, PolicyOfDialect, ::testing::ValuesIn(androids()),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(PolicyOfDialect, DeniesRegistering) {
  set_policy({deny(Action::kAdd, Who::user(kBob), "a.*")});
  EXPECT_EQ(bob_->add("a.b", kNode), kSecurity);
  EXPECT_EQ(bob_->add("b", kNode), 0);
  EXPECT_EQ(alice_->add("a.b", kNode), 0);
  const auto& denials = cluster_.host(1).denials;
  ASSERT_EQ(denials.size(), 1U);
  EXPECT_STREQ(denials[0].action, "add");
  EXPECT_EQ(denials[0].object, "a.b");
  EXPECT_EQ(denials[0].context, "binder");
  EXPECT_EQ(denials[0].uid, kBob);
  EXPECT_EQ(denials[0].pid, 200);
  EXPECT_EQ(denials[0].rule, 1U);
  const TransactionLogEntry failure = last_failure(cluster_, 1);
  EXPECT_EQ(failure.from_pid, 200);
  EXPECT_EQ(failure.failed_error, -EPERM);
  EXPECT_EQ(failure.rule, 1U);
  EXPECT_STREQ(failure.reason, "policy denies registering the name");
}

TEST_P(PolicyOfDialect, DeniesFinding) {
  EXPECT_EQ(alice_->add("a.b", kNode), 0);
  EXPECT_EQ(alice_->add("b", kNode + 16), 0);
  EXPECT_TRUE(bob_->check("a.b"));
  set_policy({deny(Action::kFind, Who::user(kBob), "a.*")});
  EXPECT_EQ(answer(*bob_, GetParam().check, "a.b"), kSecurity);
  EXPECT_EQ(answer(*bob_, GetParam().check, "a.b@host1"), kSecurity) << "the same name";
  EXPECT_EQ(answer(*bob_, GetParam().get, "a.none"), kSecurity) << "and nobody hears what there is";
  EXPECT_TRUE(bob_->check("b"));
  ServiceClient another(cluster_, 1, 300, GetParam(), kAlice);
  EXPECT_TRUE(another.check("a.b")) << "the rule is about bob";
  auto seen = bob_->list();
  std::erase(seen, "manager");
  EXPECT_EQ(seen, std::vector<std::string>{"b"});
  EXPECT_EQ(cluster_.host(1).denials.size(), 3U) << "a list is no denial";
  set_policy({});
  EXPECT_TRUE(bob_->check("a.b"));
}

TEST_P(PolicyOfDialect, ListenersHearOfWhatTheyMayFind) {
  if (GetParam().listen == 0) return;
  EXPECT_EQ(bob_->listen("a.b", kNode + 32), 0);
  set_policy({deny(Action::kFind, Who::user(kBob), "a.*")});
  EXPECT_EQ(bob_->listen("a.c", kNode + 48), kSecurity);
  EXPECT_EQ(alice_->add("a.b", kNode), 0);
  EXPECT_FALSE(bob_->incoming()) << "who listened before is asked again";
  set_policy({});
  EXPECT_EQ(alice_->add("a.b", kNode), 0);
  EXPECT_TRUE(bob_->incoming());
}

class CallPolicy : public ::testing::Test {
 protected:
  CallPolicy() {
    for (std::size_t host = 1; host <= 2; ++host) {
      cluster_.manager(host).set_policy(policy({
          deny(Action::kCall, Who::user(kBob), "a.*"),
          deny(Action::kCall, Who::user(7, HostId{2}), "*"),
      }));
    }
    EXPECT_EQ(server_.add("a.b", kNode), 0);
  }

  ManagedCluster cluster_{2};
  ServiceClient server_{cluster_, 1, 300, android("Android14"), kAlice};
};

TEST_F(CallPolicy, ADeniedCallFailsAsTheKernelsDoes) {
  ServiceClient bob(cluster_, 1, 200, android("Android14"), kBob);
  const auto handle = bob.check("a.b");
  ASSERT_TRUE(handle);
  for (const std::uint32_t flags : {0U, std::uint32_t{TF_ONE_WAY}}) {
    const End end = end_of_call(cluster_, bob, *handle, flags);
    EXPECT_EQ(end.command, "BR_FAILED_REPLY");
    EXPECT_EQ(end.error, -EPERM);
    const TransactionLogEntry failure = last_failure(cluster_, 1);
    EXPECT_EQ(failure.rule, 1U);
    EXPECT_STREQ(failure.reason, "policy denies the call");
  }
  EXPECT_FALSE(server_.incoming());
  ASSERT_EQ(cluster_.host(1).denials.size(), 2U);
  EXPECT_EQ(cluster_.host(1).denials[0].object, "a.b");
  EXPECT_STREQ(cluster_.host(1).denials[0].action, "call");
  ServiceClient alice(cluster_, 1, 201, android("Android14"), kAlice);
  EXPECT_EQ(end_of_call(cluster_, alice, *alice.check("a.b"), TF_ONE_WAY).command,
            "BR_TRANSACTION_COMPLETE");
  EXPECT_TRUE(server_.incoming());
}

// The host of the object decides, by who the caller is there.
TEST_F(CallPolicy, HoldsForOtherHosts) {
  DriverSetup users;
  users.uid_maps[HostId{2}].add(500, kBob);
  cluster_.host(1).driver.change(users);
  const auto end_for = [&](std::uint32_t uid) {
    ServiceClient client(cluster_, 2, 400, android("Android14"), uid);
    const auto handle = client.check("a.b");
    return handle ? end_of_call(cluster_, client, *handle, TF_ONE_WAY) : End{};
  };
  EXPECT_EQ(end_for(500).command, "BR_FAILED_REPLY") << "it is bob here";
  EXPECT_EQ(last_failure(cluster_, 1).rule, 1U);
  EXPECT_EQ(cluster_.host(1).denials.back().host, HostId{2});
  EXPECT_EQ(cluster_.host(1).denials.back().uid, kBob);
  EXPECT_EQ(end_for(7).error, -EPERM) << "this user of that host";
  EXPECT_EQ(last_failure(cluster_, 1).rule, 2U);
  EXPECT_STREQ(last_failure(cluster_, 2).reason, "policy of the other host denies the call");
  EXPECT_EQ(end_for(kAlice).command, "BR_TRANSACTION_COMPLETE");
}

TEST_F(CallPolicy, ChangesLiveForNamesThatAreThere) {
  ServiceClient bob(cluster_, 1, 200, android("Android14"), kBob);
  const std::uint32_t handle = bob.check("a.b").value();
  cluster_.manager(1).set_policy(policy({}));
  EXPECT_EQ(end_of_call(cluster_, bob, handle, TF_ONE_WAY).command, "BR_TRANSACTION_COMPLETE");
  cluster_.manager(1).set_policy(policy({deny(Action::kCall, Who::user(kBob), "a.b")}));
  EXPECT_EQ(end_of_call(cluster_, bob, handle, TF_ONE_WAY).command, "BR_FAILED_REPLY");
  // The name goes to another object: this one has none, and is a capability alone.
  EXPECT_EQ(server_.add("a.b", kNode + 16), 0);
  EXPECT_EQ(end_of_call(cluster_, bob, handle, TF_ONE_WAY).command, "BR_TRANSACTION_COMPLETE");
}

// Bob cannot make an object of alice's fall under other rules by a name of his own.
TEST_F(CallPolicy, OnlyTheOwnersUserNamesAnObject) {
  ServiceClient bob(cluster_, 1, 200, android("Android14"), kBob);
  cluster_.manager(1).set_policy(policy({
      {.context = {},
       .who = {Who::anybody()},
       .actions = {Action::kCall},
       .names = NameGlobs({"free"}),
       .permission = Permission::kAllowed},
      deny(Action::kCall, Who::user(kBob), "a.*"),
  }));
  const std::uint32_t handle = bob.check("a.b").value();
  Received reply =
      bob.call(bob.version().add,
               bob.request().string16("free").handle(bob.version(), handle).i32(0).i32(8));
  EXPECT_EQ(reply.i32(), 0) << "he may register it";
  EXPECT_EQ(end_of_call(cluster_, bob, handle, TF_ONE_WAY).command, "BR_FAILED_REPLY");
}

// A oneway registration does not tell the caller's host and groups.
TEST(Policy, AOnewayRegistrationIsDeniedWhereRulesAreAboutIt) {
  ManagedCluster cluster;
  ServiceClient client(cluster, 1, 100, android("Android14"), kAlice);
  cluster.manager(1).set_policy(policy({deny(Action::kAdd, Who::user(kBob))}));
  client.send(0, client.version().add,
              client.request().string16("a").binder(client.version(), kNode, 1).i32(0).i32(8));
  EXPECT_FALSE(client.check("a"));
  ASSERT_EQ(cluster.host(1).denials.size(), 1U);
  EXPECT_EQ(cluster.host(1).denials[0].rule, 0U);
}

class Exchange : public ::testing::Test {
 protected:
  void show(std::size_t host, const std::vector<std::string>& exports,
            const std::vector<std::string>& imports) {
    cluster_.manager(host).set_exchange(
        {.exports = {.of_context = NameGlobs(exports), .of_hosts = {}},
         .imports = {.of_context = NameGlobs(imports), .of_hosts = {}}});
    cluster_.settle();
  }
  ManagedCluster cluster_{3};
  ServiceClient server_{cluster_, 1, 100, android("Android14")};
  ServiceClient client_{cluster_, 2, 200, android("Android14")};
  ServiceClient third_{cluster_, 3, 300, android("Android14")};
};

TEST_F(Exchange, OtherHostsSeeWhatIsExported) {
  show(1, {"open.*"}, {"*"});
  EXPECT_EQ(server_.add("open.a", kNode), 0);
  EXPECT_EQ(server_.add("own", kNode + 16), 0);
  EXPECT_TRUE(client_.check("open.a"));
  EXPECT_FALSE(client_.check("own"));
  EXPECT_FALSE(client_.check("own@host1"));
  show(1, {"own"}, {"*"});
  EXPECT_FALSE(client_.check("open.a")) << "it was shown, and is not any more";
  EXPECT_TRUE(client_.check("own"));
  EXPECT_TRUE(third_.check("own"));
}

TEST_F(Exchange, AHostTakesWhatItImports) {
  show(2, {"*"}, {"!no.*"});
  EXPECT_EQ(server_.add("no.a", kNode), 0);
  EXPECT_EQ(server_.add("yes", kNode + 16), 0);
  EXPECT_FALSE(client_.check("no.a"));
  EXPECT_TRUE(client_.check("yes"));
  EXPECT_TRUE(third_.check("no.a")) << "each host decides for itself";
  show(2, {"*"}, {"no.*"});
  EXPECT_TRUE(client_.check("no.a")) << "it is asked for again";
  EXPECT_FALSE(client_.check("yes"));
}

TEST_F(Exchange, AHandleRemainsACapability) {
  EXPECT_EQ(server_.add("a", kNode), 0);
  const auto handle = client_.check("a");
  ASSERT_TRUE(handle);
  show(1, {"none"}, {"*"});
  EXPECT_FALSE(client_.check("a"));
  client_.send(*handle, 5, Request().i32(1));
  EXPECT_TRUE(server_.incoming());
}

}  // namespace
}  // namespace netbinder::testing
