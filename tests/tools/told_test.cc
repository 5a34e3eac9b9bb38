// SPDX-License-Identifier: Apache-2.0
//
// Answers of other programs are checked before they are used.
#include "tools/told.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace netbinder::tools {
namespace {

using nlohmann::json;

TEST(Told, NumbersAreThoseThatTheirTypesHold) {
  const json object = json::parse(
      R"({"a":7,"b":-1,"c":4294967296,"d":1e300,"e":"7","f":18446744073709551615,"g":1.5,"h":null})");
  const Told told(object);
  EXPECT_EQ(told.number<std::uint32_t>("a"), 7U);
  EXPECT_EQ(told.number<std::int32_t>("b"), -1);
  EXPECT_EQ(told.number<std::uint64_t>("f"), UINT64_MAX);
  for (const char* none : {"b", "c", "d", "e", "f", "g", "h", "missing"}) {
    EXPECT_THROW((void)told.number<std::uint32_t>(none), std::runtime_error) << none;
  }
}

TEST(Told, TextsDoNothingToATerminal) {
  EXPECT_EQ(harmless("\x1b[2Jplain\n\t\x7f"), "?[2Jplain???");
  EXPECT_EQ(harmless("käse \u009b31m \u0085"), "käse ?31m ?");
  const json object = {{"text", "a\rb"}, {"number", 7}};
  EXPECT_EQ(Told(object).text("text"), "a?b");
  EXPECT_THROW((void)Told(object).text("number"), std::runtime_error);
}

TEST(Told, ObjectsAndListsAreWhatTheyShouldBe) {
  const json object = {{"list", {1, 2}}, {"object", {{"a", 1}}}};
  const Told told(object);
  EXPECT_EQ(told.list("list").size(), 2U);
  EXPECT_EQ(told.object("object").number<int>("a"), 1);
  EXPECT_THROW((void)told.list("object"), std::runtime_error);
  EXPECT_THROW((void)told.object("list"), std::runtime_error);
  EXPECT_THROW(Told(json(7)), std::runtime_error);
}

}  // namespace
}  // namespace netbinder::tools
