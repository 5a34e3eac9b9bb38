// SPDX-License-Identifier: Apache-2.0
//
// Input of netbinder aidl-dump. The first byte says what the rest is: an .aidl file, which is an
// error with its place or has only constants that are values or errors; or the answer of a service,
// which is an error or the same JSON after it was written into a parcel and read again.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/base/check.h"
#include "ndk/parcel/parcel.h"
#include "tests/fuzz/seeds.h"
#include "tools/aidl/answer_reader.h"
#include "tools/aidl/argument_writer.h"
#include "tools/aidl/constants.h"
#include "tools/aidl/parser.h"
#include "tools/aidl/types.h"

namespace netbinder::fuzz {
namespace {

using nlohmann::json;
using tools::aidl::AnswerError;
using tools::aidl::AnswerReader;
using tools::aidl::ArgumentWriter;
using tools::aidl::Declaration;
using tools::aidl::InputError;
using tools::aidl::Token;
using tools::aidl::Types;
using tools::aidl::ValueType;

enum Kind : std::uint8_t { kFile, kAnswer, kKinds };

constexpr char kText[] =
    "package a.b; import a.b.C; @VintfStability interface I { const int A = -(1 + 0x2) * 3;"
    " oneway void f(in @nullable String[] a, inout List<int> b, out byte[A + 10] c) = 5;"
    " @Backing(type=\"int\") enum E { P, Q = 5, } union U { int a; E b = E.P; }"
    " parcelable D { float a = 1.5e-3f; boolean b = true ? false : true; String c = \"x\" + \"y\"; "
    "} }";

Types& types() {
  static auto* const made = new Types(NETBINDER_AIDL_TEST_FOLDER "/newer/IEverything.aidl", {});
  return *made;
}

const ValueType& fields() {
  static const auto* const made = new ValueType(
      types().resolve(types().interface().methods[0].parameters[0].type, types().interface()));
  return *made;
}

void evaluate(const Declaration& declaration) {
  const tools::aidl::NamedValue named = [](const Token& name) -> json {
    throw InputError(name.place, "no names here");
  };
  for (const auto& constant : declaration.constants) {
    try {
      (void)tools::aidl::value_of(constant.value, named);
    } catch (const InputError&) {
    }
  }
  for (const auto& nested : declaration.nested) evaluate(*nested);
}

void read_file(std::string_view text) {
  try {
    const auto document = tools::aidl::parse("f", std::string(text));
    for (const auto& declaration : document->declarations) evaluate(*declaration);
  } catch (const InputError& error) {
    NB_CHECK(std::string_view(error.what()).starts_with("f:"));
  }
}

void read_answer(std::string_view bytes) {
  AParcel answer;
  NB_CHECK(answer.write_bytes(bytes.data(), bytes.size()) == STATUS_OK);
  answer.set_position(0);
  json value;
  try {
    value = AnswerReader(types(), answer).read(fields());
  } catch (const AnswerError&) {
    return;
  }
  NB_CHECK(answer.position() <= answer.size());
  // A null where none may be comes from a service that breaks the rules; it is shown, and not sent.
  // Fields that an older service does not know have their defaults from then on.
  const auto sent = [](const json& given) {
    AParcel parcel;
    ArgumentWriter(types(), parcel).write(fields(), given, "value");
    parcel.set_position(0);
    return AnswerReader(types(), parcel).read(fields());
  };
  try {
    value = sent(value);
  } catch (const InputError&) {
    return;
  }
  NB_CHECK(sent(value) == value);
}

}  // namespace

std::vector<Seed> make_seeds() {
  std::vector<Seed> seeds;
  seeds.push_back(Seed{.name = "file", .bytes = {}}.byte(kFile).text(kText));
  for (const auto& [name, value] :
       {std::pair("defaults", json::object()),
        std::pair("values", json{{"texts", {"a", "\u00fc"}},
                                 {"sizes", {"SMALL", 7}},
                                 {"choices", {{{"text", "x"}}, {{"point", {{"x", 1}}}}}},
                                 {"maybe_points", {nullptr, {{"y", 2}}}},
                                 {"maybe_texts", {nullptr, "b"}},
                                 {"large", "-5"},
                                 {"precise", "NaN"}})}) {
    AParcel parcel;
    ArgumentWriter(types(), parcel).write(fields(), value, "value");
    seeds.push_back(
        Seed{.name = name, .bytes = {}}.byte(kAnswer).raw({parcel.data(), parcel.size()}));
  }
  return seeds;
}

}  // namespace netbinder::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace netbinder::fuzz;
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % kKinds == kFile) {
    read_file(rest);
  } else {
    read_answer(rest);
  }
  return 0;
}
