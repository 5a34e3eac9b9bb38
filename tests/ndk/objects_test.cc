// SPDX-License-Identifier: Apache-2.0
// Local objects: classes, references, calls without a driver.
#include <android/binder_auto_utils.h>
#include <android/binder_ibinder.h>
#include <android/binder_ibinder_jni.h>
#include <android/binder_ibinder_platform.h>
#include <android/binder_interface_utils.h>
#include <android/binder_shell.h>
#include <android/binder_stability.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "tests/ndk/plain_object.h"

namespace netbinder::testing {
namespace {

// ---- classes ----

TEST(NdkObjects, AClassNeedsEverything) {
  const auto create = [](void* args) { return args; };
  const auto destroy = [](void*) {};
  const auto transact = [](AIBinder*, transaction_code_t, const AParcel*,
                           AParcel*) -> binder_status_t { return STATUS_OK; };
  EXPECT_EQ(AIBinder_Class_define(nullptr, create, destroy, transact), nullptr);
  EXPECT_EQ(AIBinder_Class_define("x", nullptr, destroy, transact), nullptr);
  EXPECT_EQ(AIBinder_Class_define("x", create, nullptr, transact), nullptr);
  EXPECT_EQ(AIBinder_Class_define("x", create, destroy, nullptr), nullptr);
  EXPECT_STREQ(AIBinder_Class_getDescriptor(plain_class()), kPlainDescriptor);
}

TEST(NdkObjects, NamesOfMethods) {
  AIBinder_Class* const clazz = AIBinder_Class_define(
      "netbinder.test.named", [](void* args) { return args; }, [](void*) {},
      [](AIBinder*, transaction_code_t, const AParcel*, AParcel*) -> binder_status_t {
        return STATUS_OK;
      });
  EXPECT_EQ(AIBinder_Class_getFunctionName(clazz, FIRST_CALL_TRANSACTION), nullptr);
  static const char* names[] = {"first", nullptr, "third"};
  AIBinder_Class_setTransactionCodeToFunctionNameMap(clazz, names, 3);
  EXPECT_STREQ(AIBinder_Class_getFunctionName(clazz, 1), "first");
  EXPECT_EQ(AIBinder_Class_getFunctionName(clazz, 2), nullptr);
  EXPECT_STREQ(AIBinder_Class_getFunctionName(clazz, 3), "third");
  EXPECT_EQ(AIBinder_Class_getFunctionName(clazz, 4), nullptr);
  EXPECT_EQ(AIBinder_Class_getFunctionName(clazz, 0), nullptr);
}

// ---- references ----

TEST(NdkObjects, TheLastReferenceEndsTheObject) {
  const int before = plain_objects();
  AIBinder* const object = AIBinder_new(plain_class(), plain_class());
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(plain_objects(), before + 1);
  EXPECT_EQ(AIBinder_debugGetRefCount(object), 1);
  AIBinder_incStrong(object);
  EXPECT_EQ(AIBinder_debugGetRefCount(object), 2);
  AIBinder_decStrong(object);
  EXPECT_EQ(plain_objects(), before + 1);
  AIBinder_decStrong(object);
  EXPECT_EQ(plain_objects(), before);
}

TEST(NdkObjects, WhatALocalObjectIs) {
  const ndk::SpAIBinder object = make_plain_object();
  EXPECT_FALSE(AIBinder_isRemote(object.get()));
  EXPECT_TRUE(AIBinder_isAlive(object.get()));
  EXPECT_EQ(AIBinder_ping(object.get()), STATUS_OK);
  EXPECT_EQ(AIBinder_getClass(object.get()), plain_class());
  EXPECT_EQ(AIBinder_getUserData(object.get()), plain_class());
  EXPECT_TRUE(AIBinder_associateClass(object.get(), plain_class()));
  EXPECT_FALSE(AIBinder_associateClass(object.get(), nullptr));
  // Another class of the same name is not the same for a local object.
  AIBinder_Class* const twin = AIBinder_Class_define(
      kPlainDescriptor, [](void* args) { return args; }, [](void*) {},
      [](AIBinder*, transaction_code_t, const AParcel*, AParcel*) -> binder_status_t {
        return STATUS_OK;
      });
  EXPECT_FALSE(AIBinder_associateClass(object.get(), twin));
}

TEST(NdkObjects, Nulls) {
  EXPECT_EQ(AIBinder_new(nullptr, nullptr), nullptr);
  EXPECT_FALSE(AIBinder_isRemote(nullptr));
  EXPECT_FALSE(AIBinder_isAlive(nullptr));
  EXPECT_EQ(AIBinder_ping(nullptr), STATUS_UNEXPECTED_NULL);
  EXPECT_EQ(AIBinder_dump(nullptr, 1, nullptr, 0), STATUS_UNEXPECTED_NULL);
  EXPECT_EQ(AIBinder_debugGetRefCount(nullptr), -1);
  EXPECT_FALSE(AIBinder_associateClass(nullptr, plain_class()));
  EXPECT_EQ(AIBinder_getClass(nullptr), nullptr);
  EXPECT_EQ(AIBinder_getUserData(nullptr), nullptr);
  AIBinder_incStrong(nullptr);
  AIBinder_decStrong(nullptr);
  AParcel* parcel = nullptr;
  EXPECT_EQ(AIBinder_prepareTransaction(nullptr, &parcel), STATUS_UNEXPECTED_NULL);
  EXPECT_EQ(AIBinder_transact(nullptr, 1, nullptr, nullptr, 0), STATUS_UNEXPECTED_NULL);
  EXPECT_EQ(AIBinder_Weak_new(nullptr), nullptr);
  EXPECT_EQ(AIBinder_Weak_promote(nullptr), nullptr);
  EXPECT_EQ(AIBinder_Weak_clone(nullptr), nullptr);
  AIBinder_Weak_delete(nullptr);
  AIBinder* extension = nullptr;
  EXPECT_EQ(AIBinder_getExtension(nullptr, &extension), STATUS_UNEXPECTED_NULL);
  EXPECT_EQ(AIBinder_setExtension(nullptr, nullptr), STATUS_UNEXPECTED_NULL);
  EXPECT_EQ(AIBinder_DeathRecipient_new(nullptr), nullptr);
  EXPECT_EQ(AIBinder_linkToDeath(nullptr, nullptr, nullptr), STATUS_UNEXPECTED_NULL);
  EXPECT_EQ(AIBinder_unlinkToDeath(nullptr, nullptr, nullptr), STATUS_UNEXPECTED_NULL);
  EXPECT_EQ(AIBinder_FrozenStateChangeCallback_new(nullptr, nullptr), nullptr);
  EXPECT_EQ(AIBinder_fromJavaBinder(nullptr, nullptr), nullptr);
  EXPECT_EQ(AIBinder_toJavaBinder(nullptr, nullptr), nullptr);
}

TEST(NdkObjects, WeakReferences) {
  ndk::SpAIBinder object = make_plain_object();
  const ndk::ScopedAIBinder_Weak weak(AIBinder_Weak_new(object.get()));
  EXPECT_EQ(weak.promote(), object);
  const ndk::ScopedAIBinder_Weak copy(AIBinder_Weak_clone(weak.get()));
  object = nullptr;
  EXPECT_EQ(weak.promote().get(), nullptr);
  EXPECT_EQ(copy.promote().get(), nullptr);
  EXPECT_FALSE(AIBinder_Weak_lt(weak.get(), copy.get()));
  EXPECT_FALSE(AIBinder_Weak_lt(copy.get(), weak.get()));
  // A later object is another one, wherever it is in memory.
  const ndk::SpAIBinder later = make_plain_object();
  const ndk::ScopedAIBinder_Weak of_later(AIBinder_Weak_new(later.get()));
  EXPECT_NE(AIBinder_Weak_lt(weak.get(), of_later.get()),
            AIBinder_Weak_lt(of_later.get(), weak.get()));
  EXPECT_TRUE(AIBinder_Weak_lt(nullptr, weak.get()));
  EXPECT_FALSE(AIBinder_Weak_lt(weak.get(), nullptr));
  EXPECT_FALSE(AIBinder_Weak_lt(nullptr, nullptr));
}

TEST(NdkObjects, TheirOrder) {
  const ndk::SpAIBinder a = make_plain_object();
  const ndk::SpAIBinder b = make_plain_object();
  EXPECT_NE(AIBinder_lt(a.get(), b.get()), AIBinder_lt(b.get(), a.get()));
  EXPECT_FALSE(AIBinder_lt(a.get(), a.get()));
  EXPECT_TRUE(AIBinder_lt(nullptr, a.get()));
  EXPECT_FALSE(AIBinder_lt(a.get(), nullptr));
  EXPECT_FALSE(AIBinder_lt(nullptr, nullptr));
}

// ---- calls within the process ----

TEST(NdkObjects, Calls) {
  const ndk::SpAIBinder object = make_plain_object();
  ndk::ScopedAParcel in;
  ndk::ScopedAParcel out;
  ASSERT_EQ(AIBinder_prepareTransaction(object.get(), in.getR()), STATUS_OK);
  ASSERT_EQ(AParcel_writeInt32(in.get(), 17), STATUS_OK);
  ASSERT_EQ(AIBinder_transact(object.get(), kRepeat, in.getR(), out.getR(), 0), STATUS_OK);
  EXPECT_EQ(in.get(), nullptr);
  int32_t number = 0;
  ASSERT_EQ(AParcel_readInt32(out.get(), &number), STATUS_OK);
  EXPECT_EQ(number, 17);
  // Its own status.
  ASSERT_EQ(AIBinder_prepareTransaction(object.get(), in.getR()), STATUS_OK);
  out.set(nullptr);
  EXPECT_EQ(AIBinder_transact(object.get(), kRepeat + 1, in.getR(), out.getR(), FLAG_CLEAR_BUF),
            STATUS_UNKNOWN_TRANSACTION);
  EXPECT_EQ(out.get(), nullptr);
}

TEST(NdkObjects, ACallIsOfTheInterface) {
  const ndk::SpAIBinder object = make_plain_object();
  static AIBinder_Class* const other_class = AIBinder_Class_define(
      "netbinder.test.other", [](void* args) { return args; }, [](void*) {},
      [](AIBinder*, transaction_code_t, const AParcel*, AParcel*) -> binder_status_t {
        return STATUS_OK;
      });
  const ndk::SpAIBinder other(AIBinder_new(other_class, nullptr));
  // The token of the other interface, in a parcel for this object.
  ndk::ScopedAParcel wrong;
  ASSERT_EQ(AIBinder_prepareTransaction(other.get(), wrong.getR()), STATUS_OK);
  ndk::ScopedAParcel in;
  ASSERT_EQ(AIBinder_prepareTransaction(object.get(), in.getR()), STATUS_OK);
  AParcel_setDataPosition(in.get(), 0);
  AParcel_reset(in.get());
  ASSERT_EQ(AParcel_appendFrom(wrong.get(), in.get(), 0, AParcel_getDataSize(wrong.get())),
            STATUS_OK);
  ndk::ScopedAParcel out;
  EXPECT_EQ(AIBinder_transact(object.get(), kRepeat, in.getR(), out.getR(), 0), STATUS_BAD_TYPE);
}

TEST(NdkObjects, TokensOfOlderCallersAreUnderstood) {
  const ndk::SpAIBinder object = make_plain_object();
  const std::string name = kPlainDescriptor;
  for (const std::vector<int32_t>& before :
       {std::vector<int32_t>{0}, std::vector<int32_t>{0x400000, -1},
        std::vector<int32_t>{0, -1, 0x564e4452}, std::vector<int32_t>{0, -1, 0x554e4b4e}}) {
    ndk::ScopedAParcel in;
    ASSERT_EQ(AIBinder_prepareTransaction(object.get(), in.getR()), STATUS_OK);
    AParcel_reset(in.get());
    for (const int32_t word : before) (void)AParcel_writeInt32(in.get(), word);
    (void)AParcel_writeString(in.get(), name.data(), static_cast<int32_t>(name.size()));
    (void)AParcel_writeInt32(in.get(), 5);
    ndk::ScopedAParcel out;
    ASSERT_EQ(AIBinder_transact(object.get(), kRepeat, in.getR(), out.getR(), 0), STATUS_OK);
    int32_t number = 0;
    ASSERT_EQ(AParcel_readInt32(out.get(), &number), STATUS_OK);
    EXPECT_EQ(number, 5);
  }
}

TEST(NdkObjects, ClassesWithoutATokenInTheirCalls) {
  AIBinder_Class* const clazz = AIBinder_Class_define(
      "netbinder.test.bare", [](void* args) { return args; }, [](void*) {},
      [](AIBinder*, transaction_code_t, const AParcel* in, AParcel* out) -> binder_status_t {
        return AParcel_writeInt32(out, AParcel_getDataPosition(in));
      });
  AIBinder_Class_disableInterfaceTokenHeader(clazz);
  const ndk::SpAIBinder object(AIBinder_new(clazz, nullptr));
  ndk::ScopedAParcel in;
  ASSERT_EQ(AIBinder_prepareTransaction(object.get(), in.getR()), STATUS_OK);
  EXPECT_EQ(AParcel_getDataSize(in.get()), 0);
  ndk::ScopedAParcel out;
  ASSERT_EQ(AIBinder_transact(object.get(), kRepeat, in.getR(), out.getR(), 0), STATUS_OK);
}

TEST(NdkObjects, TheTokenIsAndroid14s) {
  const ndk::SpAIBinder object = make_plain_object();
  ndk::ScopedAParcel in;
  ASSERT_EQ(AIBinder_prepareTransaction(object.get(), in.getR()), STATUS_OK);
  AParcel_setDataPosition(in.get(), 0);
  int32_t word = 0;
  ASSERT_EQ(AParcel_readInt32(in.get(), &word), STATUS_OK);
  EXPECT_EQ(word, INT32_MIN);
  ASSERT_EQ(AParcel_readInt32(in.get(), &word), STATUS_OK);
  EXPECT_EQ(word, -1);
  ASSERT_EQ(AParcel_readInt32(in.get(), &word), STATUS_OK);
  EXPECT_EQ(word, 0x53595354);
  ASSERT_EQ(AParcel_readInt32(in.get(), &word), STATUS_OK);
  EXPECT_EQ(word, static_cast<int32_t>(sizeof kPlainDescriptor - 1));
}

TEST(NdkObjects, DumpsAndCommands) {
  AIBinder_Class* const clazz = AIBinder_Class_define(
      "netbinder.test.dumped", [](void* args) { return args; }, [](void*) {},
      [](AIBinder*, transaction_code_t, const AParcel*, AParcel*) -> binder_status_t {
        return STATUS_OK;
      });
  AIBinder_Class_setOnDump(clazz, [](AIBinder*, int fd, const char** args, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) ::dprintf(fd, "<%s>", args[i]);
    return binder_status_t{STATUS_OK};
  });
  AIBinder_Class_setHandleShellCommand(
      clazz, [](AIBinder*, int, int, int, const char**, uint32_t) -> binder_status_t {
        return STATUS_OK;
      });
  const ndk::SpAIBinder object(AIBinder_new(clazz, nullptr));
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const char* arguments[] = {"a", "b"};
  EXPECT_EQ(AIBinder_dump(object.get(), ends[1], arguments, 2), STATUS_OK);
  EXPECT_EQ(AIBinder_dump(object.get(), ends[1], nullptr, 1), STATUS_BAD_VALUE);
  EXPECT_EQ(AIBinder_dump(object.get(), -1, nullptr, 0), -EBADF);
  ::close(ends[1]);
  char text[16] = {};
  EXPECT_EQ(::read(ends[0], text, sizeof text), 6);
  EXPECT_STREQ(text, "<a><b>");
  ::close(ends[0]);
  // Nothing to say is no error.
  EXPECT_EQ(AIBinder_dump(make_plain_object().get(), STDERR_FILENO, nullptr, 0), STATUS_OK);
}

TEST(NdkObjects, Extensions) {
  const ndk::SpAIBinder object = make_plain_object();
  const ndk::SpAIBinder extension = make_plain_object();
  ndk::SpAIBinder found;
  EXPECT_EQ(AIBinder_getExtension(object.get(), found.getR()), STATUS_OK);
  EXPECT_EQ(found.get(), nullptr);
  ASSERT_EQ(AIBinder_setExtension(object.get(), extension.get()), STATUS_OK);
  EXPECT_EQ(AIBinder_setExtension(object.get(), nullptr), STATUS_UNEXPECTED_NULL);
  ASSERT_EQ(AIBinder_getExtension(object.get(), found.getR()), STATUS_OK);
  EXPECT_EQ(found, extension);
}

// ---- deaths and freezing, which local objects have none of ----

int unlinked = 0;

TEST(NdkObjects, LocalObjectsDoNotDie) {
  const ndk::SpAIBinder object = make_plain_object();
  const ndk::ScopedAIBinder_DeathRecipient recipient(AIBinder_DeathRecipient_new([](void*) {}));
  AIBinder_DeathRecipient_setOnUnlinked(recipient.get(), [](void*) { ++unlinked; });
  unlinked = 0;
  EXPECT_EQ(AIBinder_linkToDeath(object.get(), recipient.get(), nullptr), STATUS_INVALID_OPERATION);
  EXPECT_EQ(unlinked, 1);  // the link has ended, if it was ever one
  EXPECT_EQ(AIBinder_unlinkToDeath(object.get(), recipient.get(), nullptr),
            STATUS_INVALID_OPERATION);
  const ndk::ScopedAIBinder_FrozenStateChangeCallback callback(
      AIBinder_FrozenStateChangeCallback_new([](void*, bool) {}, [](void*) { ++unlinked; }));
  EXPECT_EQ(AIBinder_addFrozenStateChangeCallback(object.get(), callback.get(), nullptr),
            STATUS_INVALID_OPERATION);
  EXPECT_EQ(unlinked, 2);
  EXPECT_EQ(AIBinder_removeFrozenStateChangeCallback(object.get(), callback.get(), nullptr),
            STATUS_INVALID_OPERATION);
}

// ---- stability ----

TEST(NdkObjects, Stability) {
  const ndk::SpAIBinder system = make_plain_object();
  EXPECT_TRUE(AIBinder_isSystemStable(system.get()));
  EXPECT_FALSE(AIBinder_isVendorStable(system.get()));
  EXPECT_FALSE(AIBinder_requiresVintfDeclaration(system.get()));
  AIBinder_markSystemStability(system.get());
  AIBinder_markCompilationUnitStability(system.get());
  EXPECT_TRUE(AIBinder_isSystemStable(system.get()));

  const ndk::SpAIBinder vintf = make_plain_object();
  AIBinder_markVintfStability(vintf.get());
  EXPECT_TRUE(AIBinder_isSystemStable(vintf.get()));
  EXPECT_TRUE(AIBinder_isVendorStable(vintf.get()));
  EXPECT_TRUE(AIBinder_requiresVintfDeclaration(vintf.get()));
  AIBinder_forceDowngradeToLocalStability(vintf.get());
  EXPECT_TRUE(AIBinder_isSystemStable(vintf.get()));
  EXPECT_FALSE(AIBinder_requiresVintfDeclaration(vintf.get()));
  AIBinder_markVintfStability(vintf.get());  // has been taken back for good
  EXPECT_FALSE(AIBinder_requiresVintfDeclaration(vintf.get()));

  const ndk::SpAIBinder other = make_plain_object();
  AIBinder_markVintfStability(other.get());
  AIBinder_forceDowngradeToVendorStability(other.get());
  EXPECT_TRUE(AIBinder_isVendorStable(other.get()));
  EXPECT_FALSE(AIBinder_isSystemStable(other.get()));

  const ndk::SpAIBinder vendor = make_plain_object();
  AIBinder_markVendorStability(vendor.get());
  EXPECT_TRUE(AIBinder_isVendorStable(vendor.get()));
  const ndk::SpAIBinder downgraded = make_plain_object();
  AIBinder_forceDowngradeToSystemStability(downgraded.get());
  EXPECT_TRUE(AIBinder_isSystemStable(downgraded.get()));
  EXPECT_FALSE(AIBinder_isVendorStable(nullptr));
}

TEST(NdkObjectsDeathTest, StabilitiesExcludeEachOther) {
  const ndk::SpAIBinder vendor = make_plain_object();
  AIBinder_markVendorStability(vendor.get());
  EXPECT_DEATH(AIBinder_markVintfStability(vendor.get()), "another stability");
  EXPECT_DEATH(AIBinder_forceDowngradeToSystemStability(vendor.get()), "stable for vintf");
  EXPECT_DEATH(AIBinder_markVintfStability(nullptr), "local");
}

TEST(NdkObjects, SettingsOfLocalObjects) {
  const ndk::SpAIBinder object = make_plain_object();
  AIBinder_setRequestingSid(object.get(), true);
  AIBinder_setInheritRt(object.get(), true);
  AIBinder_setMinSchedulerPolicy(object.get(), 0, -5);
  // They are the flags of the object in a parcel.
  const ndk::ScopedAParcel parcel(AParcel_create());
  ASSERT_EQ(AParcel_writeStrongBinder(parcel.get(), object.get()), STATUS_OK);
  // nice -5, policy 0, descriptors accepted, real-time inherited, security context wanted
  const ndk::ScopedAParcel copy(AParcel_create());
  ASSERT_EQ(AParcel_appendFrom(parcel.get(), copy.get(), 0, AParcel_getDataSize(parcel.get())),
            STATUS_OK);
  EXPECT_EQ(AParcel_getDataSize(copy.get()), 28);
}

TEST(NdkObjectsDeathTest, SettingsAreForObjects) {
  EXPECT_DEATH(AIBinder_setInheritRt(nullptr, true), "local");
  EXPECT_DEATH(AIBinder_setRequestingSid(nullptr, true), "local");
  EXPECT_DEATH(AIBinder_setMinSchedulerPolicy(nullptr, 0, 0), "local");
}

// ---- owners ----

void add_one(int* to) {
  if (to != nullptr) ++*to;
}
struct Resource : ndk::impl::ScopedAResource<int*, add_one, nullptr> {
  explicit Resource(int* a) : ScopedAResource(a) {}
};

TEST(NdkOwners, Resources) {
  int ended = 0;
  { const Resource resource(&ended); }
  EXPECT_EQ(ended, 1);
  {
    Resource resource(&ended);
    (void)resource.release();
  }
  EXPECT_EQ(ended, 1);
  {
    Resource from(&ended);
    const Resource to(std::move(from));
    EXPECT_EQ(from.get(), nullptr);
    EXPECT_EQ(to.get(), &ended);
  }
  EXPECT_EQ(ended, 2);
}

TEST(NdkOwners, StrongReferences) {
  ndk::SpAIBinder a = make_plain_object();
  EXPECT_EQ(AIBinder_debugGetRefCount(a.get()), 1);
  ndk::SpAIBinder b = a;
  EXPECT_EQ(AIBinder_debugGetRefCount(a.get()), 2);
  const ndk::SpAIBinder c = std::move(b);
  EXPECT_EQ(b.get(), nullptr);
  EXPECT_EQ(c, a);
  EXPECT_EQ(AIBinder_debugGetRefCount(a.get()), 2);
  const ndk::SpAIBinder& same = a;
  a = same;
  EXPECT_EQ(AIBinder_debugGetRefCount(a.get()), 2);
  a = nullptr;
  EXPECT_EQ(AIBinder_debugGetRefCount(c.get()), 1);
  EXPECT_NE(a, c);
}

TEST(NdkOwners, Descriptors) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  {
    const ndk::ScopedFileDescriptor reading(ends[0]);
    const ndk::ScopedFileDescriptor copy = reading.dup();
    EXPECT_GE(copy.get(), 0);
    EXPECT_NE(copy, reading);
  }
  EXPECT_EQ(::close(ends[0]), -1);
  ::close(ends[1]);
}

struct SelfOwned : ndk::SharedRefBase {};

TEST(NdkOwners, ObjectsThatOwnThemselves) {
  const std::shared_ptr<SelfOwned> object = ndk::SharedRefBase::make<SelfOwned>();
  EXPECT_EQ(object->ref<SelfOwned>(), object);
  EXPECT_EQ(object.use_count(), 1);
}

TEST(NdkOwnersDeathTest, ObjectsThatOthersOwn) {
  EXPECT_DEATH(SelfOwned(), "no ref created during lifetime");
  EXPECT_DEATH(
      {
        const auto object = ndk::SharedRefBase::make<SelfOwned>();
        const std::shared_ptr<SelfOwned> second(object.get());
      },
      "double-owned");
}

}  // namespace
}  // namespace netbinder::testing
