// SPDX-License-Identifier: Apache-2.0
//
// Errors of what a user has given: an .aidl file, or arguments. They are said as FILE:LINE:COLUMN
// where they are of a place.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace netbinder::tools::aidl {

struct Place {
  std::string file;
  std::size_t line = 1;
  std::size_t column = 1;
};

class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  InputError(const Place& place, const std::string& what)
      : std::runtime_error(place.file + ":" + std::to_string(place.line) + ":" +
                           std::to_string(place.column) + ": " + what) {}
};

// Nothing that is read, neither a file, nor an argument, nor an answer, is nested deeper.
inline constexpr std::size_t kMostDepth = 64;

}  // namespace netbinder::tools::aidl
