// SPDX-License-Identifier: Apache-2.0
//
// The words of an .aidl file, without comments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/aidl/error.h"

namespace netbinder::tools::aidl {

struct Token {
  enum class Kind : std::uint8_t {
    kName,
    kInteger,  // as it is written, with its suffix
    kFloat,
    kText,       // a string's content
    kCharacter,  // one character's content
    kSymbol,     // one of (){}[]<>,;.=@:+-*/%&|^~!? or one of two of them
    kEnd,
  };
  Kind kind = Kind::kEnd;
  std::string text;
  Place place;
};

// Throws InputError. The last one is kEnd.
[[nodiscard]] std::vector<Token> words_of(const std::string& file, const std::string& content);

}  // namespace netbinder::tools::aidl
