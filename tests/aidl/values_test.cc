// SPDX-License-Identifier: Apache-2.0
//
// JSON into parcels and back, and the same values in parcels of generated code.
#include <android/binder_auto_utils.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ndk/parcel/parcel.h"
#include "tests/aidl/folder.h"
#include "tests/ndk/newer_types.h"
#include "tools/aidl/answer_reader.h"
#include "tools/aidl/argument_writer.h"
#include "tools/aidl/types.h"

namespace netbinder::testing {
namespace {

using nlohmann::json;
using tools::aidl::AnswerError;
using tools::aidl::AnswerReader;
using tools::aidl::ArgumentWriter;
using tools::aidl::Declaration;
using tools::aidl::InputError;
using tools::aidl::Types;
using tools::aidl::ValueType;

class AidlValues : public ::testing::Test {
 protected:
  // A type by its name, as a parameter of a method has it.
  ValueType type(const std::string& text) {
    files_.push_back(std::make_unique<Folder>());
    const std::string file = files_.back()->add(
        "newer/I.aidl",
        "package newer; import newer.IEverything; interface I { void f(in " + text + " a); }");
    types_.push_back(
        std::make_unique<Types>(file, std::vector<std::string>{NETBINDER_AIDL_TEST_FOLDER}));
    const Declaration& interface = types_.back()->interface();
    return types_.back()->resolve(interface.methods[0].parameters[0].type, interface);
  }
  json through(const std::string& text, const json& value) {
    const ValueType of = type(text);
    AParcel parcel;
    ArgumentWriter(*types_.back(), parcel).write(of, value, "value");
    parcel.set_position(0);
    json read = AnswerReader(*types_.back(), parcel).read(of);
    EXPECT_EQ(parcel.position(), parcel.size()) << text;
    return read;
  }
  std::string refusal(const std::string& text, const json& value) {
    try {
      (void)through(text, value);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  }

  std::vector<std::unique_ptr<Folder>> files_;
  std::vector<std::unique_ptr<Types>> types_;
};

TEST_F(AidlValues, ComeBack) {
  for (const auto& [text, value] : std::vector<std::pair<std::string, json>>{
           {"boolean", true},
           {"byte", -128},
           {"char", "ü"},
           {"int", -2147483648},
           {"long", "-9223372036854775808"},
           {"float", 0.5},
           {"double", "-Infinity"},
           {"double", "NaN"},
           {"String", "aü\U0001f600"},
           {"@nullable String", nullptr},
           {"byte[]", {1, -2, 3}},
           {"boolean[]", {true, false}},
           {"char[]", {"a", "b"}},
           {"long[]", {"1", "2"}},
           {"@nullable int[]", nullptr},
           {"@nullable String[]", {"a", nullptr}},
           {"List<String>", {"a"}},
           {"List<IEverything.Color>", {"RED", 7}},
           {"IEverything.Size[]", {"SMALL", "LARGE", 5}},
           {"IEverything.Distance", "FAR"},
           {"int[2][3]", {{1, 2, 3}, {4, 5, 6}}},
           {"IEverything.Choice", {{"text", "x"}}},
           {"IEverything.Choice[]", {{{"color", "GREEN"}}, {{"numbers", {1}}}}},
           {"IEverything.Point", {{"x", 1}, {"y", 2}}},
           {"@nullable IEverything.Point[]", {nullptr, {{"x", 1}, {"y", 2}}}},
           {"@nullable IBinder", nullptr},
           {"@nullable ParcelFileDescriptor", nullptr},
       }) {
    EXPECT_EQ(through(text, value), value) << text;
  }
  // More than one form is taken.
  EXPECT_EQ(through("long", 5), "5");
  EXPECT_EQ(through("int", "5"), 5);
  EXPECT_EQ(through("byte", 255), -1);
  EXPECT_EQ(through("IEverything.Color", 10), "RED");
}

TEST_F(AidlValues, FilesAreOpened) {
  const std::string path = files_.emplace_back(std::make_unique<Folder>())->add("file", "x");
  EXPECT_EQ(through("ParcelFileDescriptor", path), path);
  EXPECT_EQ(refusal("ParcelFileDescriptor", "/nobody/has/this"),
            "value: /nobody/has/this: No such file or directory");
}

TEST_F(AidlValues, FieldsThatAreNotGivenHaveTheirDefaults) {
  EXPECT_EQ(through("IEverything.Fields", json::object()), json::parse(R"({
    "flag": false, "small": 0, "character": "\u0000", "number": -16, "large": "0", "real": 1.5,
    "precise": 0.0, "size": "SMALL", "color": "RED", "distance": "NEAR", "bytes": [],
    "booleans": [], "characters": [], "sizes": [], "colors": [], "distances": [], "reals": [],
    "texts": [], "points": [], "choices": [], "three": [1, 2, 3], "square": [[1, 2], [3, 4]],
    "maybe_text": null, "maybe_point": null, "maybe_nested": null, "maybe_numbers": null,
    "maybe_texts": null, "maybe_points": null, "maybe_object": null, "maybe_file": null,
    "choice": {"numbers": []}, "nested": {"text": ""}})"));
}

TEST_F(AidlValues, WhatDoesNotFitIsRefused) {
  EXPECT_EQ(refusal("int", "x"),
            "value: expected an integer from -2147483648 to 2147483647, not \"x\"");
  EXPECT_EQ(refusal("int", 2147483648),
            "value: expected an integer from -2147483648 to 2147483647, not 2147483648");
  EXPECT_EQ(refusal("int", 1.5),
            "value: expected an integer from -2147483648 to 2147483647, not 1.5");
  EXPECT_EQ(refusal("long", "9223372036854775808"),
            "value: expected an integer from -9223372036854775808 to 9223372036854775807, not "
            "\"9223372036854775808\"");
  EXPECT_EQ(refusal("byte", 256), "value: expected an integer from -128 to 255, not 256");
  EXPECT_EQ(refusal("boolean", 1), "value: expected true or false, not 1");
  EXPECT_EQ(refusal("char", "ab"), "value: expected a text of one character, not \"ab\"");
  EXPECT_EQ(refusal("float", 1e39), "value: expected a float, not 1e+39");
  EXPECT_EQ(refusal("String", 5), "value: expected a text in quotes, not 5");
  EXPECT_EQ(refusal("String", nullptr), "value: null, but the type is not @nullable");
  EXPECT_EQ(refusal("String[]", {"a", nullptr}), "value[1]: null, but the type is not @nullable");
  EXPECT_EQ(refusal("int[]", 5), "value: expected a list […] for int[], not 5");
  EXPECT_EQ(refusal("int[2]", {1}), "value: expected 2 elements, not 1");
  EXPECT_EQ(refusal("IEverything.Color", "BLUE"),
            "value: expected an integer or one of RED, GREEN, not \"BLUE\"");
  EXPECT_EQ(refusal("IEverything.Point", {{"z", 1}}),
            "value: newer.IEverything.Point has no field z");
  EXPECT_EQ(refusal("IEverything.Choice", json::object()),
            "value: expected one field of the union, not {}");
  EXPECT_EQ(refusal("IEverything.Choice", {{"other", 1}}),
            "value: newer.IEverything.Choice has no field other");
  EXPECT_EQ(refusal("IBinder", nullptr), "value: null, but the type is not @nullable");
}

TEST_F(AidlValues, DepthAndSizeAreBounded) {
  Folder folder;
  const std::string file = folder.add(
      "I.aidl", "parcelable P { P inner; } interface I { void f(in P a, in byte[] b); }");
  Types types(file, {});
  const Declaration& interface = types.interface();
  const auto& parameters = interface.methods[0].parameters;
  AParcel parcel;
  ArgumentWriter writer(types, parcel);
  try {
    writer.write(types.resolve(parameters[0].type, interface), json::object(), "value");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("nested too deeply"));
  }
  EXPECT_THROW(writer.write(types.resolve(parameters[1].type, interface),
                            json(std::vector<int>(5 << 20)), "value"),
               InputError);
  // An answer that says it is deeper than any.
  AParcel deep;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(deep.write<std::int32_t>(1), STATUS_OK);
    ASSERT_EQ(deep.write<std::int32_t>(8000 - 8 * i), STATUS_OK);
  }
  deep.set_position(0);
  EXPECT_THROW((void)AnswerReader(types, deep).read(types.resolve(parameters[0].type, interface)),
               AnswerError);
}

// ---- generated code ----

TEST_F(AidlValues, AreThoseOfGeneratedCode) {
  using aidl::newer::Choice;
  using aidl::newer::Color;
  using aidl::newer::Point;
  using aidl::newer::Size;
  AParcel written;
  const std::vector<Choice> choices = {Choice::make<Choice::Tag::point>(Point{1, 2}),
                                       Choice::make<Choice::Tag::color>(Color::GREEN)};
  const std::vector<Size> sizes = {Size::LARGE, Size::SMALL};
  const std::optional<std::vector<std::optional<Point>>> points = {{Point{3, 4}, std::nullopt}};
  ASSERT_EQ(::ndk::AParcel_writeData(&written, choices), STATUS_OK);
  ASSERT_EQ(::ndk::AParcel_writeData(&written, sizes), STATUS_OK);
  ASSERT_EQ(::ndk::AParcel_writeNullableData(&written, points), STATUS_OK);
  written.set_position(0);
  AParcel ours;
  for (const auto& [text, value] : std::vector<std::pair<std::string, json>>{
           {"IEverything.Choice[]", {{{"point", {{"x", 1}, {"y", 2}}}}, {{"color", "GREEN"}}}},
           {"IEverything.Size[]", {"LARGE", "SMALL"}},
           {"@nullable IEverything.Point[]", {{{"x", 3}, {"y", 4}}, nullptr}},
       }) {
    const ValueType of = type(text);
    EXPECT_EQ(AnswerReader(*types_.back(), written).read(of), value) << text;
    ArgumentWriter(*types_.back(), ours).write(of, value, "value");
  }
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(ours.data()), ours.size()),
            std::string(reinterpret_cast<const char*>(written.data()), written.size()));
}

TEST_F(AidlValues, AnswersAreBounded) {
  for (const std::vector<std::int32_t>& words : std::vector<std::vector<std::int32_t>>{
           {}, {0x7fffffff}, {1}, {1, 3}, {1, 1000, 1}, {1, -1}}) {
    for (const std::string text :
         {"String", "byte[]", "int[]", "List<String>", "IEverything.Fields", "IEverything.Choice",
          "IEverything.Size[]", "long"}) {
      AParcel answer;
      for (const std::int32_t word : words) ASSERT_EQ(answer.write(word), STATUS_OK);
      answer.set_position(0);
      const ValueType of = type(text);
      try {
        (void)AnswerReader(*types_.back(), answer).read(of);
      } catch (const AnswerError&) {
      }
      EXPECT_LE(answer.position(), answer.size());
    }
  }
}

TEST(AidlMethods, HaveNumbersByTheirOrderOrTheirOwn) {
  Types given(NETBINDER_AIDL_TEST_FOLDER "/newer/IEverything.aidl", {});
  EXPECT_EQ(given.interface().full_name, "newer.IEverything");
  EXPECT_EQ(given.number_of(given.interface().methods[0]), 5U);
  EXPECT_EQ(given.number_of(given.interface().methods[1]), 6U);
  EXPECT_TRUE(given.interface().methods[1].oneway);
  Folder folder;
  Types ordered(folder.add("I.aidl", "oneway interface I { void a(); void b(); }"), {});
  EXPECT_EQ(ordered.number_of(ordered.interface().methods[1]), 1U);
  EXPECT_TRUE(ordered.interface().methods[0].oneway);
}

}  // namespace
}  // namespace netbinder::testing
