// SPDX-License-Identifier: Apache-2.0
//
// The built-in manager tells more of services than their names (ServiceFacts).
#include "host/service-manager/service_facts.h"

#include "tests/service-manager/service_client.h"

namespace netbinder::testing {
namespace {

using Facts = std::vector<ServiceFacts>;

// Everything behind a name, in one answer.
std::optional<Facts> facts_behind(ServiceClient& client, const std::string& name) {
  const Received reply = client.call(ServiceFacts::kCode, Request().string16(name));
  if (reply.is_status()) return std::nullopt;
  return read_service_facts({.data = reply.data, .offsets = {}});
}

TEST(ServiceFactsOf, NamesHaveTheirInstancesThePreferredOneFirst) {
  ManagedCluster cluster(2);
  ServiceClient here(cluster, 1, 100, android("Android11"), 1000);
  ServiceClient there(cluster, 2, 200, android("Classic"), 1001);
  ASSERT_EQ(there.add("both", 1), 0);
  ASSERT_EQ(there.add("far", 2), 0);
  ASSERT_EQ(here.add("both", 1), 0);
  cluster.settle();
  const std::string host1 = cluster.manager(1).services().front().host;
  const std::string host2 = cluster.manager(2).services().front().host;
  EXPECT_EQ(facts_behind(here, ""),
            (Facts{{.name = "both",
                    .instances = {{.host = host1, .pid = 100, .uid = 1000}, {.host = host2}}},
                   {.name = "far", .instances = {{.host = host2}}}}));
  EXPECT_EQ(facts_behind(here, "both"), (Facts{{.name = "far", .instances = {{.host = host2}}}}));
  EXPECT_EQ(facts_behind(here, "far"), Facts{});
}

TEST(ServiceFactsOf, LazyServicesAreToldApart) {
  ManagedCluster cluster;
  ServiceClient service(cluster, 1, 100, android("Android14"), 1000);
  ASSERT_EQ(service.add("lazy", 1), 0);
  ASSERT_EQ(service.add("other", 2), 0);
  ASSERT_EQ(service.watch_clients("lazy", 1, 3), 0);
  const auto facts = facts_behind(service, "");
  ASSERT_TRUE(facts);
  ASSERT_EQ(facts->size(), 2U);
  EXPECT_TRUE(facts->front().instances.front().lazy);
  EXPECT_FALSE(facts->back().instances.front().lazy);
}

TEST(ServiceFactsOf, NamesThatPolicyHidesAreNotTold) {
  ManagedCluster cluster;
  ServiceClient alice(cluster, 1, 100, android("Android14"), 1000);
  ServiceClient bob(cluster, 1, 200, android("Android14"), 1001);
  ASSERT_EQ(alice.add("secret", 1), 0);
  ASSERT_EQ(alice.add("shop", 2), 0);
  cluster.manager(1).set_policy(
      std::make_shared<const Policy>(std::vector<PolicyRule>{{.context = {},
                                                              .who = {Who::user(1001)},
                                                              .actions = {Action::kFind},
                                                              .names = NameGlobs({"secret"}),
                                                              .permission = Permission::kDenied}}));
  EXPECT_EQ(facts_behind(alice, "")->size(), 2U);
  const auto facts = facts_behind(bob, "");
  ASSERT_EQ(facts->size(), 1U);
  EXPECT_EQ(facts->front().name, "shop");
}

TEST(ServiceFactsOf, ManyNamesComeInParts) {
  ManagedCluster cluster;
  ServiceClient service(cluster, 1, 100, android("Android14"), 1000);
  for (std::size_t i = 0; i < ServiceFacts::kMostNames + 10; ++i) {
    ASSERT_EQ(service.add("service." + std::to_string(1000 + i), 1 + i % 100), 0);
  }
  const auto first = facts_behind(service, "");
  ASSERT_EQ(first->size(), ServiceFacts::kMostNames);
  const auto second = facts_behind(service, first->back().name);
  ASSERT_EQ(second->size(), 10U);
  EXPECT_EQ(facts_behind(service, second->back().name), Facts{});
}

TEST(ServiceFactsOf, ARequestWithoutANameIsRefused) {
  ManagedCluster cluster;
  ServiceClient client(cluster, 1, 100, android("Android14"));
  EXPECT_FALSE(facts_behind(client, "").value().size());
  EXPECT_TRUE(client.call(ServiceFacts::kCode, Request()).is_status());
}

TEST(ServiceFactsOf, AnAnswerToSomethingElseIsNone) {
  ParcelWriter writer;
  writer.i32(0);
  writer.i32(1000000);
  EXPECT_FALSE(read_service_facts(writer.take().view()));
  ParcelWriter cut;
  cut.u32(ServiceFacts::kCode);
  cut.i32(1000000);
  cut.string16("name");
  EXPECT_FALSE(read_service_facts(cut.take().view()));
}

}  // namespace
}  // namespace netbinder::testing
