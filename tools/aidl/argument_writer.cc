// SPDX-License-Identifier: Apache-2.0
#include "tools/aidl/argument_writer.h"

#include <android/binder_auto_utils.h>
#include <android/binder_manager.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "parcel/text.h"

namespace netbinder::tools::aidl {
namespace {

using nlohmann::json;

// More than any driver carries.
constexpr std::size_t kMostParcelBytes = std::size_t{4} << 20;

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw InputError(where + ": " + what);
}

// As much of it as a line can have.
std::string short_text(const json& value) {
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  constexpr std::size_t kMost = 40;
  if (text.size() > kMost) text = text.substr(0, kMost) + "…";
  return text;
}

[[noreturn]] void fail_expecting(const std::string& where, const std::string& what,
                                 const json& value) {
  fail(where, "expected " + what + ", not " + short_text(value));
}

// A number that is one, or a text that is.
std::optional<std::int64_t> integer_in(const json& value) {
  if (value.is_number_unsigned()) {
    const auto whole = value.get<std::uint64_t>();
    if (whole > INT64_MAX) return std::nullopt;
    return static_cast<std::int64_t>(whole);
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  std::int64_t read = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, read);
  if (error != std::errc() || at != end) return std::nullopt;
  return read;
}

std::int64_t integer_of(const json& value, std::int64_t least, std::int64_t most,
                        const std::string& where) {
  const auto number = integer_in(value);
  if (!number || *number < least || *number > most) {
    fail_expecting(
        where, "an integer from " + std::to_string(least) + " to " + std::to_string(most), value);
  }
  return *number;
}

template <typename Integer>
Integer integer_of(const json& value, const std::string& where) {
  using Limits = std::numeric_limits<Integer>;
  return static_cast<Integer>(integer_of(value, Limits::min(), Limits::max(), where));
}

// Bytes may be given without a sign, too.
std::int8_t byte_of(const json& value, const std::string& where) {
  return static_cast<std::int8_t>(integer_of(value, INT8_MIN, UINT8_MAX, where));
}

double real_of(const json& value, const std::string& where) {
  if (value.is_number()) return value.get<double>();
  if (value == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (value == "Infinity") return std::numeric_limits<double>::infinity();
  if (value == "-Infinity") return -std::numeric_limits<double>::infinity();
  fail_expecting(where, "a number, \"NaN\", \"Infinity\" or \"-Infinity\"", value);
}

float float_of(const json& value, const std::string& where) {
  const double real = real_of(value, where);
  if (std::isfinite(real) && std::abs(real) > std::numeric_limits<float>::max()) {
    fail_expecting(where, "a float", value);
  }
  return static_cast<float>(real);
}

char16_t character_of(const json& value, const std::string& where) {
  char16_t unit = 0;
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (utf16_length(text) == 1) {
      convert_to_utf16(text, &unit);
      return unit;
    }
  }
  fail_expecting(where, "a text of one character", value);
}

}  // namespace

// One level deeper, as long as it lives.
class ArgumentWriter::Deeper {
 public:
  Deeper(ArgumentWriter& writer, const std::string& where) : writer_(writer) {
    if (++writer_.depth_ > kMostDepth) fail(where, "this is nested too deeply");
  }
  ~Deeper() { --writer_.depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  ArgumentWriter& writer_;
};

void ArgumentWriter::check(binder_status_t status, const std::string& where) {
  if (status != STATUS_OK) {
    fail(where, ::ndk::ScopedAStatus::fromStatus(status).getDescription());
  }
  if (parcel_.size() > kMostParcelBytes) fail(where, "the arguments are too large for a call");
}

void ArgumentWriter::write(const ValueType& type, const json& value, const std::string& where) {
  const Deeper deeper(*this, where);
  if (value.is_null() && !type.nullable) fail(where, "null, but the type is not @nullable");
  switch (type.kind) {
    case Kind::kList:
      return write_list(type, value, where);
    case Kind::kEnum:
      return write_enum(type, value, where);
    case Kind::kParcelable:
    case Kind::kUnion:
      if (value.is_null()) return check(parcel_.write<std::int32_t>(0), where);
      check(parcel_.write<std::int32_t>(1), where);
      if (!value.is_object()) fail_expecting(where, "an object {…} for " + type.text, value);
      return type.kind == Kind::kUnion ? write_union(type, value, where)
                                       : write_fields(type, value, where);
    case Kind::kFile:
      return write_file(type, value, where);
    case Kind::kBinder:
      return write_binder(type, value, where);
    default:
      return write_plain(type, value, where);
  }
}

void ArgumentWriter::write_plain(const ValueType& type, const json& value,
                                 const std::string& where) {
  switch (type.kind) {
    case Kind::kBoolean:
      if (!value.is_boolean()) fail_expecting(where, "true or false", value);
      return check(parcel_.write<std::int32_t>(value.get<bool>() ? 1 : 0), where);
    case Kind::kByte:
      return check(parcel_.write<std::int32_t>(byte_of(value, where)), where);
    case Kind::kChar:
      return check(parcel_.write<std::int32_t>(character_of(value, where)), where);
    case Kind::kInt:
      return check(parcel_.write(integer_of<std::int32_t>(value, where)), where);
    case Kind::kLong:
      return check(parcel_.write(integer_of<std::int64_t>(value, where)), where);
    case Kind::kFloat:
      return check(parcel_.write(float_of(value, where)), where);
    case Kind::kDouble:
      return check(parcel_.write(real_of(value, where)), where);
    case Kind::kString:
      if (value.is_null()) return check(parcel_.write_null_string16(), where);
      if (!value.is_string()) fail_expecting(where, "a text in quotes", value);
      return check(parcel_.write_string16(value.get_ref<const std::string&>()), where);
    default:
      fail(where, "values of this type cannot be given");
  }
}

void ArgumentWriter::write_list(const ValueType& type, const json& value,
                                const std::string& where) {
  if (value.is_null()) return check(parcel_.write<std::int32_t>(-1), where);
  if (!value.is_array()) fail_expecting(where, "a list […] for " + type.text, value);
  if (type.length && value.size() != *type.length) {
    fail(where, "expected " + std::to_string(*type.length) + " elements, not " +
                    std::to_string(value.size()));
  }
  const ValueType& element = *type.element;
  const bool of_bytes =
      element.kind == Kind::kByte ||
      (element.kind == Kind::kEnum && Types::backing_of(*element.declaration) == Kind::kByte);
  if (of_bytes && element.kind == Kind::kByte) return write_bytes(value, where);
  check(parcel_.write(static_cast<std::int32_t>(value.size())), where);
  if (!of_bytes) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      write(element, value[i], where + "[" + std::to_string(i) + "]");
    }
    return;
  }
  // Enumerators of one byte are packed as bytes are.
  std::string bytes;
  for (std::size_t i = 0; i < value.size(); ++i) {
    AParcel one;
    ArgumentWriter(types_, one).write(element, value[i], where + "[" + std::to_string(i) + "]");
    bytes += static_cast<char>(*one.data());
  }
  check(parcel_.write_bytes(bytes.data(), bytes.size()), where);
}

void ArgumentWriter::write_bytes(const json& value, const std::string& where) {
  std::string bytes;
  for (std::size_t i = 0; i < value.size(); ++i) {
    bytes += static_cast<char>(byte_of(value[i], where + "[" + std::to_string(i) + "]"));
  }
  check(parcel_.write(static_cast<std::int32_t>(bytes.size())), where);
  check(parcel_.write_bytes(bytes.data(), bytes.size()), where);
}

void ArgumentWriter::write_enum(const ValueType& type, const json& value,
                                const std::string& where) {
  const Kind backing = Types::backing_of(*type.declaration);
  const auto& enumerators = types_.enumerators_of(*type.declaration);
  std::string names;
  for (const auto& [name, number] : enumerators) {
    if (value == name) return write_enumerator(backing, number, where);
    names += (names.empty() ? "" : ", ") + name;
  }
  // As texts, too, as those of 64 bits are printed.
  const auto number = integer_in(value);
  if (!number) fail_expecting(where, "an integer or one of " + names, value);
  write_enumerator(backing, *number, where);
}

void ArgumentWriter::write_enumerator(Kind backing, std::int64_t number, const std::string& where) {
  switch (backing) {
    case Kind::kByte:
      return check(parcel_.write<std::int32_t>(byte_of(number, where)), where);
    case Kind::kInt:
      return check(parcel_.write(integer_of<std::int32_t>(json(number), where)), where);
    default:
      return check(parcel_.write(number), where);
  }
}

// The size, which counts itself, and the fields.
void ArgumentWriter::write_fields(const ValueType& type, const json& value,
                                  const std::string& where) {
  const std::size_t start = parcel_.position();
  check(parcel_.write<std::int32_t>(0), where);
  const auto fields = types_.fields_of(*type.declaration);
  std::size_t used = 0;
  for (const auto& field : fields) {
    const std::string place = where + "." + field.name;
    if (const auto given = value.find(field.name); given != value.end()) {
      write(field.type, *given, place);
      ++used;
    } else if (const auto kept = types_.default_of(*field.written, *type.declaration)) {
      write(field.type, *kept, place);
    } else {
      write_default(field.type, place);
    }
  }
  if (used != value.size()) {
    for (const auto& [name, ignored] : value.items()) {
      const bool known = std::any_of(fields.begin(), fields.end(),
                                     [&](const auto& field) { return field.name == name; });
      if (!known) fail(where, type.declaration->full_name + " has no field " + name);
    }
  }
  const std::size_t end = parcel_.position();
  parcel_.set_position(start);
  check(parcel_.write(static_cast<std::int32_t>(end - start)), where);
  parcel_.set_position(end);
}

void ArgumentWriter::write_union(const ValueType& type, const json& value,
                                 const std::string& where) {
  const auto fields = types_.fields_of(*type.declaration);
  if (value.size() != 1) fail_expecting(where, "one field of the union", value);
  for (std::size_t tag = 0; tag < fields.size(); ++tag) {
    if (fields[tag].name != value.begin().key()) continue;
    check(parcel_.write(static_cast<std::int32_t>(tag)), where);
    return write(fields[tag].type, value.front(), where + "." + fields[tag].name);
  }
  fail(where, type.declaration->full_name + " has no field " + value.begin().key());
}

// The value of a field for which nothing is given.
void ArgumentWriter::write_default(const ValueType& type, const std::string& where) {
  if (type.nullable) return write(type, nullptr, where);
  const Deeper deeper(*this, where);
  switch (type.kind) {
    case Kind::kBoolean:
      return write(type, false, where);
    case Kind::kChar:
      return check(parcel_.write<std::int32_t>(0), where);
    case Kind::kString:
      return write(type, "", where);
    case Kind::kEnum:
      return write_enumerator(Types::backing_of(*type.declaration), 0, where);
    case Kind::kList:
      if (!type.length) return write(type, json::array(), where);
      if (type.element->kind == Kind::kList || type.element->kind == Kind::kParcelable) {
        check(parcel_.write(static_cast<std::int32_t>(*type.length)), where);
        for (std::size_t i = 0; i < *type.length; ++i) write_default(*type.element, where);
        return;
      }
      fail(where, "is to be given");
    case Kind::kParcelable:
      return write(type, json::object(), where);
    case Kind::kUnion: {
      const auto fields = types_.fields_of(*type.declaration);
      if (fields.empty()) fail(where, "the union has no fields");
      check(parcel_.write<std::int32_t>(1), where);
      check(parcel_.write<std::int32_t>(0), where);
      if (const auto kept = types_.default_of(*fields[0].written, *type.declaration)) {
        return write(fields[0].type, *kept, where);
      }
      return write_default(fields[0].type, where);
    }
    case Kind::kBinder:
    case Kind::kFile:
      fail(where, "is to be given");
    default:
      return write(type, 0, where);
  }
}

void ArgumentWriter::write_file(const ValueType& /*type*/, const json& value,
                                const std::string& where) {
  if (value.is_null()) return check(AParcel_writeParcelFileDescriptor(&parcel_, -1), where);
  if (!value.is_string()) fail_expecting(where, "the path of a file", value);
  const auto& path = value.get_ref<const std::string&>();
  const ndk::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) fail(where, path + ": " + std::strerror(errno));
  check(AParcel_writeParcelFileDescriptor(&parcel_, file.get()), where);
}

void ArgumentWriter::write_binder(const ValueType& /*type*/, const json& value,
                                  const std::string& where) {
  if (value.is_null()) return check(parcel_.write_binder(nullptr), where);
  if (!value.is_string()) fail_expecting(where, "the name of a service", value);
  const auto& name = value.get_ref<const std::string&>();
  const ::ndk::SpAIBinder service(AServiceManager_checkService(name.c_str()));
  if (service.get() == nullptr) fail(where, "no service is named " + name);
  check(parcel_.write_binder(service.get()), where);
}

void ArgumentWriter::write_out(const ValueType& type) {
  // An array's caller says how long it is; a fixed one says nothing.
  if (type.kind == Kind::kList && type.sized_by_caller) {
    check(parcel_.write<std::int32_t>(type.nullable ? -1 : 0), "an out parameter");
  }
}

}  // namespace netbinder::tools::aidl
