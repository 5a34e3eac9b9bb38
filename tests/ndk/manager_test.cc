// SPDX-License-Identifier: Apache-2.0
// AServiceManager, with the built-in service manager and in each of its dialects.
#include <android/binder_manager.h>
#include <android/binder_process.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "tests/ndk/echo_service.h"
#include "tests/ndk/plain_object.h"
#include "tests/ndk/server_process.h"

namespace netbinder::testing {
namespace {

using namespace std::chrono_literals;

constexpr auto kLimit = 20s;

std::string fresh_name() {
  static int count = 0;
  return "netbinder.test.manager/" + std::to_string(::getpid()) + "-" + std::to_string(count++);
}

bool dialect_is(const std::string& name) {
  const char* const dialect = std::getenv("NETBINDER_DIALECT");
  return dialect != nullptr && name == dialect;
}

TEST(NdkManager, WhatIsNotThere) {
  EXPECT_EQ(AServiceManager_checkService("netbinder.test.nobody"), nullptr);
  EXPECT_EQ(AServiceManager_checkService("asdfghkl;"), nullptr);
  EXPECT_EQ(AServiceManager_checkService(nullptr), nullptr);
  EXPECT_FALSE(AServiceManager_checkServiceAccess("netbinder.test.nobody"));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(AServiceManager_getService("netbinder.test.nobody"), nullptr);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 4900ms);
}

TEST(NdkManager, AddingAndFinding) {
  const std::string name = fresh_name();
  const ndk::SpAIBinder object = make_plain_object();
  ASSERT_EQ(AServiceManager_addService(object.get(), name.c_str()), EX_NONE);
  const ndk::SpAIBinder found(AServiceManager_checkService(name.c_str()));
  EXPECT_EQ(found, object);
  const ndk::SpAIBinder got(AServiceManager_getService(name.c_str()));
  EXPECT_EQ(got, object);
  const ndk::SpAIBinder waited(AServiceManager_waitForService(name.c_str()));
  EXPECT_EQ(waited, object);
  EXPECT_TRUE(AServiceManager_checkServiceAccess(name.c_str()));

  const std::string second = fresh_name();
  ASSERT_EQ(AServiceManager_addServiceWithFlags(
                object.get(), second.c_str(),
                static_cast<AServiceManager_AddServiceFlag>(
                    ADD_SERVICE_ALLOW_ISOLATED | ADD_SERVICE_DUMP_FLAG_PRIORITY_CRITICAL)),
            EX_NONE);
  EXPECT_EQ(ndk::SpAIBinder(AServiceManager_checkService(second.c_str())), object);
  // A name can be given to another object.
  const ndk::SpAIBinder other = make_plain_object();
  ASSERT_EQ(AServiceManager_addService(other.get(), name.c_str()), EX_NONE);
  EXPECT_EQ(ndk::SpAIBinder(AServiceManager_checkService(name.c_str())), other);
}

TEST(NdkManager, WhatIsRefused) {
  const ndk::SpAIBinder object = make_plain_object();
  EXPECT_EQ(AServiceManager_addService(nullptr, "x"), EX_ILLEGAL_ARGUMENT);
  EXPECT_EQ(AServiceManager_addService(object.get(), nullptr), EX_ILLEGAL_ARGUMENT);
  EXPECT_EQ(AServiceManager_addServiceWithFlags(nullptr, "x", AServiceManager_AddServiceFlag{}),
            EX_ILLEGAL_ARGUMENT);
  // The oldest managers have no exceptions.
  const binder_exception_t wrong_name =
      dialect_is("classic") ? EX_TRANSACTION_FAILED : EX_ILLEGAL_ARGUMENT;
  EXPECT_EQ(AServiceManager_addService(object.get(), "!@#$%^&"), wrong_name);
  EXPECT_EQ(AServiceManager_addService(object.get(), ""), wrong_name);
  EXPECT_EQ(AServiceManager_registerLazyService(nullptr, "x"), STATUS_UNEXPECTED_NULL);
  EXPECT_EQ(
      AServiceManager_registerLazyServiceWithFlags(nullptr, "x", AServiceManager_AddServiceFlag{}),
      STATUS_UNEXPECTED_NULL);
}

TEST(NdkManager, WaitingForAService) {
  const std::string name = fresh_name();
  const ndk::SpAIBinder object = make_plain_object();
  std::thread later([&] {
    std::this_thread::sleep_for(200ms);
    EXPECT_EQ(AServiceManager_addService(object.get(), name.c_str()), EX_NONE);
  });
  EXPECT_EQ(ndk::SpAIBinder(AServiceManager_waitForService(name.c_str())), object);
  later.join();
  EXPECT_EQ(AServiceManager_waitForService(nullptr), nullptr);
}

struct Registered {
  std::mutex mutex;
  std::condition_variable changed;
  std::string name;
  ndk::SpAIBinder service;
  int count = 0;

  static void note(const char* name, AIBinder* service, void* cookie) {
    auto* const registered = static_cast<Registered*>(cookie);
    const std::lock_guard lock(registered->mutex);
    registered->name = name;
    registered->service.set(service);
    ++registered->count;
    registered->changed.notify_one();
  }
  bool wait_for(int wanted) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, kLimit, [&] { return count >= wanted; });
  }
};

TEST(NdkManager, Notifications) {
  if (dialect_is("classic")) {
    EXPECT_EQ(AServiceManager_registerForServiceNotifications("x", Registered::note, nullptr),
              nullptr);
    return;
  }
  const std::string name = fresh_name();
  Registered registered;
  auto* const registration =
      AServiceManager_registerForServiceNotifications(name.c_str(), Registered::note, &registered);
  ASSERT_NE(registration, nullptr);
  const ndk::SpAIBinder object = make_plain_object();
  ASSERT_EQ(AServiceManager_addService(object.get(), name.c_str()), EX_NONE);
  ASSERT_TRUE(registered.wait_for(1));
  EXPECT_EQ(registered.name, name);
  EXPECT_EQ(registered.service, object);
  // One that is there already.
  Registered second;
  auto* const other =
      AServiceManager_registerForServiceNotifications(name.c_str(), Registered::note, &second);
  ASSERT_NE(other, nullptr);
  ASSERT_TRUE(second.wait_for(1));
  EXPECT_EQ(second.service, object);
  AServiceManager_NotificationRegistration_delete(registration);
  ASSERT_EQ(AServiceManager_addService(object.get(), name.c_str()), EX_NONE);
  ASSERT_TRUE(second.wait_for(2));
  EXPECT_EQ(registered.count, 1);
  AServiceManager_NotificationRegistration_delete(other);
  AServiceManager_NotificationRegistration_delete(nullptr);
  EXPECT_EQ(AServiceManager_registerForServiceNotifications(nullptr, Registered::note, nullptr),
            nullptr);
  EXPECT_EQ(AServiceManager_registerForServiceNotifications("x", nullptr, nullptr), nullptr);
}

TEST(NdkManager, NothingIsDeclared) {
  EXPECT_FALSE(AServiceManager_isDeclared("android.hardware.light.ILights/default"));
  EXPECT_FALSE(AServiceManager_isUpdatableViaApex("android.hardware.light.ILights/default"));
  int calls = 0;
  const auto count = [](const char*, void* context) { ++*static_cast<int*>(context); };
  AServiceManager_forEachDeclaredInstance("android.hardware.light.ILights", &calls, count);
  AServiceManager_getUpdatableApexName("android.hardware.light.ILights/default", &calls, count);
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(AServiceManager_openDeclaredPassthroughHal("mapper", "x", 0), nullptr);
}

TEST(NdkManager, AServiceElsewhereAndItsEnd) {
  const std::string name = fresh_name();
  ServerProcess server("plain", name);
  {
    const ndk::SpAIBinder service(AServiceManager_waitForService(name.c_str()));
    ASSERT_NE(service.get(), nullptr);
    EXPECT_TRUE(AIBinder_isRemote(service.get()));
  }
  server.kill();
  const auto limit = std::chrono::steady_clock::now() + kLimit;
  while (ndk::SpAIBinder(AServiceManager_checkService(name.c_str())).get() != nullptr) {
    ASSERT_LT(std::chrono::steady_clock::now(), limit);
    std::this_thread::sleep_for(10ms);
  }
}

// ---- lazy services ----

// The manager looks for clients every five seconds.
class NdkLazyServices : public ::testing::Test {
 protected:
  static void use(const std::string& name) {
    const auto echo =
        IEcho::fromBinder(ndk::SpAIBinder(AServiceManager_waitForService(name.c_str())));
    ASSERT_NE(echo, nullptr);
    std::string text;
    EXPECT_TRUE(echo->echo("x", &text).isOk());
  }
};

TEST_F(NdkLazyServices, TheProcessEndsWithoutClients) {
  const std::string name = fresh_name();
  ServerProcess server("lazy", name);
  use(name);
  EXPECT_EQ(server.wait(), 0);
  EXPECT_EQ(AServiceManager_checkService(name.c_str()), nullptr);
}

TEST_F(NdkLazyServices, ACallbackUnregistersAndEndsTheProcess) {
  const std::string name = fresh_name();
  ServerProcess server("lazy-callback", name);
  use(name);
  EXPECT_EQ(server.wait(), 7);
  EXPECT_EQ(AServiceManager_checkService(name.c_str()), nullptr);
}

TEST_F(NdkLazyServices, TheProcessStaysAsLongAsItIsHeld) {
  const std::string name = fresh_name();
  ServerProcess server("lazy-held", name);
  use(name);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(server.wait(), 0);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 9s);
}

}  // namespace
}  // namespace netbinder::testing
