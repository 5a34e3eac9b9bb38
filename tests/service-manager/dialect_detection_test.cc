// SPDX-License-Identifier: Apache-2.0
//
// Clients that did not announce their version, which shows in the requests they send.
#include "tests/service-manager/service_client.h"

namespace netbinder::testing {
namespace {

class Detection : public ::testing::TestWithParam<Android> {
 protected:
  ManagedCluster cluster_;
};

INSTANTIATE_TEST_SUITE_P(Android, Detection, ::testing::ValuesIn(androids()),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(Detection, AServerThatAddsIsUnderstoodFromThenOn) {
  ServiceClient server(cluster_, 1, 100, GetParam());
  EXPECT_EQ(server.add("hello", kNode), 0);
  EXPECT_EQ(cluster_.manager(1).services().size(), 1U);
  EXPECT_EQ(server.check("nobody"), std::nullopt);
  EXPECT_FALSE(server.list().empty());
}

TEST_P(Detection, AClientThatListsIsUnderstoodFromThenOn) {
  ServiceClient server(cluster_, 1, 100, android("Android14"));
  EXPECT_EQ(server.add("hello", kNode), 0);
  ServiceClient client(cluster_, 1, 200, GetParam());
  EXPECT_FALSE(client.list().empty());
  if (GetParam().name == "Android12") return;  // no word of it is like no other's until it adds
  EXPECT_TRUE(client.check("hello"));
}

using DebugInfoDetection = Detection;
INSTANTIATE_TEST_SUITE_P(Android, DebugInfoDetection,
                         ::testing::ValuesIn(androids_with(&Android::debug_info)),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(DebugInfoDetection, AskingForItShowsTheVersion) {
  ServiceClient server(cluster_, 1, 100, android("Android14"));
  EXPECT_EQ(server.add("hello", kNode), 0);
  ServiceClient client(cluster_, 1, 200, GetParam());
  Received reply = client.call(GetParam().debug_info, client.request());
  EXPECT_EQ(reply.i32(), 0);
  EXPECT_GE(reply.i32(), 1);
  EXPECT_TRUE(client.check("hello"));
}

using ClientCallbackDetection = Detection;
INSTANTIATE_TEST_SUITE_P(Android, ClientCallbackDetection,
                         ::testing::ValuesIn(androids_with(&Android::client_callback)),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(ClientCallbackDetection, ItIsNeverTakenForAnotherMethod) {
  ServiceClient client(cluster_, 1, 200, GetParam());
  Request callback = client.request();
  callback.string16("hello").binder(GetParam(), kNode, 0).binder(GetParam(), 0x3000, 0);
  EXPECT_EQ(client.call(GetParam().client_callback, callback).i32(), -3);  // no such service
}

TEST(DetectionOfAll, WhatOneProgramSpeaksIsNotTakenForTheNextOneWithItsPid) {
  ManagedCluster cluster;
  {
    ServiceClient first(cluster, 1, 100, android("Android16"));
    EXPECT_EQ(first.add("hello", kNode), 0);
  }
  cluster.manager(1).forget_program(100);
  ServiceClient server(cluster, 1, 200, android("Android14"));
  EXPECT_EQ(server.add("hello", kNode), 0);
  ServiceClient second(cluster, 1, 100, android("Android14"));
  EXPECT_TRUE(second.check("hello"));
}

TEST(DetectionOfAll, TwoVersionsAreServedAtOnce) {
  ManagedCluster cluster;
  std::int32_t pid = 100;
  std::vector<std::unique_ptr<ServiceClient>> clients;
  for (const Android& version : androids()) {
    clients.push_back(std::make_unique<ServiceClient>(cluster, 1, pid++, version));
    EXPECT_EQ(clients.back()->add(version.name, kNode), 0);
  }
  for (auto& client : clients) {
    for (const Android& version : androids()) {
      if (version.name == client->version().name) continue;
      if (!client->version().has_status()) {
        EXPECT_TRUE(client->check(version.name));
        continue;
      }
      Received reply =
          client->call(client->version().check, client->request().string16(version.name));
      EXPECT_EQ(reply.i32(), 0);
      EXPECT_TRUE(reply.handle()) << client->version().name << " asks for " << version.name;
      EXPECT_EQ(reply.u32(), client->version().system);
    }
  }
}

// The size of the answer to code 2 with a name: getService2's or checkService's.
std::size_t answer_to_code_2(ManagedCluster& cluster, std::int32_t pid) {
  ServiceClient client(cluster, 1, pid, android("Android16"));
  return client.call(2, client.request().string16("manager")).data.size();
}
constexpr std::size_t kCheckServiceBytes = 4 + 28;
constexpr std::size_t kGetService2Bytes = 4 + 8 + 8 + 28 + 4;

TEST(DetectionOfAll, ALibbinderIsStrongerThanTheDefaultAndWeakerThanWhatIsToldAndConfigured) {
  ManagedCluster cluster;
  EXPECT_EQ(answer_to_code_2(cluster, 100), kCheckServiceBytes);
  cluster.manager(1).suggest_dialect(200, "android16");
  EXPECT_EQ(answer_to_code_2(cluster, 200), kGetService2Bytes);
  cluster.manager(1).suggest_dialect(300, "android16");
  cluster.manager(1).set_dialect(300, "android14");
  EXPECT_EQ(answer_to_code_2(cluster, 300), kCheckServiceBytes);
  ManagedCluster configured(1, "android14");
  configured.manager(1).suggest_dialect(100, "android16");
  EXPECT_EQ(answer_to_code_2(configured, 100), kCheckServiceBytes);
  configured.manager(1).set_dialect(200, "android16");
  EXPECT_EQ(answer_to_code_2(configured, 200), kGetService2Bytes);
}

TEST(DetectionOfAll, WhatAProgramSendsIsStrongerThanItsLibbinder) {
  ManagedCluster cluster;
  cluster.manager(1).suggest_dialect(100, "android13");
  ServiceClient server(cluster, 1, 100, android("Android16"));
  EXPECT_EQ(server.add("hello", kNode), 0);  // by a code and shape of Android 16 only
  EXPECT_TRUE(server.list().size() == 2);
}

TEST(DetectionOfAll, TheConfiguredDialectOverridesWhatIsDetected) {
  ManagedCluster cluster(1, "android16");
  ServiceClient client(cluster, 1, 100, android("Android16"));
  EXPECT_EQ(client.add("hello", kNode), 0);
  ServiceClient asking(cluster, 1, 200, android("Android16"));
  Received reply = asking.call(2, asking.request().string16("hello"));  // getService2 at once
  EXPECT_EQ(reply.i32(), 0);
  EXPECT_EQ(reply.i32(), 1);
}

}  // namespace
}  // namespace netbinder::testing
