// SPDX-License-Identifier: Apache-2.0
//
// The answers of the built-in service manager to a client of each version of Android.
#include <unistd.h>

#include <algorithm>

#include "tests/service-manager/service_client.h"

namespace netbinder::testing {
namespace {

class Dialects : public ::testing::TestWithParam<Android> {
 protected:
  Dialects() : before_(cluster_.host(1).driver.counts()) {
    tell_dialect(100);
    tell_dialect(200);
    client_.emplace(cluster_, 1, 100, GetParam());
    server_.emplace(cluster_, 1, 200, GetParam());
  }
  // Everything a test began is over when its programs have gone.
  void TearDown() override {
    client_.reset();
    server_.reset();
    cluster_.settle();
    const Driver::Counts after = cluster_.host(1).driver.counts();
    EXPECT_EQ(after.processes, before_.processes);
    EXPECT_EQ(after.nodes, before_.nodes);
    EXPECT_EQ(after.refs, before_.refs);
    EXPECT_EQ(after.transactions, before_.transactions);
    EXPECT_EQ(after.deaths, before_.deaths);
    EXPECT_EQ(after.buffers, before_.buffers);
    EXPECT_TRUE(cluster_.manager(1).services().empty());
  }
  void tell_dialect(std::int32_t pid) { cluster_.manager(1).set_dialect(pid, GetParam().dialect); }
  [[nodiscard]] bool has_status() const { return GetParam().has_status(); }

  ManagedCluster cluster_;
  Driver::Counts before_;
  std::optional<ServiceClient> client_;
  std::optional<ServiceClient> server_;
};

INSTANTIATE_TEST_SUITE_P(Android, Dialects, ::testing::ValuesIn(androids()),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(Dialects, AServiceThatWasAddedIsFoundAndCanBeCalled) {
  EXPECT_EQ(server_->add("hello", kNode), 0);
  const auto handle = client_->check("hello");
  ASSERT_TRUE(handle);
  client_->send(*handle, 7, Request().i32(42));
  auto call = server_->incoming();
  ASSERT_TRUE(call);
  EXPECT_EQ(call->target, kNode);
  EXPECT_EQ(call->code, 7U);
  EXPECT_EQ(call->i32(), 42);
}

TEST_P(Dialects, GetAnswersAsCheckDoes) {
  EXPECT_EQ(server_->add("hello", kNode), 0);
  Received reply = client_->call(GetParam().get, client_->request().string16("hello"));
  if (has_status()) {
    EXPECT_EQ(reply.i32(), 0);
  }
  EXPECT_TRUE(reply.handle());
  if (has_status()) {
    EXPECT_EQ(reply.u32(), GetParam().system);
  }
  EXPECT_EQ(reply.left(), 0U);
}

TEST_P(Dialects, AMissingServiceIsNull) { EXPECT_EQ(client_->check("nobody"), std::nullopt); }

TEST_P(Dialects, TheServicesOwnerGetsItsOwnBinderBack) {
  EXPECT_EQ(server_->add("hello", kNode), 0);
  Received reply = server_->call(GetParam().check, server_->request().string16("hello"));
  if (has_status()) {
    EXPECT_EQ(reply.i32(), 0);
  }
  ASSERT_EQ(reply.offsets.size(), 1U);
  flat_binder_object object{};
  std::memcpy(&object, reply.data.data() + reply.offsets[0], sizeof object);
  EXPECT_EQ(object.hdr.type, std::uint32_t{BINDER_TYPE_BINDER});
  EXPECT_EQ(object.binder, kNode);
  EXPECT_EQ(object.cookie, kNode + 1);
}

TEST_P(Dialects, NamesAreListedInOrder) {
  EXPECT_EQ(server_->add("b", kNode), 0);
  EXPECT_EQ(server_->add("a", kNode + 16), 0);
  auto names = client_->list();
  std::erase(names, "manager");
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b"}));
}

TEST_P(Dialects, AddingANameAgainReplacesTheService) {
  EXPECT_EQ(server_->add("hello", kNode), 0);
  EXPECT_EQ(client_->add("hello", kNode + 16), 0);
  const auto handle = server_->check("hello");
  ASSERT_TRUE(handle);
  server_->send(*handle, 1, Request());
  EXPECT_FALSE(server_->incoming());
  const auto call = client_->incoming();
  ASSERT_TRUE(call);
  EXPECT_EQ(call->target, kNode + 16);
}

TEST_P(Dialects, ANameDiesWithItsOwner) {
  EXPECT_EQ(server_->add("hello", kNode), 0);
  server_->die();
  EXPECT_EQ(client_->check("hello"), std::nullopt);
}

TEST_P(Dialects, TheDeathOfAReplacedServiceDoesNotTakeTheName) {
  EXPECT_EQ(server_->add("hello", kNode), 0);
  EXPECT_EQ(client_->add("hello", kNode), 0);
  server_->die();
  Received reply = client_->call(GetParam().check, client_->request().string16("hello"));
  EXPECT_EQ(reply.offsets.size(), 1U);
}

TEST_P(Dialects, InvalidNamesAreRefused) {
  const std::vector<std::string> invalid{"", "with space", "semi;colon", "at@host",
                                         std::string(128, 'x')};
  for (const std::string& name : invalid) {
    EXPECT_EQ(server_->add(name, kNode), has_status() ? -3 : -1) << name;
  }
  const std::string longest(127, 'x');
  EXPECT_EQ(server_->add(longest, kNode), 0);
  EXPECT_TRUE(client_->check(longest));
  EXPECT_EQ(server_->add("a.b.C/d-e_9", kNode), 0);
  EXPECT_TRUE(client_->check("a.b.C/d-e_9"));
}

TEST_P(Dialects, TheManagersOwnNameIsNotForOthers) {
  EXPECT_NE(server_->add("manager", kNode), 0);
  EXPECT_TRUE(client_->check("manager"));
}

// As long as nobody else takes the name: then TearDown finds nothing left.
TEST_P(Dialects, TheManagerItselfCanHaveAnotherName) {
  const auto add_manager = [&](const std::string& name, bool listed) {
    Request request = client_->request().string16(name).manager_itself(GetParam());
    if (listed) request.payload().offsets.push_back(client_->request().string16(name).payload().data.size());
    return client_->call(GetParam().add, request.i32(0).i32(8)).i32();
  };
  EXPECT_EQ(add_manager("other", false), 0);
  ASSERT_EQ(client_->check("manager"), 0U);  // from here on it has handle 0
  EXPECT_EQ(add_manager("another", true), 0);
  for (const char* name : {"other", "another"}) {
    const auto handle = client_->check(name);
    ASSERT_TRUE(handle);
    EXPECT_EQ(handle, client_->check("manager"));
    // It answers there as it does at handle 0.
    Received found = client_->call(GetParam().check, client_->request().string16(name), *handle);
    EXPECT_EQ(found.offsets.size(), 1U);
  }
  server_->die();  // the names are not the program's
  EXPECT_TRUE(client_->check("other"));
  server_.emplace(cluster_, 1, 200, GetParam());
  EXPECT_EQ(server_->add("other", kNode), 0);
  EXPECT_EQ(server_->add("another", kNode), 0);
}

TEST_P(Dialects, AWrongInterfaceIsRefusedWithAStatus) {
  Request wrong;
  wrong.token(GetParam(), 0x53595354, "android.os.IOtherManager").string16("hello");
  Received reply = client_->call(GetParam().check, wrong);
  EXPECT_TRUE(reply.is_status());
  EXPECT_EQ(reply.i32(), -EPERM);
}

TEST_P(Dialects, AnUnknownCodeIsRefusedWithAStatus) {
  Received reply = client_->call(77, client_->request().string16("hello"));
  EXPECT_TRUE(reply.is_status());
  EXPECT_LT(reply.i32(), 0);
}

// ---- from Android 11 on ----

using Aidl = Dialects;
INSTANTIATE_TEST_SUITE_P(Android, Aidl,
                         ::testing::ValuesIn(androids().begin() + 2, androids().end()),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(Aidl, EveryPartitionsHeaderIsAccepted) {
  for (const std::uint32_t header : {0x53595354U, 0x564e4452U, 0x5245434fU, 0x554e4b4eU}) {
    Request request;
    request.token(GetParam(), header).string16("hello");
    EXPECT_EQ(client_->call(GetParam().check, request).i32(), 0) << std::hex << header;
  }
  Request unknown;
  unknown.token(GetParam(), 0x12345678).string16("hello");
  EXPECT_TRUE(client_->call(GetParam().check, unknown).is_status());
}

TEST_P(Aidl, StabilityIsKeptAndWrittenAsTheClientsVersionHasIt) {
  Request request = server_->request().string16("hello");
  request.payload().add(binder_object(kNode, 0));
  request.i32(GetParam().vintf).i32(0).i32(8);
  EXPECT_EQ(server_->call(GetParam().add, request).i32(), 0);
  std::int32_t pid = 300;
  for (const Android& other : androids()) {
    if (!other.has_status()) continue;
    cluster_.manager(1).set_dialect(pid, other.dialect);
    ServiceClient reader(cluster_, 1, pid++, other);
    Received reply = reader.call(other.check, reader.request().string16("hello"));
    EXPECT_EQ(reply.i32(), 0);
    EXPECT_TRUE(reply.handle());
    EXPECT_EQ(reply.u32(), other.vintf) << other.name;
    EXPECT_EQ(reply.left(), 0U);
  }
}

TEST_P(Aidl, GetService2AndCheckService2AnswerWithAUnion) {
  EXPECT_EQ(server_->add("hello", kNode, 8), 0);
  EXPECT_EQ(server_->add("lazy", kNode + 16, 8 | 1 << 30), 0);
  for (const std::uint32_t code : {GetParam().get2, GetParam().check2}) {
    if (code == 0) continue;
    for (const std::string name : {"hello", "lazy", "nobody", "manager"}) {
      Received reply = client_->call(code, client_->request().string16(name));
      EXPECT_EQ(reply.i32(), 0);  // no exception
      EXPECT_EQ(reply.i32(), 1);  // a union
      EXPECT_EQ(reply.i32(), 0);  // its first member
      if (GetParam().check2 != 0) {
        EXPECT_EQ(reply.i32(), 1);  // a parcelable
        EXPECT_EQ(reply.i32(), 36);
        EXPECT_EQ(reply.left(), 32U);
      }
      EXPECT_EQ(reply.handle().has_value(), name != "nobody") << name;
      EXPECT_EQ(reply.u32(), name != "nobody" ? GetParam().system : GetParam().null);
      if (GetParam().check2 != 0) {
        EXPECT_EQ(reply.i32(), name == "lazy" ? 1 : 0) << name;
      }
      EXPECT_EQ(reply.left(), 0U);
    }
  }
}

TEST_P(Aidl, ListsByPriorityAndNamesItself) {
  EXPECT_EQ(server_->add("critical", kNode, 1), 0);
  EXPECT_EQ(server_->add("normal", kNode + 16, 4), 0);
  Received reply = client_->call(GetParam().list, client_->request().i32(1));
  EXPECT_EQ(reply.i32(), 0);
  EXPECT_EQ(reply.i32(), 1);
  EXPECT_EQ(reply.string16(), "critical");
  EXPECT_EQ(reply.left(), 0U);
  EXPECT_EQ(client_->list(), (std::vector<std::string>{"critical", "manager", "normal"}));
}

TEST_P(Aidl, EveryPriorityIsListedByItsOwnBitOnly) {
  const std::vector<std::int32_t> bits{1, 2, 4, 8, 16};
  for (const std::int32_t bit : bits) {
    EXPECT_EQ(
        server_->add("p" + std::to_string(bit), kNode + static_cast<std::uint64_t>(bit) * 16, bit),
        0);
  }
  for (const std::int32_t bit : bits) {
    Received reply = client_->call(GetParam().list, client_->request().i32(bit));
    EXPECT_EQ(reply.i32(), 0);
    EXPECT_EQ(reply.i32(), bit == 8 ? 2 : 1);
    if (bit == 8) {
      EXPECT_EQ(reply.string16(), "manager");
    }
    EXPECT_EQ(reply.string16(), "p" + std::to_string(bit));
    EXPECT_EQ(reply.left(), 0U);
  }
  Received none = client_->call(GetParam().list, client_->request().i32(0));
  EXPECT_EQ(none.i32(), 0);
  EXPECT_EQ(none.i32(), 0);
  EXPECT_EQ(none.left(), 0U);
}

void expect_registration(ServiceClient& client, std::uint64_t callback, const std::string& name) {
  auto call = client.incoming();
  ASSERT_TRUE(call) << name;
  EXPECT_EQ(call->target, callback);
  EXPECT_EQ(call->code, 1U);
  (void)call->i32();
  (void)call->i32();
  EXPECT_EQ(call->u32(), 0x53595354U);
  EXPECT_EQ(call->string16(), "android.os.IServiceCallback");
  EXPECT_EQ(call->string16(), name);
  EXPECT_TRUE(call->handle());
  EXPECT_EQ(call->u32(), client.version().system);
  EXPECT_EQ(call->left(), 0U);
}

TEST_P(Aidl, AListenerHearsOfAServiceThatIsThereAlready) {
  EXPECT_EQ(server_->add("hello", kNode), 0);
  EXPECT_EQ(client_->listen("hello", 0x2000), 0);
  expect_registration(*client_, 0x2000, "hello");
  EXPECT_FALSE(client_->incoming());
}

TEST_P(Aidl, AListenerHearsOfAServiceThatComesLaterAndEachTimeItComes) {
  EXPECT_EQ(client_->listen("hello", 0x2000), 0);
  EXPECT_FALSE(client_->incoming());
  EXPECT_EQ(server_->add("other", kNode + 16), 0);
  EXPECT_FALSE(client_->incoming());
  EXPECT_EQ(server_->add("hello", kNode), 0);
  expect_registration(*client_, 0x2000, "hello");
  EXPECT_EQ(server_->add("hello", kNode + 32), 0);
  expect_registration(*client_, 0x2000, "hello");
  EXPECT_FALSE(client_->incoming());
}

TEST_P(Aidl, AListenerThatUnregisteredHearsNothing) {
  EXPECT_EQ(client_->listen("hello", 0x2000), 0);
  EXPECT_EQ(client_->unlisten("hello", 0x2000), 0);
  EXPECT_EQ(server_->add("hello", kNode), 0);
  EXPECT_FALSE(client_->incoming());
  EXPECT_EQ(client_->unlisten("hello", 0x2000), -5);  // it is none any more
}

TEST_P(Aidl, AListenerForAnInvalidNameIsRefused) {
  EXPECT_EQ(client_->listen("no name", 0x2000), -3);
}

TEST_P(Aidl, ADeadListenerIsForgotten) {
  EXPECT_EQ(client_->listen("hello", 0x2000), 0);
  client_->die();
  EXPECT_EQ(server_->add("hello", kNode), 0);
  EXPECT_TRUE(server_->list().size() >= 1);
}

TEST_P(Aidl, NothingIsDeclared) {
  Received declared = client_->call(GetParam().declared, client_->request().string16("a/b"));
  EXPECT_EQ(declared.i32(), 0);
  EXPECT_EQ(declared.i32(), 0);
  EXPECT_EQ(declared.left(), 0U);
  for (const std::uint32_t code :
       {GetParam().instances, GetParam().updatable, GetParam().connection}) {
    if (code == 0) continue;
    Received none = client_->call(code, client_->request().string16("a/b"));
    EXPECT_EQ(none.i32(), 0) << code;
    EXPECT_EQ(none.i32(), 0) << code;
    EXPECT_EQ(none.left(), 0U) << code;
  }
  if (GetParam().apex != 0) {
    Received apex = client_->call(GetParam().apex, client_->request().string16("a/b"));
    EXPECT_EQ(apex.i32(), 0);
    EXPECT_EQ(apex.i32(), -1);
    EXPECT_EQ(apex.left(), 0U);
  }
}

using DebugInfo = Dialects;
INSTANTIATE_TEST_SUITE_P(Android, DebugInfo,
                         ::testing::ValuesIn(androids_with(&Android::debug_info)),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(DebugInfo, NamesEveryServiceAndItsProcess) {
  EXPECT_EQ(server_->add("hello", kNode), 0);
  EXPECT_EQ(server_->add("hello2", kNode + 16), 0);
  Received reply = client_->call(GetParam().debug_info, client_->request());
  EXPECT_EQ(reply.i32(), 0);
  std::map<std::string, std::int32_t> pids;
  for (std::int32_t left = reply.i32(); left > 0; --left) {
    EXPECT_EQ(reply.i32(), 1);
    const std::size_t before = reply.left();
    const std::int32_t size = reply.i32();
    const std::string name = reply.string16();
    pids[name] = reply.i32();
    EXPECT_EQ(static_cast<std::size_t>(size), before - reply.left()) << name;
  }
  EXPECT_EQ(reply.left(), 0U);
  EXPECT_EQ(pids["manager"], ::getpid());
  EXPECT_EQ(pids["hello"], 200);
  EXPECT_EQ(pids["hello2"], 200);
  EXPECT_EQ(pids.count("manager"), 1U);
}

}  // namespace
}  // namespace netbinder::testing
