// SPDX-License-Identifier: Apache-2.0
//
// The types of an .aidl file and of what it imports, with names resolved: what a value in a parcel
// is. Files are looked for below the folder that the first one's package is relative to, and below
// the folders for imports.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tools/aidl/document.h"

namespace netbinder::tools::aidl {

// The type of one value, or of each element of an array.
enum class Kind : std::uint8_t {
  kVoid,
  kBoolean,
  kByte,
  kChar,
  kInt,
  kLong,
  kFloat,
  kDouble,
  kString,
  kBinder,  // and interfaces
  kFile,
  kList,
  kEnum,
  kParcelable,
  kUnion,
};

struct ValueType {
  Kind kind = Kind::kVoid;
  bool nullable = false;
  const Declaration* declaration = nullptr;  // of the last three, and of interfaces
  std::shared_ptr<const ValueType> element;  // of a list or an array, which are kList
  std::optional<std::size_t> length;         // of a fixed-size array
  bool sized_by_caller = false;              // an array, rather than a List
  std::string text;                          // as it is written
};

class Types {
 public:
  // Reads the file. Throws InputError.
  Types(const std::string& file, std::vector<std::string> import_folders);
  ~Types();

  // The interface that the file declares.
  [[nodiscard]] const Declaration& interface() const { return *interface_; }
  // The method's number after FIRST_CALL_TRANSACTION.
  [[nodiscard]] std::uint32_t number_of(const Method& method);

  // `in` is the declaration that the type is written in.
  [[nodiscard]] ValueType resolve(const Type& type, const Declaration& in);
  struct ValueField {
    std::string name;
    ValueType type;
    const Field* written = nullptr;
  };
  [[nodiscard]] std::vector<ValueField> fields_of(const Declaration& declaration);
  // A field's own default, if it has one.
  [[nodiscard]] std::optional<nlohmann::json> default_of(const Field& field, const Declaration& in);
  // The enumerators, in the order of the file.
  using Enumerators = std::vector<std::pair<std::string, std::int64_t>>;
  [[nodiscard]] const Enumerators& enumerators_of(const Declaration& declaration);
  [[nodiscard]] static Kind backing_of(const Declaration& declaration);

 private:
  const Document& load(const std::string& file, const Place* why);
  const Declaration* find_type(const std::string& name, const Declaration& in, const Place& place);
  const Declaration* find_full(const std::string& full_name, const Place& place);
  const Declaration* find_loaded(const std::string& full_name) const;
  nlohmann::json named_value(const Token& name, const Declaration& in);
  nlohmann::json value_in(const Expression& expression, const Declaration& in);
  std::int64_t integer_in(const Expression& expression, const Declaration& in);
  void index(const Declaration& declaration, const Document& document);
  ValueType resolve_one(const Type& type, const Declaration& in);

  std::vector<std::string> folders_;
  std::map<std::string, std::unique_ptr<Document>> documents_;  // by file
  std::map<std::string, const Declaration*> declarations_;      // by full name
  std::map<const Declaration*, const Document*> document_of_;
  std::map<const Declaration*, Enumerators> enumerators_;
  std::set<std::pair<const Declaration*, std::string>> evaluating_;  // so that circles are seen
  const Declaration* interface_ = nullptr;
};

}  // namespace netbinder::tools::aidl
