// SPDX-License-Identifier: Apache-2.0
// AParcel through the C API: what is written, byte for byte, and what is refused.
#include <android/binder_auto_utils.h>
#include <android/binder_parcel.h>
#include <android/binder_parcel_jni.h>
#include <android/binder_parcel_platform.h>
#include <android/binder_parcel_utils.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/ndk/plain_object.h"

namespace netbinder::testing {
namespace {

using ::testing::ElementsAre;

ndk::ScopedAParcel make_parcel() { return ndk::ScopedAParcel(AParcel_create()); }

std::vector<uint8_t> bytes_of(const ndk::ScopedAParcel& parcel) {
  std::vector<uint8_t> bytes(static_cast<std::size_t>(AParcel_getDataSize(parcel.get())));
  EXPECT_EQ(AParcel_marshal(parcel.get(), bytes.data(), 0, bytes.size()), STATUS_OK);
  return bytes;
}

ndk::ScopedAParcel parcel_of(const std::vector<uint8_t>& bytes) {
  ndk::ScopedAParcel parcel = make_parcel();
  EXPECT_EQ(AParcel_unmarshal(parcel.get(), bytes.data(), bytes.size()), STATUS_OK);
  AParcel_setDataPosition(parcel.get(), 0);
  return parcel;
}

ndk::ScopedAParcel parcel_of_words(const std::vector<int32_t>& words) {
  std::vector<uint8_t> bytes(words.size() * sizeof(int32_t));
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return parcel_of(bytes);
}

// ---- plain values ----

template <typename Value>
struct PlainFunctions {
  using type = Value;
  binder_status_t (*write)(AParcel*, Value);
  binder_status_t (*read)(const AParcel*, Value*);
  Value value;
  std::vector<uint8_t> bytes;
};

template <typename Value>
void check_plain(const PlainFunctions<Value>& functions) {
  const ndk::ScopedAParcel parcel = make_parcel();
  ASSERT_EQ(functions.write(parcel.get(), functions.value), STATUS_OK);
  EXPECT_EQ(bytes_of(parcel), functions.bytes);
  EXPECT_EQ(AParcel_getDataPosition(parcel.get()), AParcel_getDataSize(parcel.get()));
  AParcel_setDataPosition(parcel.get(), 0);
  Value value{};
  ASSERT_EQ(functions.read(parcel.get(), &value), STATUS_OK);
  EXPECT_EQ(value, functions.value);
  EXPECT_EQ(functions.read(parcel.get(), &value), STATUS_NOT_ENOUGH_DATA);
  // Cut off in the middle.
  std::vector<uint8_t> cut(functions.bytes);
  cut.resize(cut.size() - 4);
  EXPECT_EQ(functions.read(parcel_of(cut).get(), &value), STATUS_NOT_ENOUGH_DATA);
}

TEST(NdkParcel, PlainValues) {
  check_plain<int32_t>({AParcel_writeInt32, AParcel_readInt32, -2, {0xfe, 0xff, 0xff, 0xff}});
  check_plain<uint32_t>({AParcel_writeUint32, AParcel_readUint32, 0x80000001, {0x01, 0, 0, 0x80}});
  check_plain<int64_t>(
      {AParcel_writeInt64, AParcel_readInt64, INT64_MIN + 5, {5, 0, 0, 0, 0, 0, 0, 0x80}});
  check_plain<uint64_t>(
      {AParcel_writeUint64, AParcel_readUint64, 0x0807060504030201, {1, 2, 3, 4, 5, 6, 7, 8}});
  check_plain<float>({AParcel_writeFloat, AParcel_readFloat, 1.0F, {0, 0, 0x80, 0x3f}});
  check_plain<double>(
      {AParcel_writeDouble, AParcel_readDouble, 1.0, {0, 0, 0, 0, 0, 0, 0xf0, 0x3f}});
  check_plain<bool>({AParcel_writeBool, AParcel_readBool, true, {1, 0, 0, 0}});
  check_plain<char16_t>({AParcel_writeChar, AParcel_readChar, u'\uffee', {0xee, 0xff, 0, 0}});
  check_plain<int8_t>({AParcel_writeByte, AParcel_readByte, -1, {0xff, 0xff, 0xff, 0xff}});
}

// ---- arrays ----

template <typename Value>
bool allocate(void* data, int32_t length, Value** out) {
  auto& places = *static_cast<std::optional<std::vector<Value>>*>(data);
  places.reset();
  if (length >= 0) {
    places.emplace(static_cast<std::size_t>(length));
    *out = places->data();
  }
  return true;
}

template <typename Value>
void check_array(binder_status_t (*write)(AParcel*, const Value*, int32_t),
                 binder_status_t (*read)(const AParcel*, void*, bool (*)(void*, int32_t, Value**)),
                 const std::vector<Value>& values, const std::vector<uint8_t>& bytes) {
  const ndk::ScopedAParcel parcel = make_parcel();
  const auto length = static_cast<int32_t>(values.size());
  ASSERT_EQ(write(parcel.get(), values.data(), length), STATUS_OK);
  EXPECT_EQ(bytes_of(parcel), bytes);
  ASSERT_EQ(write(parcel.get(), nullptr, -1), STATUS_OK);
  ASSERT_EQ(write(parcel.get(), nullptr, 0), STATUS_OK);
  EXPECT_EQ(write(parcel.get(), nullptr, 1), STATUS_BAD_VALUE);
  EXPECT_EQ(write(parcel.get(), values.data(), -1), STATUS_BAD_VALUE);
  EXPECT_EQ(write(parcel.get(), values.data(), -2), STATUS_BAD_VALUE);
  AParcel_setDataPosition(parcel.get(), 0);
  std::optional<std::vector<Value>> got;
  ASSERT_EQ(read(parcel.get(), &got, allocate<Value>), STATUS_OK);
  EXPECT_EQ(got, values);
  ASSERT_EQ(read(parcel.get(), &got, allocate<Value>), STATUS_OK);
  EXPECT_EQ(got, std::nullopt);
  ASSERT_EQ(read(parcel.get(), &got, allocate<Value>), STATUS_OK);
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->empty());
  EXPECT_EQ(read(parcel.get(), &got, allocate<Value>), STATUS_NOT_ENOUGH_DATA);

  // Lengths that cannot be.
  EXPECT_EQ(read(parcel_of_words({-2, 0, 0}).get(), &got, allocate<Value>), STATUS_BAD_VALUE);
  EXPECT_EQ(read(parcel_of_words({INT32_MAX, 0, 0}).get(), &got, allocate<Value>),
            STATUS_NO_MEMORY);
  std::vector<uint8_t> cut(bytes);
  cut.resize(cut.size() - 4);
  EXPECT_EQ(read(parcel_of(cut).get(), &got, allocate<Value>), STATUS_NO_MEMORY);
  // An allocator that refuses.
  constexpr auto refuse = [](void*, int32_t, Value**) { return false; };
  EXPECT_EQ(read(parcel_of(bytes).get(), &got, refuse), STATUS_NO_MEMORY);
  EXPECT_EQ(read(parcel_of_words({-1}).get(), &got, refuse), STATUS_NO_MEMORY);
}

TEST(NdkParcel, Arrays) {
  check_array<int32_t>(AParcel_writeInt32Array, AParcel_readInt32Array, {1, -1},
                       {2, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff});
  check_array<uint32_t>(AParcel_writeUint32Array, AParcel_readUint32Array, {1, 0x80000000},
                        {2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x80});
  check_array<int64_t>(AParcel_writeInt64Array, AParcel_readInt64Array, {-2},
                       {1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
  check_array<uint64_t>(AParcel_writeUint64Array, AParcel_readUint64Array, {2},
                        {1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0});
  check_array<float>(AParcel_writeFloatArray, AParcel_readFloatArray, {1.0F},
                     {1, 0, 0, 0, 0, 0, 0x80, 0x3f});
  check_array<double>(AParcel_writeDoubleArray, AParcel_readDoubleArray, {1.0},
                      {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f});
  check_array<char16_t>(AParcel_writeCharArray, AParcel_readCharArray, {u'a', u'\u20ac'},
                        {2, 0, 0, 0, 'a', 0, 0, 0, 0xac, 0x20, 0, 0});
  // Bytes are packed, and padded at their end.
  check_array<int8_t>(AParcel_writeByteArray, AParcel_readByteArray, {1, -1, 3, 4, 5},
                      {5, 0, 0, 0, 1, 0xff, 3, 4, 5, 0, 0, 0});
}

TEST(NdkParcel, BoolArrays) {
  using Bools = std::vector<bool>;
  constexpr auto get = [](const void* data, size_t index) -> bool {
    return (*static_cast<const Bools*>(data))[index];
  };
  constexpr auto make = [](void* data, int32_t length) {
    if (length < 0) return false;
    static_cast<Bools*>(data)->resize(static_cast<std::size_t>(length));
    return true;
  };
  constexpr auto set = [](void* data, size_t index, bool value) {
    (*static_cast<Bools*>(data))[index] = value;
  };
  const ndk::ScopedAParcel parcel = make_parcel();
  const Bools values{true, false};
  ASSERT_EQ(AParcel_writeBoolArray(parcel.get(), &values, 2, get), STATUS_OK);
  EXPECT_THAT(bytes_of(parcel), ElementsAre(2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0));
  ASSERT_EQ(AParcel_writeBoolArray(parcel.get(), nullptr, -1, get), STATUS_OK);
  EXPECT_EQ(AParcel_writeBoolArray(parcel.get(), &values, -2, get), STATUS_BAD_VALUE);
  AParcel_setDataPosition(parcel.get(), 0);
  Bools got;
  ASSERT_EQ(AParcel_readBoolArray(parcel.get(), &got, make, set), STATUS_OK);
  EXPECT_EQ(got, values);
  EXPECT_EQ(AParcel_readBoolArray(parcel.get(), &got, make, set), STATUS_NO_MEMORY);
  EXPECT_EQ(AParcel_readBoolArray(parcel_of_words({3, 1, 1}).get(), &got, make, set),
            STATUS_NO_MEMORY);
}

// ---- strings ----

bool make_string(void* data, int32_t length, char** buffer) {
  auto& text = *static_cast<std::optional<std::string>*>(data);
  text.reset();
  if (length >= 0) {
    text.emplace(static_cast<std::size_t>(length) - 1, '?');
    *buffer = text->data();
  }
  return true;
}

TEST(NdkParcel, Strings) {
  const ndk::ScopedAParcel parcel = make_parcel();
  ASSERT_EQ(AParcel_writeString(parcel.get(), "aé", 3), STATUS_OK);
  EXPECT_THAT(bytes_of(parcel), ElementsAre(2, 0, 0, 0, 'a', 0, 0xe9, 0, 0, 0, 0, 0));
  ASSERT_EQ(AParcel_writeString(parcel.get(), nullptr, -1), STATUS_OK);
  ASSERT_EQ(AParcel_writeString(parcel.get(), "", 0), STATUS_OK);
  ASSERT_EQ(AParcel_writeString(parcel.get(), "🌍", 4), STATUS_OK);
  EXPECT_EQ(AParcel_writeString(parcel.get(), nullptr, 0), STATUS_BAD_VALUE);
  EXPECT_EQ(AParcel_writeString(parcel.get(), "x", -1), STATUS_BAD_VALUE);
  AParcel_setDataPosition(parcel.get(), 0);
  std::optional<std::string> text;
  ASSERT_EQ(AParcel_readString(parcel.get(), &text, make_string), STATUS_OK);
  EXPECT_EQ(text, "aé");
  ASSERT_EQ(AParcel_readString(parcel.get(), &text, make_string), STATUS_OK);
  EXPECT_EQ(text, std::nullopt);
  ASSERT_EQ(AParcel_readString(parcel.get(), &text, make_string), STATUS_OK);
  EXPECT_EQ(text, "");
  ASSERT_EQ(AParcel_readString(parcel.get(), &text, make_string), STATUS_OK);
  EXPECT_EQ(text, "🌍");
  EXPECT_EQ(AParcel_readString(parcel.get(), &text, make_string), STATUS_NOT_ENOUGH_DATA);
  constexpr auto refuse = [](void*, int32_t, char**) { return false; };
  EXPECT_EQ(AParcel_readString(parcel_of_words({-1}).get(), &text, refuse), STATUS_UNEXPECTED_NULL);
  EXPECT_EQ(AParcel_readString(parcel_of_words({0, 0}).get(), &text, refuse), STATUS_NO_MEMORY);
}

TEST(NdkParcel, WhatIsNotUtf8IsNotWritten) {
  for (const std::string& text :
       {std::string("\xff"), std::string("\xc3"), std::string("\xe2\x82"), std::string("\xc0\x80"),
        std::string("\xf4\x90\x80\x80"), std::string("\xe0\x80\x80"), std::string("a\x80")}) {
    const ndk::ScopedAParcel parcel = make_parcel();
    EXPECT_EQ(AParcel_writeString(parcel.get(), text.data(), static_cast<int32_t>(text.size())),
              STATUS_BAD_VALUE);
    EXPECT_EQ(AParcel_getDataSize(parcel.get()), 0);
  }
}

TEST(NdkParcel, SurrogatesWithoutAPartnerComeBack) {
  // A high one at the end, and a low one before a letter.
  for (const std::vector<uint8_t>& bytes :
       {std::vector<uint8_t>{1, 0, 0, 0, 0x00, 0xd8, 0, 0},
        std::vector<uint8_t>{2, 0, 0, 0, 0x01, 0xdc, 'a', 0, 0, 0, 0, 0}}) {
    std::optional<std::string> text;
    ASSERT_EQ(AParcel_readString(parcel_of(bytes).get(), &text, make_string), STATUS_OK);
    const ndk::ScopedAParcel again = make_parcel();
    ASSERT_EQ(AParcel_writeString(again.get(), text->data(), static_cast<int32_t>(text->size())),
              STATUS_OK);
    EXPECT_EQ(bytes_of(again), bytes);
  }
}

TEST(NdkParcel, BadStrings) {
  std::optional<std::string> text;
  EXPECT_EQ(AParcel_readString(parcel_of_words({INT32_MAX, 0}).get(), &text, make_string),
            STATUS_NOT_ENOUGH_DATA);
  EXPECT_EQ(AParcel_readString(parcel_of_words({3, 0}).get(), &text, make_string),
            STATUS_NOT_ENOUGH_DATA);
  EXPECT_EQ(AParcel_readString(parcel_of_words({-2, 0}).get(), &text, make_string),
            STATUS_UNEXPECTED_NULL);
}

TEST(NdkParcel, StringArrays) {
  using Strings = std::vector<std::optional<std::string>>;
  constexpr auto get = [](const void* data, size_t index, int32_t* length) -> const char* {
    const auto& text = (*static_cast<const Strings*>(data))[index];
    *length = text ? static_cast<int32_t>(text->size()) : -1;
    return text ? text->c_str() : nullptr;
  };
  constexpr auto make = [](void* data, int32_t length) {
    if (length < 0) return false;
    static_cast<Strings*>(data)->resize(static_cast<std::size_t>(length));
    return true;
  };
  constexpr auto make_element = [](void* data, size_t index, int32_t length, char** buffer) {
    return make_string(&(*static_cast<Strings*>(data))[index], length, buffer);
  };
  const Strings texts{"one", std::nullopt, ""};
  const ndk::ScopedAParcel parcel = make_parcel();
  ASSERT_EQ(AParcel_writeStringArray(parcel.get(), &texts, 3, get), STATUS_OK);
  ASSERT_EQ(AParcel_writeStringArray(parcel.get(), nullptr, -1, get), STATUS_OK);
  EXPECT_EQ(AParcel_writeStringArray(parcel.get(), &texts, -3, get), STATUS_BAD_VALUE);
  AParcel_setDataPosition(parcel.get(), 0);
  Strings got;
  ASSERT_EQ(AParcel_readStringArray(parcel.get(), &got, make, make_element), STATUS_OK);
  EXPECT_EQ(got, texts);
  EXPECT_EQ(AParcel_readStringArray(parcel.get(), &got, make, make_element), STATUS_NO_MEMORY);
  EXPECT_EQ(AParcel_readStringArray(parcel_of_words({1 << 30, -1}).get(), &got, make, make_element),
            STATUS_NO_MEMORY);
}

TEST(NdkParcel, ParcelableArrays) {
  using Numbers = std::vector<int32_t>;
  constexpr auto write = [](AParcel* parcel, const void* data, size_t index) -> binder_status_t {
    return AParcel_writeInt32(parcel, (*static_cast<const Numbers*>(data))[index]);
  };
  constexpr auto make = [](void* data, int32_t length) {
    if (length < 0) return false;
    static_cast<Numbers*>(data)->resize(static_cast<std::size_t>(length));
    return true;
  };
  constexpr auto read = [](const AParcel* parcel, void* data, size_t index) -> binder_status_t {
    return AParcel_readInt32(parcel, &(*static_cast<Numbers*>(data))[index]);
  };
  const Numbers numbers{3, 1, 2};
  const ndk::ScopedAParcel parcel = make_parcel();
  ASSERT_EQ(AParcel_writeParcelableArray(parcel.get(), &numbers, 3, write), STATUS_OK);
  ASSERT_EQ(AParcel_writeParcelableArray(parcel.get(), nullptr, -1, write), STATUS_OK);
  EXPECT_EQ(AParcel_writeParcelableArray(parcel.get(), &numbers, -2, write), STATUS_BAD_VALUE);
  AParcel_setDataPosition(parcel.get(), 0);
  Numbers got;
  ASSERT_EQ(AParcel_readParcelableArray(parcel.get(), &got, make, read), STATUS_OK);
  EXPECT_EQ(got, numbers);
  EXPECT_EQ(AParcel_readParcelableArray(parcel.get(), &got, make, read), STATUS_NO_MEMORY);
  // The status of an element is the array's status.
  constexpr auto fail = [](const AParcel*, void*, size_t) -> binder_status_t {
    return STATUS_BAD_TYPE;
  };
  AParcel_setDataPosition(parcel.get(), 0);
  EXPECT_EQ(AParcel_readParcelableArray(parcel.get(), &got, make, fail), STATUS_BAD_TYPE);
}

// ---- the parcel itself ----

TEST(NdkParcel, PositionsAndSizes) {
  const ndk::ScopedAParcel parcel = make_parcel();
  EXPECT_EQ(AParcel_getDataSize(parcel.get()), 0);
  ASSERT_EQ(AParcel_writeInt32(parcel.get(), 1), STATUS_OK);
  ASSERT_EQ(AParcel_writeInt32(parcel.get(), 2), STATUS_OK);
  ASSERT_EQ(AParcel_setDataPosition(parcel.get(), 0), STATUS_OK);
  ASSERT_EQ(AParcel_writeInt32(parcel.get(), 3), STATUS_OK);
  EXPECT_EQ(AParcel_getDataPosition(parcel.get()), 4);
  EXPECT_EQ(AParcel_getDataSize(parcel.get()), 8);
  EXPECT_EQ(AParcel_setDataPosition(parcel.get(), -1), STATUS_BAD_VALUE);
  // Behind the end there is nothing to read, and writing fills the gap with zeros.
  ASSERT_EQ(AParcel_setDataPosition(parcel.get(), 12), STATUS_OK);
  int32_t value = 0;
  EXPECT_EQ(AParcel_readInt32(parcel.get(), &value), STATUS_NOT_ENOUGH_DATA);
  ASSERT_EQ(AParcel_writeInt32(parcel.get(), 4), STATUS_OK);
  EXPECT_THAT(bytes_of(parcel), ElementsAre(3, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0));
  ASSERT_EQ(AParcel_reset(parcel.get()), STATUS_OK);
  EXPECT_EQ(AParcel_getDataSize(parcel.get()), 0);
  EXPECT_EQ(AParcel_getDataPosition(parcel.get()), 0);
}

TEST(NdkParcel, GrowsAsItIsWritten) {
  const ndk::ScopedAParcel parcel = make_parcel();
  for (int32_t i = 0; i < 100000; ++i) ASSERT_EQ(AParcel_writeInt32(parcel.get(), i), STATUS_OK);
  AParcel_setDataPosition(parcel.get(), 0);
  for (int32_t i = 0; i < 100000; ++i) {
    int32_t value = -1;
    ASSERT_EQ(AParcel_readInt32(parcel.get(), &value), STATUS_OK);
    ASSERT_EQ(value, i);
  }
  EXPECT_GE(AParcel_getDataCapacity(parcel.get()), AParcel_getDataSize(parcel.get()));
  EXPECT_EQ(AParcel_setDataCapacity(parcel.get(), 1 << 20), STATUS_OK);
  EXPECT_GE(AParcel_getDataCapacity(parcel.get()), 1 << 20);
  EXPECT_EQ(AParcel_setDataCapacity(parcel.get(), -1), STATUS_BAD_VALUE);
}

TEST(NdkParcel, MarshalAndUnmarshal) {
  const ndk::ScopedAParcel parcel = parcel_of({1, 2, 3, 4, 5, 6, 7, 8});
  uint8_t part[4] = {};
  EXPECT_EQ(AParcel_marshal(parcel.get(), part, 2, 4), STATUS_OK);
  EXPECT_THAT(part, ElementsAre(3, 4, 5, 6));
  EXPECT_EQ(AParcel_marshal(parcel.get(), part, 8, 1), STATUS_BAD_VALUE);
  EXPECT_EQ(AParcel_marshal(parcel.get(), part, 9, 0), STATUS_BAD_VALUE);
  EXPECT_EQ(AParcel_marshal(parcel.get(), part, SIZE_MAX, 4), STATUS_BAD_VALUE);
  const ndk::SpAIBinder object = make_plain_object();
  ASSERT_EQ(AParcel_writeStrongBinder(parcel.get(), object.get()), STATUS_OK);
  EXPECT_EQ(AParcel_marshal(parcel.get(), part, 0, 4), STATUS_INVALID_OPERATION);
}

TEST(NdkParcel, SensitiveParcelsAreParcelsToo) {
  const ndk::ScopedAParcel parcel = make_parcel();
  AParcel_markSensitive(parcel.get());
  EXPECT_TRUE(AParcel_getAllowFds(parcel.get()));
  ASSERT_EQ(AParcel_writeInt32(parcel.get(), 1), STATUS_OK);
  ASSERT_EQ(AParcel_setDataCapacity(parcel.get(), 10000), STATUS_OK);
  EXPECT_THAT(bytes_of(parcel), ElementsAre(1, 0, 0, 0));
}

TEST(NdkParcel, ThereIsNoJava) { EXPECT_EQ(AParcel_fromJavaParcel(nullptr, nullptr), nullptr); }

// ---- objects ----

TEST(NdkParcel, ObjectsAreTheSameWhenTheyComeBack) {
  const ndk::SpAIBinder object = make_plain_object();
  const int32_t references = AIBinder_debugGetRefCount(object.get());
  {
    const ndk::ScopedAParcel parcel = make_parcel();
    ASSERT_EQ(AParcel_writeStrongBinder(parcel.get(), object.get()), STATUS_OK);
    ASSERT_EQ(AParcel_writeStrongBinder(parcel.get(), nullptr), STATUS_OK);
    EXPECT_EQ(AIBinder_debugGetRefCount(object.get()), references + 1);  // the parcel's
    AParcel_setDataPosition(parcel.get(), 0);
    ndk::SpAIBinder back;
    ASSERT_EQ(AParcel_readStrongBinder(parcel.get(), back.getR()), STATUS_OK);
    EXPECT_EQ(back, object);
    ndk::SpAIBinder null;
    ASSERT_EQ(AParcel_readStrongBinder(parcel.get(), null.getR()), STATUS_OK);
    EXPECT_EQ(null.get(), nullptr);
  }
  EXPECT_EQ(AIBinder_debugGetRefCount(object.get()), references);
}

TEST(NdkParcel, ObjectsAreNoDataAndDataIsNoObject) {
  const ndk::SpAIBinder object = make_plain_object();
  const ndk::ScopedAParcel parcel = make_parcel();
  ASSERT_EQ(AParcel_writeInt32(parcel.get(), 1), STATUS_OK);
  ASSERT_EQ(AParcel_writeStrongBinder(parcel.get(), object.get()), STATUS_OK);
  const int32_t end = AParcel_getDataPosition(parcel.get());
  EXPECT_EQ(end, 4 + 24 + 4);
  for (int32_t position = 4; position < 28; position += 4) {
    AParcel_setDataPosition(parcel.get(), position);
    int32_t value = 0;
    EXPECT_EQ(AParcel_readInt32(parcel.get(), &value), STATUS_PERMISSION_DENIED);
    EXPECT_EQ(AParcel_writeInt32(parcel.get(), 0), STATUS_PERMISSION_DENIED);
  }
  AParcel_setDataPosition(parcel.get(), 0);
  int64_t both = 0;
  EXPECT_EQ(AParcel_readInt64(parcel.get(), &both), STATUS_PERMISSION_DENIED);
  ndk::SpAIBinder back;
  for (const int32_t position : {0, 8, 12}) {
    AParcel_setDataPosition(parcel.get(), position);
    EXPECT_NE(AParcel_readStrongBinder(parcel.get(), back.getR()), STATUS_OK);
    EXPECT_EQ(back.get(), nullptr);
  }
  // The same bytes elsewhere are no object: nobody has said that they are one.
  std::vector<int32_t> words(8);
  words[0] = 0x73622a85;  // BINDER_TYPE_BINDER
  words[2] = 0x1000;
  words[4] = 0x1000;
  words[6] = 0x0c;
  EXPECT_EQ(AParcel_readStrongBinder(parcel_of_words(words).get(), back.getR()), STATUS_BAD_TYPE);
  words[0] = 0x73682a85;  // BINDER_TYPE_HANDLE
  EXPECT_EQ(AParcel_readStrongBinder(parcel_of_words(words).get(), back.getR()), STATUS_BAD_TYPE);
  int fd = -1;
  std::vector<int32_t> file{1, 0, 0x66642a85, 0, 1, 0, 0, 0};  // BINDER_TYPE_FD
  EXPECT_EQ(AParcel_readParcelFileDescriptor(parcel_of_words(file).get(), &fd), STATUS_BAD_TYPE);
}

TEST(NdkParcel, TheStabilityIsBehindTheObject) {
  const ndk::SpAIBinder object = make_plain_object();
  const ndk::ScopedAParcel parcel = make_parcel();
  ASSERT_EQ(AParcel_writeStrongBinder(parcel.get(), object.get()), STATUS_OK);
  AParcel_setDataPosition(parcel.get(), 24);
  int32_t word = 0;
  ASSERT_EQ(AParcel_readInt32(parcel.get(), &word), STATUS_OK);
  EXPECT_EQ(word, 0x0c);
}

TEST(NdkParcel, Files) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  {
    const ndk::ScopedAParcel parcel = make_parcel();
    ASSERT_EQ(AParcel_writeParcelFileDescriptor(parcel.get(), ends[1]), STATUS_OK);
    ASSERT_EQ(AParcel_writeParcelFileDescriptor(parcel.get(), -1), STATUS_OK);
    EXPECT_EQ(AParcel_writeParcelFileDescriptor(parcel.get(), -2), STATUS_UNKNOWN_ERROR);
    EXPECT_EQ(AParcel_writeParcelFileDescriptor(parcel.get(), 9999), -EBADF);
    AParcel_setDataPosition(parcel.get(), 0);
    int fd = -1;
    ASSERT_EQ(AParcel_readParcelFileDescriptor(parcel.get(), &fd), STATUS_OK);
    ASSERT_GE(fd, 0);
    EXPECT_NE(fd, ends[1]);
    EXPECT_EQ(::write(fd, "x", 1), 1);
    ::close(fd);
    fd = 0;
    ASSERT_EQ(AParcel_readParcelFileDescriptor(parcel.get(), &fd), STATUS_OK);
    EXPECT_EQ(fd, -1);
  }
  // All copies are closed.
  ::close(ends[1]);
  char text[4];
  EXPECT_EQ(::read(ends[0], text, sizeof text), 1);
  EXPECT_EQ(::read(ends[0], text, sizeof text), 0);
  ::close(ends[0]);
}

TEST(NdkParcel, AppendingTakesObjectsAlong) {
  const ndk::SpAIBinder object = make_plain_object();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const ndk::ScopedFileDescriptor reading(ends[0]);
  ndk::ScopedFileDescriptor writing(ends[1]);
  const ndk::ScopedAParcel from = make_parcel();
  ASSERT_EQ(AParcel_writeInt32(from.get(), 1), STATUS_OK);
  ASSERT_EQ(AParcel_writeStrongBinder(from.get(), object.get()), STATUS_OK);
  ASSERT_EQ(AParcel_writeParcelFileDescriptor(from.get(), writing.get()), STATUS_OK);
  ASSERT_EQ(AParcel_writeInt32(from.get(), 2), STATUS_OK);
  const int32_t size = AParcel_getDataSize(from.get());
  const ndk::ScopedAParcel to = make_parcel();
  ASSERT_EQ(AParcel_writeInt32(to.get(), 0), STATUS_OK);
  ASSERT_EQ(AParcel_appendFrom(from.get(), to.get(), 0, size), STATUS_OK);
  EXPECT_EQ(AParcel_getDataSize(to.get()), size + 4);
  AParcel_reset(from.get());
  AParcel_setDataPosition(to.get(), 4);
  int32_t value = 0;
  ndk::SpAIBinder back;
  ndk::ScopedFileDescriptor file;
  ASSERT_EQ(AParcel_readInt32(to.get(), &value), STATUS_OK);
  EXPECT_EQ(value, 1);
  ASSERT_EQ(AParcel_readStrongBinder(to.get(), back.getR()), STATUS_OK);
  EXPECT_EQ(back, object);
  ASSERT_EQ(AParcel_readParcelFileDescriptor(to.get(), file.getR()), STATUS_OK);
  EXPECT_EQ(::write(file.get(), "x", 1), 1);
  ASSERT_EQ(AParcel_readInt32(to.get(), &value), STATUS_OK);
  EXPECT_EQ(value, 2);

  EXPECT_EQ(AParcel_appendFrom(to.get(), from.get(), 0, size + 8), STATUS_BAD_VALUE);
  EXPECT_EQ(AParcel_appendFrom(to.get(), from.get(), -4, 4), STATUS_BAD_VALUE);
  EXPECT_EQ(AParcel_appendFrom(to.get(), from.get(), 0, -1), STATUS_BAD_VALUE);
  EXPECT_EQ(AParcel_appendFrom(to.get(), to.get(), 0, 4), STATUS_BAD_VALUE);
  EXPECT_EQ(AParcel_appendFrom(to.get(), from.get(), 12, 8), STATUS_BAD_VALUE);  // within an object
  EXPECT_EQ(AParcel_appendFrom(to.get(), from.get(), 0, 12), STATUS_BAD_VALUE);  // its beginning
}

}  // namespace
}  // namespace netbinder::testing
