// SPDX-License-Identifier: Apache-2.0
//
// Parcels of each version of Android, byte by byte, as its own clients write them: what the agent's
// writer and the library's parcel make is this, and both read it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "ndk/parcel/parcel.h"
#include "ndk/parcel/status.h"
#include "ndk/process/binder_object.h"
#include "parcel/dialect.h"
#include "parcel/reader.h"
#include "parcel/token.h"
#include "parcel/writer.h"
#include "tests/ndk/plain_object.h"

namespace netbinder::testing {
namespace {

using Words = std::vector<std::uint32_t>;

// "manager" and "a.B" as 16-bit units with a final zero, two in a word.
const Words kManager = {7, 0x0061006d, 0x0061006e, 0x00650067, 0x00000072};
const Words kInterface = {3, 0x002e0061, 0x00000042};

struct Version {
  Dialect dialect;
  Words token;                                // before the name; strict mode is 0
  std::uint32_t system, vendor, vintf, null;  // behind an object
};
const std::vector<Version>& versions() {
  static const std::vector<Version> all = {
      {Dialect::kClassic, {0}, 0, 0, 0, 0},
      {Dialect::kAndroid10, {0, 0xffffffff}, 0, 0, 0, 0},
      {Dialect::kAndroid11, {0, 0xffffffff, 0x53595354}, 0x0c, 0x03, 0x3f, 0},
      {Dialect::kAndroid12, {0, 0xffffffff, 0x53595354}, 0x0c000001, 0x03000001, 0x3f000001, 1},
      {Dialect::kAndroid13, {0, 0xffffffff, 0x53595354}, 0x0c, 0x03, 0x3f, 0},
      {Dialect::kAndroid14, {0, 0xffffffff, 0x53595354}, 0x0c, 0x03, 0x3f, 0},
      {Dialect::kAndroid15, {0, 0xffffffff, 0x53595354}, 0x0c, 0x03, 0x3f, 0},
      {Dialect::kAndroid16, {0, 0xffffffff, 0x53595354}, 0x0c, 0x03, 0x3f, 0},
  };
  return all;
}

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

Words words_of(const ParcelView& parcel) {
  Words words(parcel.data.size() / sizeof(std::uint32_t));
  if (!words.empty()) std::memcpy(words.data(), parcel.data.data(), parcel.data.size());
  return words;
}

ParcelView view_of(const Words& words, std::span<const binder_size_t> offsets = {}) {
  return {std::as_bytes(std::span(words)), offsets};
}

class NoOwner final : public ndk::BufferOwner {
 public:
  void free_buffer(const void* /*data*/, std::size_t /*size*/, bool /*objects*/) override {}
};

class ParcelFormats : public ::testing::TestWithParam<Version> {};
INSTANTIATE_TEST_SUITE_P(Android, ParcelFormats, ::testing::ValuesIn(versions()),
                         [](const auto& tested) {
                           return std::string(ndk::dialect_name(tested.param.dialect));
                         });

TEST_P(ParcelFormats, TokensAreWritten) {
  const Words request = GetParam().token + kInterface + kManager;
  ParcelWriter writer;
  writer.interface_token(TokenWords(GetParam().dialect), "a.B");
  writer.string16("manager");
  EXPECT_EQ(words_of(writer.take().view()), request);

  Words with_strict_mode = request;
  with_strict_mode[0] = 0x80000000;  // as the library asks for
  ndk::Parcel parcel;
  ASSERT_EQ(parcel.write_interface_token(GetParam().dialect, "a.B"), STATUS_OK);
  ASSERT_EQ(parcel.write_string16("manager"), STATUS_OK);
  EXPECT_EQ(words_of(parcel.view()), with_strict_mode);
}

TEST_P(ParcelFormats, TokensAreRead) {
  Words request = GetParam().token + kInterface + kManager;
  request[0] = 0x00400000;
  ParcelReader reader(view_of(request));
  const auto token = take_interface_token(reader, "a.B");
  ASSERT_TRUE(token);
  EXPECT_EQ(token->words, GetParam().token.size());
  EXPECT_EQ(reader.string16(), "manager");
  EXPECT_EQ(reader.remaining(), 0U);

  ParcelReader other(view_of(request));
  EXPECT_FALSE(take_interface_token(other, "a.C"));
  EXPECT_EQ(other.position(), 0U);

  NoOwner owner;
  ndk::Parcel parcel;
  parcel.receive(request.data(), request.size() * 4, nullptr, 0, owner);
  EXPECT_TRUE(parcel.take_interface_token("a.B"));
  std::string name;
  EXPECT_EQ(parcel.read_string16(name), STATUS_OK);
  EXPECT_EQ(name, "manager");
}

TEST_P(ParcelFormats, StabilitiesAreBehindObjects) {
  const Dialect dialect = GetParam().dialect;
  const ::ndk::SpAIBinder object = make_plain_object();
  const auto address = reinterpret_cast<std::uint64_t>(object.get());
  const auto low = static_cast<std::uint32_t>(address);
  const auto high = static_cast<std::uint32_t>(address >> 32);
  ndk::Parcel parcel;
  ASSERT_EQ(parcel.write_binder(object.get(), dialect), STATUS_OK);
  ASSERT_EQ(parcel.write_binder(nullptr, dialect), STATUS_OK);
  Words written = words_of(parcel.view());
  ASSERT_GE(written.size(), 12U);
  EXPECT_EQ(written[0], BINDER_TYPE_BINDER);
  EXPECT_THAT((Words{written[2], written[3], written[4], written[5]}),
              ::testing::ElementsAre(low, high, low, high));
  if (!has_stability(dialect)) {
    EXPECT_EQ(written.size(), 12U);
  } else {
    ASSERT_EQ(written.size(), 14U);
    EXPECT_EQ(written[6], GetParam().system);
    EXPECT_EQ(written[13], GetParam().null);
    EXPECT_EQ(stability_word(dialect, Stability::kVendor), GetParam().vendor);
    EXPECT_EQ(stability_word(dialect, Stability::kVintf), GetParam().vintf);
    EXPECT_EQ(stability_of_word(GetParam().system), Stability::kSystem);
    EXPECT_EQ(stability_level(GetParam().vintf), 0x3fU);
  }
  // Only the first is an object that the driver is to translate.
  EXPECT_THAT(std::vector<binder_size_t>(parcel.offsets().begin(), parcel.offsets().end()),
              ::testing::ElementsAre(0));
  parcel.set_position(0);
  ::ndk::SpAIBinder read;
  ASSERT_EQ(parcel.read_binder(*read.getR(), dialect), STATUS_OK);
  EXPECT_EQ(read, object);
  AIBinder* none = object.get();
  ASSERT_EQ(parcel.read_binder(none, dialect), STATUS_OK);
  EXPECT_EQ(none, nullptr);
}

TEST(ParcelLayout, HandlesAreObjects) {
  ParcelWriter writer;
  writer.handle(Handle{5});
  writer.null_binder();
  const ParcelBytes bytes = writer.take();
  EXPECT_EQ(words_of(bytes.view()), (Words{BINDER_TYPE_HANDLE, 0x17f, 5, 0, 0, 0} +
                                     Words{BINDER_TYPE_BINDER, 0, 0, 0, 0, 0}));
  EXPECT_THAT(bytes.offsets, ::testing::ElementsAre(0));
  ParcelReader reader(bytes.view());
  EXPECT_EQ(reader.handle(), Handle{5});
  EXPECT_EQ(reader.handle(), std::nullopt);
  EXPECT_EQ(reader.remaining(), 0U);
}

TEST(ParcelLayout, ExceptionsOfTheManager) {
  // ILLEGAL_ARGUMENT, a message, no trace.
  const Words answer = Words{0xfffffffd} + kInterface + Words{0};
  NoOwner owner;
  ndk::Parcel parcel;
  parcel.receive(answer.data(), answer.size() * 4, nullptr, 0, owner);
  AStatus status;
  ASSERT_EQ(AStatus::read(parcel, status), STATUS_OK);
  EXPECT_EQ(status.exception(), EX_ILLEGAL_ARGUMENT);
  EXPECT_EQ(status.message(), "a.B");
  ndk::Parcel written;
  ASSERT_EQ(status.write(written), STATUS_OK);
  EXPECT_EQ(words_of(written.view()), answer);
}

}  // namespace
}  // namespace netbinder::testing
