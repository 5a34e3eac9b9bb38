// SPDX-License-Identifier: Apache-2.0
// APersistableBundle.
#include <android/binder_auto_utils.h>
#include <android/binder_parcel_utils.h>
#include <android/persistable_bundle.h>
#include <android/persistable_bundle_aidl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace netbinder::testing {
namespace {

using ::testing::ElementsAre;

struct Deleter {
  void operator()(APersistableBundle* bundle) const { APersistableBundle_delete(bundle); }
};
using Bundle = std::unique_ptr<APersistableBundle, Deleter>;

Bundle make_bundle() { return Bundle(APersistableBundle_new()); }

char* allocate(int32_t size, void* context) {
  if (context != nullptr) ++*static_cast<int*>(context);
  return static_cast<char*>(std::malloc(static_cast<std::size_t>(size)));
}
char* refuse(int32_t, void*) { return nullptr; }

Bundle make_full_bundle() {
  Bundle bundle = make_bundle();
  APersistableBundle* const to = bundle.get();
  APersistableBundle_putBoolean(to, "boolean", true);
  APersistableBundle_putInt(to, "int", -7);
  APersistableBundle_putLong(to, "long", INT64_MIN);
  APersistableBundle_putDouble(to, "double", 0.5);
  APersistableBundle_putString(to, "string", "hällo");
  const bool booleans[] = {true, false, true};
  APersistableBundle_putBooleanVector(to, "booleans", booleans, 3);
  const int32_t ints[] = {1, 2};
  APersistableBundle_putIntVector(to, "ints", ints, 2);
  const int64_t longs[] = {1LL << 40};
  APersistableBundle_putLongVector(to, "longs", longs, 1);
  const double doubles[] = {1.5, -2.5};
  APersistableBundle_putDoubleVector(to, "doubles", doubles, 2);
  const uint8_t bytes[] = {0, 255, 3, 4, 5};
  APersistableBundle_putByteVector(to, "bytes", bytes, 5);
  const char* const strings[] = {"a", "", "ü"};
  APersistableBundle_putStringVector(to, "strings", strings, 3);
  const Bundle inner = make_bundle();
  APersistableBundle_putInt(inner.get(), "x", 1);
  APersistableBundle_putPersistableBundle(to, "bundle", inner.get());
  return bundle;
}

void check_full_bundle(const APersistableBundle* bundle) {
  EXPECT_EQ(APersistableBundle_size(bundle), 12);
  bool boolean = false;
  int32_t number = 0;
  int64_t large = 0;
  double real = 0;
  EXPECT_TRUE(APersistableBundle_getBoolean(bundle, "boolean", &boolean));
  EXPECT_TRUE(boolean);
  EXPECT_TRUE(APersistableBundle_getInt(bundle, "int", &number));
  EXPECT_EQ(number, -7);
  EXPECT_TRUE(APersistableBundle_getLong(bundle, "long", &large));
  EXPECT_EQ(large, INT64_MIN);
  EXPECT_TRUE(APersistableBundle_getDouble(bundle, "double", &real));
  EXPECT_EQ(real, 0.5);
  char* text = nullptr;
  int allocations = 0;
  EXPECT_EQ(APersistableBundle_getString(bundle, "string", &text, allocate, &allocations), 6);
  EXPECT_STREQ(text, "hällo");
  EXPECT_EQ(allocations, 1);
  std::free(text);

  bool booleans[3] = {};
  EXPECT_EQ(APersistableBundle_getBooleanVector(bundle, "booleans", booleans, sizeof booleans), 3);
  EXPECT_THAT(booleans, ElementsAre(true, false, true));
  int32_t ints[2] = {};
  EXPECT_EQ(APersistableBundle_getIntVector(bundle, "ints", nullptr, 0), 8);
  EXPECT_EQ(APersistableBundle_getIntVector(bundle, "ints", ints, 4), 8);  // what fits
  EXPECT_THAT(ints, ElementsAre(1, 0));
  EXPECT_EQ(APersistableBundle_getIntVector(bundle, "ints", ints, 8), 8);
  EXPECT_THAT(ints, ElementsAre(1, 2));
  int64_t longs[1] = {};
  EXPECT_EQ(APersistableBundle_getLongVector(bundle, "longs", longs, sizeof longs), 8);
  EXPECT_EQ(longs[0], 1LL << 40);
  double doubles[2] = {};
  EXPECT_EQ(APersistableBundle_getDoubleVector(bundle, "doubles", doubles, sizeof doubles), 16);
  EXPECT_THAT(doubles, ElementsAre(1.5, -2.5));
  uint8_t bytes[5] = {};
  EXPECT_EQ(APersistableBundle_getByteVector(bundle, "bytes", bytes, sizeof bytes), 5);
  EXPECT_THAT(bytes, ElementsAre(0, 255, 3, 4, 5));
  char* strings[3] = {};
  EXPECT_EQ(APersistableBundle_getStringVector(bundle, "strings", strings, sizeof strings, allocate,
                                               nullptr),
            static_cast<int32_t>(sizeof strings));
  EXPECT_STREQ(strings[0], "a");
  EXPECT_STREQ(strings[1], "");
  EXPECT_STREQ(strings[2], "ü");
  for (char* const string : strings) std::free(string);
  APersistableBundle* inner = nullptr;
  ASSERT_TRUE(APersistableBundle_getPersistableBundle(bundle, "bundle", &inner));
  const Bundle owned(inner);
  EXPECT_TRUE(APersistableBundle_getInt(inner, "x", &number));
  EXPECT_EQ(number, 1);
}

TEST(NdkBundle, EveryKind) { check_full_bundle(make_full_bundle().get()); }

TEST(NdkBundle, ThroughAParcel) {
  const Bundle bundle = make_full_bundle();
  const ndk::ScopedAParcel parcel(AParcel_create());
  ASSERT_EQ(APersistableBundle_writeToParcel(bundle.get(), parcel.get()), STATUS_OK);
  ASSERT_EQ(AParcel_writeInt32(parcel.get(), 99), STATUS_OK);
  AParcel_setDataPosition(parcel.get(), 0);
  APersistableBundle* read = nullptr;
  ASSERT_EQ(APersistableBundle_readFromParcel(parcel.get(), &read), STATUS_OK);
  const Bundle owned(read);
  check_full_bundle(read);
  EXPECT_TRUE(APersistableBundle_isEqual(bundle.get(), read));
  int32_t behind = 0;
  ASSERT_EQ(AParcel_readInt32(parcel.get(), &behind), STATUS_OK);
  EXPECT_EQ(behind, 99);
}

TEST(NdkBundle, CopiesAreTheirOwn) {
  const Bundle bundle = make_full_bundle();
  const Bundle copy(APersistableBundle_dup(bundle.get()));
  EXPECT_TRUE(APersistableBundle_isEqual(bundle.get(), copy.get()));
  APersistableBundle_putInt(copy.get(), "int", 8);
  EXPECT_FALSE(APersistableBundle_isEqual(bundle.get(), copy.get()));
  int32_t number = 0;
  EXPECT_TRUE(APersistableBundle_getInt(bundle.get(), "int", &number));
  EXPECT_EQ(number, -7);
}

TEST(NdkBundle, AKeyHasOneValue) {
  const Bundle bundle = make_bundle();
  APersistableBundle_putInt(bundle.get(), "k", 1);
  APersistableBundle_putString(bundle.get(), "k", "one");
  EXPECT_EQ(APersistableBundle_size(bundle.get()), 1);
  int32_t number = 0;
  EXPECT_FALSE(APersistableBundle_getInt(bundle.get(), "k", &number));
  EXPECT_EQ(APersistableBundle_erase(bundle.get(), "k"), 1);
  EXPECT_EQ(APersistableBundle_erase(bundle.get(), "k"), 0);
  EXPECT_EQ(APersistableBundle_size(bundle.get()), 0);
}

TEST(NdkBundle, WhatIsNotThere) {
  const Bundle bundle = make_full_bundle();
  const APersistableBundle* const in = bundle.get();
  bool boolean = false;
  int64_t large = 0;
  double real = 0;
  char* text = nullptr;
  APersistableBundle* inner = nullptr;
  EXPECT_FALSE(APersistableBundle_getBoolean(in, "int", &boolean));
  EXPECT_FALSE(APersistableBundle_getLong(in, "nothing", &large));
  EXPECT_FALSE(APersistableBundle_getDouble(in, "int", &real));
  EXPECT_FALSE(APersistableBundle_getPersistableBundle(in, "int", &inner));
  EXPECT_EQ(APersistableBundle_getString(in, "int", &text, allocate, nullptr),
            APERSISTABLEBUNDLE_KEY_NOT_FOUND);
  EXPECT_EQ(APersistableBundle_getString(in, "string", &text, refuse, nullptr),
            APERSISTABLEBUNDLE_ALLOCATOR_FAILED);
  EXPECT_EQ(APersistableBundle_getIntVector(in, "longs", nullptr, 0),
            APERSISTABLEBUNDLE_KEY_NOT_FOUND);
  char* strings[3] = {};
  EXPECT_EQ(
      APersistableBundle_getStringVector(in, "strings", strings, sizeof strings, refuse, nullptr),
      APERSISTABLEBUNDLE_ALLOCATOR_FAILED);
}

TEST(NdkBundle, Keys) {
  const Bundle bundle = make_full_bundle();
  using GetKeys = int32_t (*)(const APersistableBundle*, char**, int32_t,
                              APersistableBundle_stringAllocator, void*);
  const std::vector<std::pair<GetKeys, const char*>> kinds{
      {APersistableBundle_getBooleanKeys, "boolean"},
      {APersistableBundle_getIntKeys, "int"},
      {APersistableBundle_getLongKeys, "long"},
      {APersistableBundle_getDoubleKeys, "double"},
      {APersistableBundle_getStringKeys, "string"},
      {APersistableBundle_getBooleanVectorKeys, "booleans"},
      {APersistableBundle_getIntVectorKeys, "ints"},
      {APersistableBundle_getLongVectorKeys, "longs"},
      {APersistableBundle_getDoubleVectorKeys, "doubles"},
      {APersistableBundle_getByteVectorKeys, "bytes"},
      {APersistableBundle_getStringVectorKeys, "strings"},
      {APersistableBundle_getPersistableBundleKeys, "bundle"}};
  for (const auto& [get, name] : kinds) {
    char* key = nullptr;
    EXPECT_EQ(get(bundle.get(), nullptr, 0, allocate, nullptr),
              static_cast<int32_t>(sizeof(char*)));
    EXPECT_EQ(get(bundle.get(), &key, sizeof key, allocate, nullptr),
              static_cast<int32_t>(sizeof key));
    EXPECT_STREQ(key, name);
    std::free(key);
  }
}

TEST(NdkBundle, EmptyOnes) {
  const Bundle empty = make_bundle();
  const ndk::ScopedAParcel parcel(AParcel_create());
  ASSERT_EQ(APersistableBundle_writeToParcel(empty.get(), parcel.get()), STATUS_OK);
  EXPECT_EQ(AParcel_getDataSize(parcel.get()), 4);
  AParcel_setDataPosition(parcel.get(), 0);
  APersistableBundle* read = nullptr;
  ASSERT_EQ(APersistableBundle_readFromParcel(parcel.get(), &read), STATUS_OK);
  const Bundle owned(read);
  EXPECT_TRUE(APersistableBundle_isEqual(empty.get(), read));
  EXPECT_TRUE(APersistableBundle_isEqual(nullptr, nullptr));
  EXPECT_FALSE(APersistableBundle_isEqual(nullptr, read));
  EXPECT_EQ(APersistableBundle_writeToParcel(nullptr, parcel.get()), STATUS_BAD_VALUE);
  EXPECT_EQ(APersistableBundle_readFromParcel(nullptr, &read), STATUS_BAD_VALUE);
  APersistableBundle_delete(nullptr);
}

TEST(NdkBundle, InGeneratedCode) {
  using aidl::android::os::PersistableBundle;
  PersistableBundle bundle;
  bundle.putBoolean("b", true);
  bundle.putInt("i", 1);
  bundle.putLong("l", 2);
  bundle.putDouble("d", 0.5);
  bundle.putString("s", "text");
  bundle.putBooleanVector("bv", {true, false});
  bundle.putIntVector("iv", {1, 2});
  bundle.putLongVector("lv", {3});
  bundle.putDoubleVector("dv", {1.5});
  bundle.putByteVector("yv", {9, 8});
  bundle.putStringVector("sv", {"a", ""});
  bundle.putPersistableBundle("p", bundle);

  const ndk::ScopedAParcel parcel(AParcel_create());
  ASSERT_EQ(ndk::AParcel_writeData(parcel.get(), bundle), STATUS_OK);
  AParcel_setDataPosition(parcel.get(), 0);
  PersistableBundle back;
  ASSERT_EQ(ndk::AParcel_readData(parcel.get(), &back), STATUS_OK);
  EXPECT_EQ(back, bundle);
  const PersistableBundle copy = back;
  EXPECT_EQ(copy.size(), 12);
  EXPECT_EQ(back.erase("i"), 1);
  EXPECT_NE(copy, back);
  back = copy;

  bool boolean = false;
  int32_t number = 0;
  int64_t large = 0;
  double real = 0;
  std::string text;
  std::vector<bool> booleans;
  std::vector<int32_t> ints;
  std::vector<int64_t> longs;
  std::vector<double> doubles;
  std::vector<uint8_t> bytes;
  std::vector<std::string> strings{"old"};
  PersistableBundle inner;
  EXPECT_TRUE(back.getBoolean("b", &boolean) && boolean);
  EXPECT_TRUE(back.getInt("i", &number) && number == 1);
  EXPECT_TRUE(back.getLong("l", &large) && large == 2);
  EXPECT_TRUE(back.getDouble("d", &real) && real == 0.5);
  EXPECT_TRUE(back.getString("s", &text) && text == "text");
  EXPECT_TRUE(back.getBooleanVector("bv", &booleans));
  EXPECT_THAT(booleans, ElementsAre(true, false));
  EXPECT_TRUE(back.getIntVector("iv", &ints));
  EXPECT_THAT(ints, ElementsAre(1, 2));
  EXPECT_TRUE(back.getLongVector("lv", &longs));
  EXPECT_THAT(longs, ElementsAre(3));
  EXPECT_TRUE(back.getDoubleVector("dv", &doubles));
  EXPECT_THAT(doubles, ElementsAre(1.5));
  EXPECT_TRUE(back.getByteVector("yv", &bytes));
  EXPECT_THAT(bytes, ElementsAre(9, 8));
  EXPECT_TRUE(back.getStringVector("sv", &strings));
  EXPECT_THAT(strings, ElementsAre("a", ""));
  EXPECT_TRUE(back.getPersistableBundle("p", &inner));
  EXPECT_EQ(inner.size(), 11);
  EXPECT_FALSE(back.getInt("nothing", &number));
  EXPECT_FALSE(back.getString("i", &text));
  EXPECT_FALSE(back.getStringVector("iv", &strings));
  EXPECT_THAT(back.getIntKeys(), ElementsAre("i"));
  EXPECT_THAT(back.getStringVectorKeys(), ElementsAre("sv"));
  EXPECT_TRUE(PersistableBundle().getLongKeys().empty());
  EXPECT_EQ(back.toString(), "PersistableBundle of 12 values");
}

TEST(NdkBundle, BadOnes) {
  constexpr int32_t kMagic = 0x4c444e44;
  for (const std::vector<int32_t>& words :
       {std::vector<int32_t>{-1}, std::vector<int32_t>{8}, std::vector<int32_t>{8, 5, 0},
        std::vector<int32_t>{8, kMagic, -1}, std::vector<int32_t>{8, kMagic, INT32_MAX},
        std::vector<int32_t>{8, kMagic, 1, 1, 'k', 999, 0},
        std::vector<int32_t>{8, kMagic, 1, 1, 'k', 18, INT32_MAX},
        std::vector<int32_t>{8, kMagic, 1, 1, 'k', 14, -5}}) {
    const ndk::ScopedAParcel parcel(AParcel_create());
    for (const int32_t word : words) (void)AParcel_writeInt32(parcel.get(), word);
    AParcel_setDataPosition(parcel.get(), 0);
    APersistableBundle* read = nullptr;
    EXPECT_NE(APersistableBundle_readFromParcel(parcel.get(), &read), STATUS_OK);
    EXPECT_EQ(read, nullptr);
  }
  // Bundles in bundles without end.
  const ndk::ScopedAParcel parcel(AParcel_create());
  for (int i = 0; i < 100000; ++i) {
    for (const int32_t word : {8, kMagic, 1, 0, 0, 25})
      (void)AParcel_writeInt32(parcel.get(), word);
  }
  AParcel_setDataPosition(parcel.get(), 0);
  APersistableBundle* read = nullptr;
  EXPECT_EQ(APersistableBundle_readFromParcel(parcel.get(), &read), STATUS_BAD_VALUE);
}

}  // namespace
}  // namespace netbinder::testing
