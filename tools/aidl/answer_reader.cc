// SPDX-License-Identifier: Apache-2.0
#include "tools/aidl/answer_reader.h"

#include <android/binder_auto_utils.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "ndk/process/binder_object.h"
#include "parcel/text.h"

namespace netbinder::tools::aidl {
namespace {

using nlohmann::json;

void check(binder_status_t status) {
  if (status == STATUS_OK) return;
  throw AnswerError("the answer is not what the file says: " +
                    ::ndk::ScopedAStatus::fromStatus(status).getDescription());
}

json real(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

std::string character(std::int32_t word) {
  const auto unit = static_cast<char16_t>(word);
  return to_utf8(&unit, 1);
}

}  // namespace

template <typename Value>
Value AnswerReader::take() {
  Value value{};
  check(parcel_.read(value));
  return value;
}

std::size_t AnswerReader::left() const {
  return parcel_.size() > parcel_.position() ? parcel_.size() - parcel_.position() : 0;
}

json AnswerReader::read(const ValueType& type) {
  if (depth_ == kMostDepth) throw AnswerError("the answer is nested too deeply");
  ++depth_;
  json value;
  switch (type.kind) {
    case Kind::kVoid:
      break;
    case Kind::kBoolean:
      value = take<std::int32_t>() != 0;
      break;
    case Kind::kByte:
      value = static_cast<std::int8_t>(take<std::int32_t>());
      break;
    case Kind::kChar:
      value = character(take<std::int32_t>());
      break;
    case Kind::kInt:
      value = take<std::int32_t>();
      break;
    case Kind::kLong:
      value = std::to_string(take<std::int64_t>());
      break;
    case Kind::kFloat:
      value = real(take<float>());
      break;
    case Kind::kDouble:
      value = real(take<double>());
      break;
    case Kind::kString:
      value = read_text();
      break;
    case Kind::kBinder:
      value = read_binder();
      break;
    case Kind::kFile:
      value = read_file();
      break;
    case Kind::kList:
      value = read_list(type);
      break;
    case Kind::kEnum: {
      const Kind backing = Types::backing_of(*type.declaration);
      value = enumerator(*type.declaration, backing == Kind::kLong ? take<std::int64_t>()
                                            : backing == Kind::kInt
                                                ? take<std::int32_t>()
                                                : static_cast<std::int8_t>(take<std::int32_t>()));
      break;
    }
    case Kind::kParcelable:
    case Kind::kUnion:
      if (take<std::int32_t>() != 0) {
        value = type.kind == Kind::kUnion ? read_union(type) : read_fields(type);
      }
      break;
  }
  --depth_;
  return value;
}

json AnswerReader::read_text() {
  ndk::Parcel::Units units;
  check(parcel_.read_string16(units));
  if (units.units == nullptr) return nullptr;
  return to_utf8(units.units, units.count);
}

json AnswerReader::read_list(const ValueType& type) {
  const auto length = take<std::int32_t>();
  if (length < 0) return nullptr;
  const ValueType& element = *type.element;
  const bool packed =
      element.kind == Kind::kByte ||
      (element.kind == Kind::kEnum && Types::backing_of(*element.declaration) == Kind::kByte);
  const auto count = static_cast<std::size_t>(length);
  // Whatever an element is, it takes this much.
  if (count > left() / (packed ? 1 : sizeof(std::int32_t))) check(STATUS_NOT_ENOUGH_DATA);
  json list = json::array();
  if (!packed) {
    for (std::size_t i = 0; i < count; ++i) list.push_back(read(element));
    return list;
  }
  const std::byte* bytes = nullptr;
  check(parcel_.take(count, bytes));
  for (std::size_t i = 0; i < count; ++i) {
    const auto byte = static_cast<std::int8_t>(bytes[i]);
    list.push_back(element.kind == Kind::kEnum ? enumerator(*element.declaration, byte)
                                               : json(byte));
  }
  return list;
}

// An older writer has fewer fields and a newer one more.
json AnswerReader::read_fields(const ValueType& type) {
  const std::size_t start = parcel_.position();
  const auto size = take<std::int32_t>();
  if (size < static_cast<std::int32_t>(sizeof size) ||
      static_cast<std::size_t>(size) - sizeof size > left()) {
    check(STATUS_BAD_VALUE);
  }
  const std::size_t end = start + static_cast<std::size_t>(size);
  json object = json::object();
  for (const auto& field : types_.fields_of(*type.declaration)) {
    if (parcel_.position() >= end) break;
    object[field.name] = read(field.type);
  }
  parcel_.set_position(end);
  return object;
}

json AnswerReader::read_union(const ValueType& type) {
  const auto fields = types_.fields_of(*type.declaration);
  const auto tag = take<std::int32_t>();
  if (tag < 0 || static_cast<std::size_t>(tag) >= fields.size()) check(STATUS_BAD_VALUE);
  const auto& field = fields[static_cast<std::size_t>(tag)];
  json object = json::object();
  object[field.name] = read(field.type);
  return object;
}

json AnswerReader::enumerator(const Declaration& declaration, std::int64_t number) {
  for (const auto& [name, known] : types_.enumerators_of(declaration)) {
    if (known == number) return name;
  }
  if (Types::backing_of(declaration) == Kind::kLong) return std::to_string(number);
  return number;
}

json AnswerReader::read_binder() {
  AIBinder* read = nullptr;
  check(parcel_.read_binder(read));
  if (read == nullptr) return nullptr;
  const ::ndk::SpAIBinder object(read);
  flat_binder_object flat{};
  object.get()->describe(flat);
  if (flat.hdr.type != BINDER_TYPE_HANDLE) return "of this program";
  return "handle " + std::to_string(flat.handle);
}

json AnswerReader::read_file() {
  int fd = -1;
  check(AParcel_readParcelFileDescriptor(&parcel_, &fd));
  if (fd < 0) return nullptr;
  const ndk::UniqueFd file(fd);
  std::array<char, 4096> target{};
  const std::string link = "/proc/self/fd/" + std::to_string(file.get());
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  return length < 0 ? std::string("a file")
                    : std::string(target.data(), static_cast<std::size_t>(length));
}

}  // namespace netbinder::tools::aidl
