// SPDX-License-Identifier: Apache-2.0
// The C++ headers with types of both generations of AIDL compilers.
#include <aidl/netbinder/test/Record.h>
#include <android/binder_ibinder.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/ndk/newer_types.h"
#include "tests/ndk/plain_object.h"

namespace netbinder::testing {
namespace {

using aidl::netbinder::test::Record;
using aidl::newer::BpShape;
using aidl::newer::Choice;
using aidl::newer::Color;
using aidl::newer::Distance;
using aidl::newer::Everything;
using aidl::newer::IShape;
using aidl::newer::Point;
using aidl::newer::Shape;
using aidl::newer::Size;
using ::testing::ElementsAre;

template <typename Value>
binder_status_t there_and_back(const Value& from, Value& to) {
  const ndk::ScopedAParcel parcel(AParcel_create());
  binder_status_t status = ndk::AParcel_writeNullableData(parcel.get(), from);
  if (status != STATUS_OK) return status;
  AParcel_setDataPosition(parcel.get(), 0);
  status = ndk::AParcel_readNullableData(parcel.get(), &to);
  EXPECT_EQ(AParcel_getDataPosition(parcel.get()), AParcel_getDataSize(parcel.get()));
  return status;
}

Point point(int32_t x, int32_t y) {
  Point made;
  made.x = x;
  made.y = y;
  return made;
}

TEST(NdkGenerated, EverythingComesBack) {
  Everything from;
  from.boolean = true;
  from.byte = -5;
  from.character = u'ß';
  from.number = INT32_MIN;
  from.large = INT64_MAX;
  from.real = 0.25F;
  from.precise = -1e-300;
  from.size = Size::LARGE;
  from.color = Color::GREEN;
  from.distance = Distance::FAR;
  from.bytes = {0, 128, 255};
  from.booleans = {true, false, true};
  from.characters = {u'a', 0xd800};
  from.sizes = {Size::LARGE, Size::SMALL};
  from.colors = {Color::GREEN};
  from.distances = {Distance::FAR, Distance::NEAR};
  from.reals = {1.5F};
  from.texts = {"x", ""};
  from.points = {point(1, 2), point(3, 4)};
  from.choices = {Choice::make<Choice::Tag::text>("t"),
                  Choice::make<Choice::Tag::point>(point(5, 6)),
                  Choice::make<Choice::Tag::color>(Color::RED),
                  Choice::make<Choice::Tag::numbers>(std::vector<int32_t>{7})};
  from.objects = {make_plain_object()};
  from.shapes = {ndk::SharedRefBase::make<Shape>()};
  from.three = {1, 2, 3};
  from.square = {{{1, 2}, {3, 255}}};
  from.two_texts = {"first", "second"};
  from.two_points = {point(8, 9), point(10, 11)};
  from.two_booleans = {false, true};
  from.maybe_text = "maybe";
  from.maybe_point = point(12, 13);
  from.maybe_nested = std::make_unique<Everything::Nested>();
  from.maybe_nested->text = "heap";
  from.maybe_numbers = {1};
  from.maybe_texts = {{"a", std::nullopt}};
  from.maybe_points = {{std::nullopt, point(14, 15)}};
  from.maybe_objects = {{make_plain_object(), nullptr}};
  from.maybe_two_texts = {{std::nullopt, "b"}};
  from.maybe_square = {{{{1, 2}, {3, 4}}}};
  from.maybe_colors = {{Color::RED}};
  from.maybe_shape = ndk::SharedRefBase::make<Shape>();
  from.maybe_object = make_plain_object();
  from.maybe_file.set(::dup(STDERR_FILENO));
  from.files.emplace_back(::dup(STDERR_FILENO));
  from.choice = Choice::make<Choice::Tag::text>("chosen");
  from.nested.text = "nested";
  ASSERT_EQ(from.extension.setParcelable(point(16, 17)), STATUS_OK);

  Everything to;
  const ndk::ScopedAParcel parcel(AParcel_create());
  ASSERT_EQ(ndk::AParcel_writeData(parcel.get(), from), STATUS_OK);
  AParcel_setDataPosition(parcel.get(), 0);
  ASSERT_EQ(ndk::AParcel_readData(parcel.get(), &to), STATUS_OK);
  EXPECT_EQ(AParcel_getDataPosition(parcel.get()), AParcel_getDataSize(parcel.get()));

  EXPECT_EQ(to.boolean, from.boolean);
  EXPECT_EQ(to.byte, from.byte);
  EXPECT_EQ(to.character, from.character);
  EXPECT_EQ(to.number, from.number);
  EXPECT_EQ(to.large, from.large);
  EXPECT_EQ(to.real, from.real);
  EXPECT_EQ(to.precise, from.precise);
  EXPECT_EQ(to.size, from.size);
  EXPECT_EQ(to.color, from.color);
  EXPECT_EQ(to.distance, from.distance);
  EXPECT_EQ(to.bytes, from.bytes);
  EXPECT_EQ(to.booleans, from.booleans);
  EXPECT_EQ(to.characters, from.characters);
  EXPECT_EQ(to.sizes, from.sizes);
  EXPECT_EQ(to.colors, from.colors);
  EXPECT_EQ(to.distances, from.distances);
  EXPECT_EQ(to.reals, from.reals);
  EXPECT_EQ(to.texts, from.texts);
  EXPECT_EQ(to.points, from.points);
  EXPECT_EQ(to.choices, from.choices);
  EXPECT_EQ(to.objects, from.objects);
  EXPECT_EQ(to.shapes, from.shapes);
  EXPECT_EQ(to.three, from.three);
  EXPECT_EQ(to.square, from.square);
  EXPECT_EQ(to.two_texts, from.two_texts);
  EXPECT_EQ(to.two_points, from.two_points);
  EXPECT_EQ(to.two_booleans, from.two_booleans);
  EXPECT_EQ(to.maybe_text, from.maybe_text);
  EXPECT_EQ(to.maybe_point, from.maybe_point);
  ASSERT_NE(to.maybe_nested, nullptr);
  EXPECT_EQ(*to.maybe_nested, *from.maybe_nested);
  EXPECT_EQ(to.maybe_numbers, from.maybe_numbers);
  EXPECT_EQ(to.maybe_texts, from.maybe_texts);
  EXPECT_EQ(to.maybe_points, from.maybe_points);
  EXPECT_EQ(to.maybe_objects, from.maybe_objects);
  EXPECT_EQ(to.maybe_two_texts, from.maybe_two_texts);
  EXPECT_EQ(to.maybe_square, from.maybe_square);
  EXPECT_EQ(to.maybe_colors, from.maybe_colors);
  EXPECT_EQ(to.maybe_shape, from.maybe_shape);
  EXPECT_EQ(to.maybe_object, from.maybe_object);
  EXPECT_GE(to.maybe_file.get(), 0);
  ASSERT_EQ(to.files.size(), 1U);
  EXPECT_GE(to.files[0].get(), 0);
  EXPECT_EQ(to.choice, from.choice);
  EXPECT_EQ(to.nested, from.nested);
  std::optional<Point> held;
  ASSERT_EQ(to.extension.getParcelable(&held), STATUS_OK);
  EXPECT_EQ(held, point(16, 17));
}

TEST(NdkGenerated, NothingComesBackAsNothing) {
  const Everything from;
  Everything to;
  to.maybe_text = "x";
  to.maybe_point.emplace();
  to.maybe_nested = std::make_unique<Everything::Nested>();
  to.maybe_numbers.emplace();
  to.maybe_two_texts.emplace();
  to.maybe_file.set(::dup(STDERR_FILENO));
  const ndk::ScopedAParcel parcel(AParcel_create());
  ASSERT_EQ(ndk::AParcel_writeData(parcel.get(), from), STATUS_OK);
  AParcel_setDataPosition(parcel.get(), 0);
  ASSERT_EQ(ndk::AParcel_readData(parcel.get(), &to), STATUS_OK);
  EXPECT_EQ(to.maybe_text, std::nullopt);
  EXPECT_EQ(to.maybe_point, std::nullopt);
  EXPECT_EQ(to.maybe_nested, nullptr);
  EXPECT_EQ(to.maybe_numbers, std::nullopt);
  EXPECT_EQ(to.maybe_two_texts, std::nullopt);
  EXPECT_EQ(to.maybe_shape, nullptr);
  EXPECT_EQ(to.maybe_file.get(), -1);
  std::optional<Point> held = point(1, 1);
  ASSERT_EQ(to.extension.getParcelable(&held), STATUS_OK);
  EXPECT_EQ(held, std::nullopt);
}

TEST(NdkGenerated, RequiredValuesAreNotNull) {
  const ndk::ScopedAParcel parcel(AParcel_create());
  EXPECT_EQ(ndk::AParcel_writeData(parcel.get(), std::shared_ptr<IShape>()),
            STATUS_UNEXPECTED_NULL);
  EXPECT_EQ(ndk::AParcel_writeData(parcel.get(), ndk::SpAIBinder()), STATUS_UNEXPECTED_NULL);
  EXPECT_EQ(ndk::AParcel_writeData(parcel.get(), ndk::ScopedFileDescriptor()),
            STATUS_UNEXPECTED_NULL);
  // A value is missing that another writer has left out.
  for (int i = 0; i < 8; ++i) (void)AParcel_writeInt32(parcel.get(), i == 0 ? 0 : -1);
  Point read;
  AParcel_setDataPosition(parcel.get(), 0);
  EXPECT_EQ(ndk::AParcel_readData(parcel.get(), &read), STATUS_UNEXPECTED_NULL);
  AParcel_setDataPosition(parcel.get(), 4);
  std::string text;
  EXPECT_EQ(ndk::AParcel_readData(parcel.get(), &text), STATUS_UNEXPECTED_NULL);
  AParcel_setDataPosition(parcel.get(), 4);
  std::vector<int32_t> numbers;
  EXPECT_EQ(ndk::AParcel_readData(parcel.get(), &numbers), STATUS_NO_MEMORY);
}

TEST(NdkGenerated, FixedArraysHaveTheirSize) {
  const ndk::ScopedAParcel parcel(AParcel_create());
  ASSERT_EQ(ndk::AParcel_writeData(parcel.get(), std::vector<int32_t>{1, 2}), STATUS_OK);
  std::array<int32_t, 3> three{};
  AParcel_setDataPosition(parcel.get(), 0);
  EXPECT_NE(ndk::AParcel_readData(parcel.get(), &three), STATUS_OK);
  std::array<int32_t, 2> two{};
  AParcel_setDataPosition(parcel.get(), 0);
  EXPECT_EQ(ndk::AParcel_readData(parcel.get(), &two), STATUS_OK);
  EXPECT_THAT(two, ElementsAre(1, 2));
}

TEST(NdkGenerated, VectorsThatOthersSize) {
  const auto resize = [](int32_t size, auto* vector) {
    const ndk::ScopedAParcel parcel(AParcel_create());
    (void)AParcel_writeInt32(parcel.get(), size);
    AParcel_setDataPosition(parcel.get(), 0);
    return ndk::AParcel_resizeVector(parcel.get(), vector);
  };
  std::vector<int64_t> vector;
  std::optional<std::vector<int64_t>> nullable;
  EXPECT_EQ(resize(3, &vector), STATUS_OK);
  EXPECT_EQ(vector.size(), 3U);
  EXPECT_EQ(resize(-1, &vector), STATUS_UNEXPECTED_NULL);
  EXPECT_EQ(resize(INT32_MAX, &vector), STATUS_NO_MEMORY);
  EXPECT_EQ(resize(2, &nullable), STATUS_OK);
  EXPECT_EQ(nullable->size(), 2U);
  EXPECT_EQ(resize(-1, &nullable), STATUS_OK);
  EXPECT_EQ(nullable, std::nullopt);
  EXPECT_EQ(resize(-2, &nullable), STATUS_UNEXPECTED_NULL);
}

TEST(NdkGenerated, ParcelablesOfBothGenerationsLookTheSame) {
  // A presence word, a size, and the fields; the older one's methods write all of it.
  Record record;
  const ndk::ScopedAParcel older(AParcel_create());
  ASSERT_EQ(record.writeToParcel(older.get()), STATUS_OK);
  const ndk::ScopedAParcel helped(AParcel_create());
  ASSERT_EQ(ndk::AParcel_writeData(helped.get(), record), STATUS_OK);
  EXPECT_EQ(AParcel_getDataSize(older.get()), AParcel_getDataSize(helped.get()));
  const ndk::ScopedAParcel newer(AParcel_create());
  ASSERT_EQ(ndk::AParcel_writeData(newer.get(), point(1, 2)), STATUS_OK);
  for (const auto* parcel : {&older, &helped, &newer}) {
    AParcel_setDataPosition(parcel->get(), 0);
    int32_t present = 0;
    int32_t size = 0;
    ASSERT_EQ(AParcel_readInt32(parcel->get(), &present), STATUS_OK);
    ASSERT_EQ(AParcel_readInt32(parcel->get(), &size), STATUS_OK);
    EXPECT_EQ(present, 1);
    EXPECT_EQ(size, AParcel_getDataSize(parcel->get()) - 4);
  }
  AParcel_setDataPosition(helped.get(), 0);
  Record back;
  back.number = 0;
  ASSERT_EQ(ndk::AParcel_readData(helped.get(), &back), STATUS_OK);
  EXPECT_EQ(back.number, 7);
  std::optional<Record> nullable = record;
  std::optional<Record> got;
  ASSERT_EQ(there_and_back(nullable, got), STATUS_OK);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->name, "nobody");
  nullable.reset();
  ASSERT_EQ(there_and_back(nullable, got), STATUS_OK);
  EXPECT_FALSE(got);
}

TEST(NdkGenerated, FieldsOfNewerVersionsAreSkipped) {
  const ndk::ScopedAParcel parcel(AParcel_create());
  for (const int32_t word : {1, 20, 5, 6, 7, 8, 99}) (void)AParcel_writeInt32(parcel.get(), word);
  AParcel_setDataPosition(parcel.get(), 0);
  Point read;
  ASSERT_EQ(ndk::AParcel_readData(parcel.get(), &read), STATUS_OK);
  EXPECT_EQ(read, point(5, 6));
  int32_t behind = 0;
  ASSERT_EQ(AParcel_readInt32(parcel.get(), &behind), STATUS_OK);
  EXPECT_EQ(behind, 99);
}

TEST(NdkGenerated, CallsThroughAProxy) {
  const auto shape = ndk::SharedRefBase::make<Shape>();
  EXPECT_EQ(IShape::fromBinder(shape->asBinder()), shape);
  const auto proxy = ndk::SharedRefBase::make<BpShape>(shape->asBinder());
  std::optional<std::vector<std::optional<Point>>> moved;
  std::string color;
  ASSERT_TRUE(proxy->move({point(1, 2)}, Color::GREEN, &moved, &color).isOk());
  EXPECT_EQ(color, "20");
  ASSERT_TRUE(moved);
  EXPECT_THAT(*moved, ElementsAre(point(2, 3), std::nullopt));
  EXPECT_EQ(aidl::newer::BnShape::makeServiceName("default"), "newer.IShape/default");
  const AIBinder_Class* const clazz = AIBinder_getClass(shape->asBinder().get());
  EXPECT_STREQ(AIBinder_Class_getFunctionName(const_cast<AIBinder_Class*>(clazz), 1), "move");
}

TEST(NdkGenerated, HoldersKeepOneParcelable) {
  ndk::AParcelableHolder holder(ndk::STABILITY_LOCAL);
  ASSERT_EQ(holder.setParcelable(point(1, 2)), STATUS_OK);
  std::optional<Everything::Nested> other;
  EXPECT_EQ(holder.getParcelable(&other), STATUS_OK);
  EXPECT_FALSE(other);
  std::optional<Point> held;
  const ndk::AParcelableHolder copy(holder);
  holder.reset();
  EXPECT_EQ(holder.getParcelable(&held), STATUS_OK);
  EXPECT_FALSE(held);
  EXPECT_EQ(copy.getParcelable(&held), STATUS_OK);
  EXPECT_EQ(held, point(1, 2));
  holder = copy;
  EXPECT_EQ(holder.getParcelable(&held), STATUS_OK);
  EXPECT_EQ(held, point(1, 2));
  // A parcelable that is stable only here does not go into a holder of a higher stability.
  ndk::AParcelableHolder vintf(ndk::STABILITY_VINTF);
  EXPECT_EQ(vintf.setParcelable(point(1, 2)), STATUS_BAD_VALUE);
  const ndk::ScopedAParcel parcel(AParcel_create());
  ASSERT_EQ(holder.writeToParcel(parcel.get()), STATUS_OK);
  AParcel_setDataPosition(parcel.get(), 0);
  EXPECT_EQ(vintf.readFromParcel(parcel.get()), STATUS_BAD_VALUE);
}

TEST(NdkGenerated, Enums) {
  std::vector<Size> sizes;
  for (const Size size : ndk::enum_range<Size>()) sizes.push_back(size);
  EXPECT_THAT(sizes, ElementsAre(Size::SMALL, Size::LARGE));
  int count = 0;
  for (const Color color : ndk::enum_range<Color>()) count += static_cast<int>(color);
  EXPECT_EQ(count, 30);
}

TEST(NdkGenerated, Texts) {
  using ndk::internal::ToString;
  EXPECT_EQ(ToString(true), "true");
  EXPECT_EQ(ToString(int8_t{-3}), "-3");
  EXPECT_EQ(ToString(std::string("x")), "x");
  EXPECT_EQ(ToString(std::vector<bool>{true, false}), "[true, false]");
  EXPECT_EQ(ToString(std::vector<std::string>{"a", "b"}), "[a, b]");
  EXPECT_EQ(ToString(std::array<std::array<int32_t, 2>, 2>{{{1, 2}, {3, 4}}}), "[[1, 2], [3, 4]]");
  EXPECT_EQ(ToString(std::optional<int32_t>()), "(null)");
  EXPECT_EQ(ToString(std::optional<int32_t>(4)), "4");
  EXPECT_EQ(ToString(point(1, 2)), "Point{x: 1, y: 2}");
  EXPECT_EQ(ToString(std::vector<std::optional<Point>>{std::nullopt}), "[(null)]");
  EXPECT_EQ(ToString(Choice::make<Choice::Tag::text>("t")), "Choice{t}");
  EXPECT_EQ(ToString(Size::LARGE), "LARGE");
  EXPECT_EQ(ToString(Color::RED), "10");
  EXPECT_EQ(ToString(ndk::SpAIBinder()), "(null)");
  EXPECT_EQ(ToString(std::shared_ptr<IShape>()), "(null)");
  EXPECT_EQ(ToString(ndk::ScopedFileDescriptor()), "fd:-1");
}

}  // namespace
}  // namespace netbinder::testing
