// SPDX-License-Identifier: Apache-2.0
#include "tools/aidl/constants.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace netbinder::tools::aidl {
namespace {

using nlohmann::json;

[[noreturn]] void fail(const Token& token, const std::string& what) {
  throw InputError(token.place, what);
}

json integer_literal(const Token& token) {
  std::string_view digits = token.text;
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    base = 16;
    digits.remove_prefix(2);
  }
  std::uint64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, value, base);
  const std::string_view suffix(at, static_cast<std::size_t>(end - at));
  const bool is_long = suffix == "l" || suffix == "L";
  const bool is_byte = suffix == "u8";
  if (error != std::errc() || !(suffix.empty() || is_long || is_byte)) {
    fail(token, token.text + " is no number");
  }
  if (is_byte) {
    if (value > UINT8_MAX) fail(token, token.text + " is more than a byte");
    return static_cast<std::int8_t>(value);
  }
  // Those in base 16 say which bits there are.
  if (base == 16 && !is_long && value <= UINT32_MAX) return static_cast<std::int32_t>(value);
  if (base == 10 && value > INT64_MAX) fail(token, token.text + " is too large");
  return static_cast<std::int64_t>(value);
}

json literal(const Token& token) {
  switch (token.kind) {
    case Token::Kind::kInteger:
      return integer_literal(token);
    case Token::Kind::kFloat: {
      std::string_view digits = token.text;
      if (digits.ends_with('f') || digits.ends_with('F')) digits.remove_suffix(1);
      double value = 0;
      const char* const end = digits.data() + digits.size();
      const auto [at, error] = std::from_chars(digits.data(), end, value);
      if (error != std::errc() || at != end) fail(token, token.text + " is no number");
      return value;
    }
    case Token::Kind::kText:
    case Token::Kind::kCharacter:
      return token.text;
    default:
      fail(token, "\"" + token.text + "\" is no value");
  }
}

// Wraps around, as in C++ for unsigned ones.
std::int64_t wrapped(std::uint64_t value) { return static_cast<std::int64_t>(value); }

std::int64_t as_integer(const json& value, const Token& token) {
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (!value.is_number_integer()) fail(token, "this is to be an integer");
  return value.get<std::int64_t>();
}

std::optional<json> compared(std::string_view what, const json& left, const json& right) {
  if (what == "==") return left == right;
  if (what == "!=") return left != right;
  if (what == "<") return left < right;
  if (what == ">") return right < left;
  if (what == "<=") return !(right < left);
  if (what == ">=") return !(left < right);
  return std::nullopt;
}

json of_reals(const Token& what, double left, double right) {
  if (what.text == "+") return left + right;
  if (what.text == "-") return left - right;
  if (what.text == "*") return left * right;
  if (what.text == "/" && right != 0) return left / right;
  fail(what, "this operation is not possible with these values");
}

json of_integers(const Token& what, std::int64_t left, std::int64_t right) {
  const auto a = static_cast<std::uint64_t>(left);
  const auto b = static_cast<std::uint64_t>(right);
  const std::string& text = what.text;
  if (text == "+") return wrapped(a + b);
  if (text == "-") return wrapped(a - b);
  if (text == "*") return wrapped(a * b);
  if (text == "&") return wrapped(a & b);
  if (text == "|") return wrapped(a | b);
  if (text == "^") return wrapped(a ^ b);
  if (text == "&&") return left != 0 && right != 0;
  if (text == "||") return left != 0 || right != 0;
  if (text == "<<" || text == ">>") {
    if (right < 0 || right > 63) fail(what, "a shift by so much is not possible");
    return text == "<<" ? wrapped(a << b) : left >> right;
  }
  if (right == 0 || (left == INT64_MIN && right == -1)) {
    fail(what, "this division is not possible");
  }
  return text == "/" ? left / right : left % right;
}

json binary(const Token& what, const json& left, const json& right) {
  if (const auto result = compared(what.text, left, right)) return *result;
  if (what.text == "+" && left.is_string() && right.is_string()) {
    return left.get<std::string>() + right.get<std::string>();
  }
  if (left.is_number_float() || right.is_number_float()) {
    if (!left.is_number() || !right.is_number()) fail(what, "these values do not go together");
    return of_reals(what, left.get<double>(), right.get<double>());
  }
  return of_integers(what, as_integer(left, what), as_integer(right, what));
}

json unary(const Token& what, const json& value) {
  if (what.text == "!") return as_integer(value, what) == 0;
  if (value.is_number_float() && what.text != "~") {
    return what.text == "-" ? -value.get<double>() : value.get<double>();
  }
  const auto bits = static_cast<std::uint64_t>(as_integer(value, what));
  return wrapped(what.text == "-" ? 0 - bits : what.text == "~" ? ~bits : bits);
}

}  // namespace

json value_of(const Expression& expression, const NamedValue& named) {
  const std::vector<Expression>& parts = expression.parts;
  switch (expression.kind) {
    case Expression::Kind::kLiteral:
      return literal(expression.token);
    case Expression::Kind::kName:
      if (expression.token.text == "true") return true;
      if (expression.token.text == "false") return false;
      return named(expression.token);
    case Expression::Kind::kUnary:
      return unary(expression.token, value_of(parts[0], named));
    case Expression::Kind::kBinary:
      return binary(expression.token, value_of(parts[0], named), value_of(parts[1], named));
    case Expression::Kind::kChoice: {
      const bool first = as_integer(value_of(parts[0], named), expression.token) != 0;
      return value_of(parts[first ? 1 : 2], named);
    }
    case Expression::Kind::kList: {
      json list = json::array();
      for (const Expression& part : parts) list.push_back(value_of(part, named));
      return list;
    }
  }
  fail(expression.token, "this is no value");
}

std::int64_t integer_of(const Expression& expression, const NamedValue& named) {
  return as_integer(value_of(expression, named), expression.token);
}

}  // namespace netbinder::tools::aidl
