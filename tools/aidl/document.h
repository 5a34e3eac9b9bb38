// SPDX-License-Identifier: Apache-2.0
//
// The declarations of an .aidl file, with names as they are written.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/aidl/error.h"
#include "tools/aidl/lexer.h"

namespace netbinder::tools::aidl {

// A constant expression.
struct Expression {
  enum class Kind : std::uint8_t { kLiteral, kName, kUnary, kBinary, kChoice, kList };
  Kind kind = Kind::kLiteral;
  Token token;  // the literal, the name with its dots, or the operator
  std::vector<Expression> parts;
};

struct Type {
  Place place;
  std::string name;            // with its dots
  std::vector<Type> elements;  // List<…>
  bool nullable = false;
  // The innermost last; nothing is an array of any length.
  struct Dimension {
    std::optional<Expression> size;
  };
  std::vector<Dimension> dimensions;
};

enum class Direction : std::uint8_t { kIn, kOut, kInOut };

struct Parameter {
  Direction direction = Direction::kIn;
  Type type;
  std::string name;
};

struct Method {
  Place place;
  bool oneway = false;
  Type result;
  std::string name;
  std::vector<Parameter> parameters;
  std::optional<Expression> number;  // after FIRST_CALL_TRANSACTION
};

struct Field {
  Type type;
  std::string name;
  std::optional<Expression> value;  // its default
};

struct Constant {
  Place place;
  std::string name;
  Expression value;
};

struct Declaration {
  enum class Kind : std::uint8_t { kInterface, kParcelable, kUnion, kEnum };
  Kind kind = Kind::kInterface;
  Place place;
  std::string name;
  std::string full_name;               // with its package and what it is nested in
  const Declaration* outer = nullptr;  // that it is nested in
  bool structured = true;              // its fields are known
  std::string backing = "byte";        // of an enumeration
  std::vector<Method> methods;
  std::vector<Field> fields;  // of a parcelable or a union
  // The enumerators. One without a value is one more than the one before.
  struct Enumerator {
    std::string name;
    std::optional<Expression> value;
    Place place;
  };
  std::vector<Enumerator> enumerators;
  std::vector<Constant> constants;
  std::vector<std::unique_ptr<Declaration>> nested;
};

struct Document {
  std::string file;
  std::string package;
  struct Import {
    std::string name;
    Place place;
  };
  std::vector<Import> imports;
  std::vector<std::unique_ptr<Declaration>> declarations;
};

}  // namespace netbinder::tools::aidl
