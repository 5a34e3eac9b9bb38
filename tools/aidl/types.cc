// SPDX-License-Identifier: Apache-2.0
#include "tools/aidl/types.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>

#include "tools/aidl/constants.h"
#include "tools/aidl/parser.h"

namespace netbinder::tools::aidl {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kMostFileBytes = std::size_t{1} << 20;
constexpr std::size_t kMostFiles = 1000;
constexpr std::int64_t kMostElements = 1'000'000;
// From FIRST_CALL_TRANSACTION to LAST_CALL_TRANSACTION.
constexpr std::int64_t kMostNumber = 0x00fffffe;

struct BuiltIn {
  std::string_view name;
  Kind kind;
};
constexpr std::array kBuiltIn{
    BuiltIn{"void", Kind::kVoid},
    BuiltIn{"boolean", Kind::kBoolean},
    BuiltIn{"byte", Kind::kByte},
    BuiltIn{"char", Kind::kChar},
    BuiltIn{"int", Kind::kInt},
    BuiltIn{"long", Kind::kLong},
    BuiltIn{"float", Kind::kFloat},
    BuiltIn{"double", Kind::kDouble},
    BuiltIn{"String", Kind::kString},
    BuiltIn{"IBinder", Kind::kBinder},
    BuiltIn{"ParcelFileDescriptor", Kind::kFile},
    BuiltIn{"android.os.ParcelFileDescriptor", Kind::kFile},
};

constexpr std::array<std::string_view, 4> kNotSupported = {"Map", "CharSequence", "FileDescriptor",
                                                           "ParcelableHolder"};

std::string content_of(const std::string& file, const Place* why) {
  const auto fail = [&](const std::string& what) {
    if (why != nullptr) throw InputError(*why, file + ": " + what);
    throw InputError(file + ": " + what);
  };
  std::error_code error;
  if (!fs::is_regular_file(file, error)) fail("there is no such file");
  if (fs::file_size(file, error) > kMostFileBytes) fail("this is too large for an .aidl file");
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream content;
  content << stream.rdbuf();
  if (!stream) fail("cannot be read");
  return content.str();
}

// The folder that a package is relative to, from the folder of one of its files.
fs::path root_of(const fs::path& file, const std::string& package) {
  fs::path folder = fs::absolute(file).parent_path();
  if (package.empty()) return folder;
  std::string slashed = package;
  std::replace(slashed.begin(), slashed.end(), '.', '/');
  const std::string path = folder.string();
  if (!path.ends_with("/" + slashed)) return folder;
  return path.substr(0, path.size() - slashed.size() - 1);
}

std::string last_part(const std::string& name) { return name.substr(name.rfind('.') + 1); }

std::string text_of(const Type& type) {
  std::string text = (type.nullable ? "@nullable " : "") + type.name;
  for (std::size_t i = 0; i < type.elements.size(); ++i) {
    text += (i == 0 ? "<" : ", ") + text_of(type.elements[i]);
  }
  if (!type.elements.empty()) text += ">";
  for (const auto& dimension : type.dimensions) text += dimension.size ? "[N]" : "[]";
  return text;
}

}  // namespace

Types::Types(const std::string& file, std::vector<std::string> import_folders)
    : folders_(std::move(import_folders)) {
  for (const std::string& folder : folders_) {
    std::error_code error;
    if (!fs::is_directory(folder, error)) throw InputError(folder + ": there is no such folder");
  }
  const Document& first = load(file, nullptr);
  folders_.insert(folders_.begin(), root_of(file, first.package).string());
  for (const auto& declaration : first.declarations) {
    if (declaration->kind == Declaration::Kind::kInterface) interface_ = declaration.get();
  }
  if (interface_ == nullptr) throw InputError(file + ": no interface is declared here");
}

Types::~Types() = default;

void Types::index(const Declaration& declaration, const Document& document) {
  if (!declarations_.emplace(declaration.full_name, &declaration).second) {
    throw InputError(declaration.place, declaration.full_name + " is declared already");
  }
  document_of_[&declaration] = &document;
  for (const auto& nested : declaration.nested) index(*nested, document);
}

const Document& Types::load(const std::string& file, const Place* why) {
  const std::string key = fs::absolute(file).lexically_normal().string();
  if (const auto known = documents_.find(key); known != documents_.end()) return *known->second;
  if (documents_.size() == kMostFiles) throw InputError(file + ": too many files are imported");
  const auto& document = documents_[key] = parse(file, content_of(file, why));
  for (const auto& declaration : document->declarations) index(*declaration, *document);
  return *document;
}

// ---- names ----

const Declaration* Types::find_loaded(const std::string& full_name) const {
  const auto found = declarations_.find(full_name);
  return found == declarations_.end() ? nullptr : found->second;
}

const Declaration* Types::find_full(const std::string& full_name, const Place& place) {
  if (const Declaration* found = find_loaded(full_name)) return found;
  // a.b.C.D is in a/b/C.aidl if it is nested in C.
  for (std::string name = full_name;; name = name.substr(0, name.rfind('.'))) {
    std::string path = name;
    std::replace(path.begin(), path.end(), '.', '/');
    for (const std::string& folder : folders_) {
      const fs::path file = fs::path(folder) / (path + ".aidl");
      std::error_code error;
      if (!fs::is_regular_file(file, error)) continue;
      (void)load(file.string(), &place);
      if (const Declaration* found = find_loaded(full_name)) return found;
    }
    if (name.rfind('.') == std::string::npos) return nullptr;
  }
}

const Declaration* Types::find_type(const std::string& name, const Declaration& in,
                                    const Place& place) {
  for (const Declaration* scope = &in; scope != nullptr; scope = scope->outer) {
    if (const Declaration* found = find_loaded(scope->full_name + "." + name)) return found;
    if (last_part(scope->full_name) == name) return scope;
  }
  const Document& document = *document_of_.at(&in);
  const std::string first = name.substr(0, name.find('.'));
  for (const auto& import : document.imports) {
    if (last_part(import.name) != first) continue;
    const Declaration* const found =
        find_full(import.name + name.substr(first.size()), import.place);
    if (found == nullptr && document_of_.contains(&in)) {
      std::string looked;
      for (const std::string& folder : folders_) looked += (looked.empty() ? "" : ", ") + folder;
      throw InputError(import.place, import.name + " is not below " + looked + " (-I)");
    }
    return found;
  }
  const std::string prefix = document.package.empty() ? "" : document.package + ".";
  if (const Declaration* found = find_full(prefix + name, place)) return found;
  return prefix.empty() ? nullptr : find_full(name, place);
}

// ---- types ----

ValueType Types::resolve_one(const Type& type, const Declaration& in) {
  ValueType made;
  made.nullable = type.nullable;
  made.text = text_of(type);
  for (const BuiltIn& each : kBuiltIn) {
    if (each.name != type.name) continue;
    made.kind = each.kind;
    return made;
  }
  if (type.name == "List" || type.name == "java.util.List") {
    if (type.elements.size() != 1) throw InputError(type.place, "a List has one type of elements");
    made.kind = Kind::kList;
    ValueType element = resolve(type.elements[0], in);
    element.nullable = element.nullable || type.nullable;
    made.element = std::make_shared<const ValueType>(std::move(element));
    return made;
  }
  if (std::find(kNotSupported.begin(), kNotSupported.end(), last_part(type.name)) !=
      kNotSupported.end()) {
    throw InputError(type.place, "values of the type " + type.name + " are not supported");
  }
  made.declaration = find_type(type.name, in, type.place);
  if (made.declaration == nullptr) {
    throw InputError(type.place, "there is no type " + type.name);
  }
  switch (made.declaration->kind) {
    case Declaration::Kind::kInterface:
      made.kind = Kind::kBinder;
      break;
    case Declaration::Kind::kEnum:
      made.kind = Kind::kEnum;
      break;
    case Declaration::Kind::kUnion:
      made.kind = Kind::kUnion;
      break;
    case Declaration::Kind::kParcelable:
      made.kind = Kind::kParcelable;
      if (!made.declaration->structured) {
        throw InputError(type.place, made.declaration->full_name +
                                         " is declared without its fields, so its form is unknown");
      }
      break;
  }
  return made;
}

ValueType Types::resolve(const Type& type, const Declaration& in) {
  ValueType made = resolve_one(type, in);
  if (type.dimensions.empty()) return made;
  if (made.kind == Kind::kVoid) throw InputError(type.place, "there are no arrays of nothing");
  // In a nullable array, elements that can be null may be.
  for (auto dimension = type.dimensions.rbegin(); dimension != type.dimensions.rend();
       ++dimension) {
    ValueType array;
    array.kind = Kind::kList;
    array.nullable = type.nullable;
    array.sized_by_caller = !dimension->size;
    array.text = text_of(type);
    if (dimension->size) {
      const std::int64_t length = integer_in(*dimension->size, in);
      if (length < 0 || length > kMostElements) {
        throw InputError(dimension->size->token.place, "an array cannot have so many elements");
      }
      array.length = static_cast<std::size_t>(length);
    }
    array.element = std::make_shared<const ValueType>(std::move(made));
    made = std::move(array);
  }
  return made;
}

std::vector<Types::ValueField> Types::fields_of(const Declaration& declaration) {
  std::vector<ValueField> fields;
  for (const Field& field : declaration.fields) {
    fields.push_back(
        {.name = field.name, .type = resolve(field.type, declaration), .written = &field});
  }
  return fields;
}

Kind Types::backing_of(const Declaration& declaration) {
  if (declaration.backing == "int") return Kind::kInt;
  if (declaration.backing == "long") return Kind::kLong;
  if (declaration.backing == "byte") return Kind::kByte;
  throw InputError(declaration.place, "an enumeration is of byte, int or long");
}

std::uint32_t Types::number_of(const Method& method) {
  const auto& methods = interface_->methods;
  const auto numbered = std::count_if(methods.begin(), methods.end(),
                                      [](const Method& each) { return each.number.has_value(); });
  if (numbered != 0 && numbered != static_cast<std::ptrdiff_t>(methods.size())) {
    throw InputError(method.place, "either all methods have a number or none");
  }
  std::int64_t number = &method - methods.data();
  if (method.number) number = integer_in(*method.number, *interface_);
  if (number < 0 || number > kMostNumber) {
    throw InputError(method.place, "a method's number is from 0 to " + std::to_string(kMostNumber));
  }
  return static_cast<std::uint32_t>(number);
}

// ---- values ----

json Types::value_in(const Expression& expression, const Declaration& in) {
  return value_of(expression, [&](const Token& name) { return named_value(name, in); });
}

std::int64_t Types::integer_in(const Expression& expression, const Declaration& in) {
  return integer_of(expression, [&](const Token& name) { return named_value(name, in); });
}

std::optional<json> Types::default_of(const Field& field, const Declaration& in) {
  if (!field.value) return std::nullopt;
  // An enumerator may be named without its type.
  const ValueType type = resolve(field.type, in);
  if (type.kind == Kind::kEnum && field.value->kind == Expression::Kind::kName &&
      field.value->token.text.find('.') == std::string::npos) {
    return json(field.value->token.text);
  }
  return value_in(*field.value, in);
}

const Types::Enumerators& Types::enumerators_of(const Declaration& declaration) {
  if (const auto known = enumerators_.find(&declaration); known != enumerators_.end()) {
    return known->second;
  }
  Enumerators made;
  std::int64_t next = 0;
  for (const auto& each : declaration.enumerators) {
    // Those before it may be named without their type.
    const NamedValue named = [&](const Token& name) -> json {
      for (const auto& [known, value] : made) {
        if (known == name.text || declaration.name + "." + known == name.text) return value;
      }
      return named_value(name, declaration);
    };
    if (each.value) next = integer_of(*each.value, named);
    made.emplace_back(each.name, next);
    next = static_cast<std::int64_t>(static_cast<std::uint64_t>(next) + 1);
  }
  return enumerators_[&declaration] = std::move(made);
}

json Types::named_value(const Token& name, const Declaration& in) {
  const std::string& text = name.text;
  const auto dot = text.rfind('.');
  const std::string last = last_part(text);
  const Declaration* owner =
      dot == std::string::npos ? &in : find_type(text.substr(0, dot), in, name.place);
  for (; owner != nullptr; owner = dot == std::string::npos ? owner->outer : nullptr) {
    const auto key = std::pair(owner, last);
    const auto constant = std::find_if(owner->constants.begin(), owner->constants.end(),
                                       [&](const Constant& each) { return each.name == last; });
    const bool enumerates = std::any_of(owner->enumerators.begin(), owner->enumerators.end(),
                                        [&](const auto& each) { return each.name == last; });
    if (constant == owner->constants.end() && !enumerates) continue;
    if (evaluating_.size() > kMostDepth || !evaluating_.insert(key).second) {
      throw InputError(name.place, "the value of " + text + " depends on itself");
    }
    json value;
    if (enumerates) {
      for (const auto& [known, number] : enumerators_of(*owner)) {
        if (known == last) value = number;
      }
    } else {
      value = value_in(constant->value, *owner);
    }
    evaluating_.erase(key);
    return value;
  }
  throw InputError(name.place, "there is no constant " + text);
}

}  // namespace netbinder::tools::aidl
