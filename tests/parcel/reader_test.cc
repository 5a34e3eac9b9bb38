// SPDX-License-Identifier: Apache-2.0
#include "parcel/reader.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "parcel/text.h"

namespace netbinder::testing {
namespace {

using Refusal = ParcelReader::Refusal;

ParcelView view_of_words(const std::vector<std::uint32_t>& words,
                         std::span<const binder_size_t> offsets = {}) {
  return {std::as_bytes(std::span(words)), offsets};
}

TEST(ParcelReader, TakesNothingBehindTheEnd) {
  const std::vector<std::uint32_t> words = {1, 2};
  ParcelReader reader(view_of_words(words));
  EXPECT_EQ(reader.take(9).error(), Refusal::kEnd);
  EXPECT_EQ(reader.take(std::size_t{0} - 1).error(), Refusal::kEnd);
  EXPECT_EQ(reader.position(), 0U);
  EXPECT_TRUE(reader.take(5));  // and its padding
  EXPECT_EQ(reader.position(), 8U);
  EXPECT_EQ(reader.i32(), std::nullopt);
  EXPECT_EQ(reader.object().error(), Refusal::kEnd);
  reader.seek(100);
  EXPECT_EQ(reader.take(0).error(), Refusal::kEnd);
  EXPECT_EQ(reader.object().error(), Refusal::kEnd);
}

TEST(ParcelReader, PlainDataIsNotReadWhereAnObjectIs) {
  const std::vector<std::uint32_t> words = {7, BINDER_TYPE_HANDLE, 0, 3, 0, 0, 0, 8};
  const std::vector<binder_size_t> offsets = {4};
  ParcelReader reader(view_of_words(words, offsets));
  EXPECT_EQ(reader.take(8).error(), Refusal::kObject);
  EXPECT_EQ(reader.i32(), 7);
  EXPECT_EQ(reader.i32(), std::nullopt);
  EXPECT_EQ(reader.position(), 4U);
  EXPECT_TRUE(reader.listed());
  EXPECT_EQ(reader.handle(), Handle{3});
  EXPECT_EQ(reader.i32(), 8);
  // Half of an object is none.
  reader.seek(8);
  EXPECT_EQ(reader.object().error(), Refusal::kObject);
  reader.seek(12);
  EXPECT_EQ(reader.object().error(), Refusal::kEnd);
}

TEST(ParcelReader, LengthsOfStringsAreChecked) {
  for (const auto& [length, why] :
       {std::pair{0xfffffffeU, Refusal::kLength}, std::pair{2U, Refusal::kEnd},
        std::pair{0x7fffffffU, Refusal::kEnd}}) {
    const std::vector<std::uint32_t> words = {length, 0x61};
    ParcelReader reader(view_of_words(words));
    EXPECT_EQ(reader.string16_units().error(), why) << length;
    reader.seek(0);
    EXPECT_EQ(reader.string16(), std::nullopt);
    EXPECT_EQ(reader.position(), 0U);
  }
  const std::vector<std::uint32_t> null = {0xffffffff, 1};
  ParcelReader reader(view_of_words(null));
  EXPECT_EQ(reader.string16(), std::nullopt);
  EXPECT_EQ(reader.i32(), 1);
}

TEST(ParcelReader, NamesAreAscii) {
  const std::vector<std::uint32_t> words = {3, 0x00fc0061, 0x00000062};  // a, u with dots, b
  ParcelReader reader(view_of_words(words));
  EXPECT_EQ(reader.string16(), "a?b");
}

TEST(ParcelReader, TextIsComparedWithoutACopy) {
  const std::u16string units = u"a\u00fc\U0001f600";
  EXPECT_TRUE(is_text(units.data(), units.size(), "a\xc3\xbc\xf0\x9f\x98\x80"));
  EXPECT_FALSE(is_text(units.data(), units.size(), "a\xc3\xbc"));
  EXPECT_FALSE(is_text(units.data(), 2, "a\xc3\xbc\xf0\x9f\x98\x80"));
  EXPECT_FALSE(is_text(units.data(), units.size(), "a\xc3"));
  EXPECT_TRUE(is_text(nullptr, 0, ""));
}

}  // namespace
}  // namespace netbinder::testing
