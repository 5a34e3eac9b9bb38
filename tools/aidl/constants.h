// SPDX-License-Identifier: Apache-2.0
//
// The values of constant expressions, as JSON: numbers, texts (characters are texts of one), truth
// values and lists.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tools/aidl/document.h"

namespace netbinder::tools::aidl {

// The value of a name in an expression. Throws InputError if it has none.
using NamedValue = std::function<nlohmann::json(const Token& name)>;

// Throws InputError.
[[nodiscard]] nlohmann::json value_of(const Expression& expression, const NamedValue& named);
// The same, of one that has to be an integer.
[[nodiscard]] std::int64_t integer_of(const Expression& expression, const NamedValue& named);

}  // namespace netbinder::tools::aidl
