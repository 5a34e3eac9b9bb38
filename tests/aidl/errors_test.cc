// SPDX-License-Identifier: Apache-2.0
//
// The errors that a user reads about a wrong file: where, and what. Files that nobody has written
// by hand do no harm.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/aidl/folder.h"
#include "tools/aidl/parser.h"
#include "tools/aidl/types.h"

namespace netbinder::testing {
namespace {

using tools::aidl::Declaration;
using tools::aidl::InputError;
using tools::aidl::Method;
using tools::aidl::Types;

// All that is asked of a file's interface.
void resolve_everything(Types& types) {
  const Declaration& interface = types.interface();
  for (const Method& method : interface.methods) {
    (void)types.number_of(method);
    (void)types.resolve(method.result, interface);
    for (const auto& parameter : method.parameters) {
      const auto type = types.resolve(parameter.type, interface);
      if (type.declaration == nullptr) continue;
      (void)types.enumerators_of(*type.declaration);
      for (const auto& field : types.fields_of(*type.declaration)) {
        (void)types.default_of(*field.written, *type.declaration);
      }
    }
  }
}

std::string error_of(const std::string& content) {
  Folder folder;
  const std::string file = folder.add("I.aidl", content);
  try {
    Types types(file, {});
    resolve_everything(types);
  } catch (const InputError& error) {
    std::string text = error.what();
    const auto at = text.find(file);
    return at == 0 ? text.substr(file.size() - 6) : text;
  }
  return "";
}

TEST(AidlErrors, HaveAPlace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"interface I {", "I.aidl:1:14: expected a name, not the end of the file"},
      {"interface I {\n  void f()\n}", "I.aidl:3:1: expected \";\", not \"}\""},
      {"interface I { void f(int) ; }", "I.aidl:1:25: expected a name, not \")\""},
      {"interface I { $ }", "I.aidl:1:15: this character is none of AIDL's"},
      {"interface I { /* }", "I.aidl:1:15: this comment does not end"},
      {"interface I { const String A = \"x; }", "I.aidl:1:32: this text does not end"},
      {"parcelable P { int a; }", "I.aidl: no interface is declared here"},
      {"interface I { void f(in Foo a); }", "I.aidl:1:25: there is no type Foo"},
      {"interface I { void f(in Map a); }",
       "I.aidl:1:25: values of the type Map are not supported"},
      {"interface I { void f(in List a); }", "I.aidl:1:25: a List has one type of elements"},
      {"parcelable P; interface I { P f(); }",
       "I.aidl:1:29: P is declared without its fields, so its form is unknown"},
      {"interface I { void f() = 1; void g(); }",
       "I.aidl:1:20: either all methods have a number or none"},
      {"interface I { void f() = -1; }", "I.aidl:1:20: a method's number is from 0 to 16777214"},
      {"interface I { void f() = A; }", "I.aidl:1:26: there is no constant A"},
      {"interface I { const int A = B; const int B = A; void f() = A; }",
       "I.aidl:1:46: the value of A depends on itself"},
      {"interface I { void f() = 1 / 0; }", "I.aidl:1:28: this division is not possible"},
      {"interface I { void f() = 1 << 64; }", "I.aidl:1:28: a shift by so much is not possible"},
      {"interface I { void f() = \"a\"; }", "I.aidl:1:26: this is to be an integer"},
      {"interface I { void f() = 12z; }", "I.aidl:1:26: 12z is no number"},
      {"interface I { void f() = 99999999999999999999; }",
       "I.aidl:1:26: 99999999999999999999 is no number"},
      {"interface I { void f(in int[2000000] a); }",
       "I.aidl:1:29: an array cannot have so many elements"},
      {"interface I {} interface I {}", "I.aidl:1:26: I is declared already"},
      {"@Backing(type=\"float\") enum E { A } interface I { void f(in E a); }", ""},
      {"import a.B; interface I { void f(in B b); }", "I.aidl:1:8: a.B is not below "},
  };
  for (const auto& [content, error] : cases) {
    EXPECT_THAT(error_of(content), ::testing::StartsWith(error)) << content;
  }
}

TEST(AidlErrors, DepthIsBounded) {
  const auto nested = [](const std::string& begin, const std::string& inner, const std::string& end,
                         int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += begin;
    text += inner;
    for (int i = 0; i < times; ++i) text += end;
    return text;
  };
  constexpr int kMany = 100000;
  for (const std::string& content : {
           "interface I { void f() = " + nested("(", "1", ")", kMany) + "; }",
           "interface I { void f() = " + nested("-", "1", "", kMany) + "; }",
           "interface I { void f() = " + nested("1?", "1", ":1", kMany) + "; }",
           "interface I { void f() = " + nested("{", "", "}", kMany) + "; }",
           "interface I { " + nested("List<", "int", ">", kMany) + " f(); }",
           nested("interface I {", "", "}", 60000),
       }) {
    EXPECT_THAT(error_of(content), ::testing::HasSubstr("nested too deeply"));
  }
  EXPECT_THAT(error_of("interface I { void f() = " + nested("1+", "1", "", kMany) + "; }"),
              ::testing::HasSubstr("too long an expression"));
  EXPECT_THAT(error_of("interface I { int" + nested("[]", "", "", kMany) + " f(); }"),
              ::testing::HasSubstr("too many dimensions"));
  EXPECT_THAT(error_of(std::string(2 << 20, ' ')), ::testing::HasSubstr("too large"));
}

TEST(AidlErrors, EveryBeginningOfAFileIsAnError) {
  const std::string whole =
      "package a.b; import a.b.C; @VintfStability interface I { const int A = -(1 + 0x2) * 3;"
      " oneway void f(in @nullable String[] a, inout List<int> b, out byte[A + 10] c) = 'x';"
      " @Backing(type=\"int\") enum E { P, Q = 5, } union U { int a; E b = E.P; }"
      " parcelable D { float a = 1.5e-3f; boolean b = true ? false : true; } }";
  EXPECT_NO_THROW((void)tools::aidl::parse("I.aidl", whole));
  for (std::size_t size = 1; size + 1 < whole.size(); ++size) {
    const std::string part = whole.substr(0, size);
    try {
      (void)tools::aidl::parse("I.aidl", part);
      EXPECT_THAT(part, ::testing::ContainsRegex("; ?$"));  // of a package or an import
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), ::testing::StartsWith("I.aidl:1:"));
    }
  }
}

}  // namespace
}  // namespace netbinder::testing
