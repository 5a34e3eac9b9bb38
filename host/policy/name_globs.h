// SPDX-License-Identifier: Apache-2.0
//
// A set of names, by globs: `*` is any text, `?` any one character. A glob that begins with `!`
// takes names out again, wherever it stands. A plain value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace netbinder {

// Work in proportion to both lengths, multiplied, at most.
[[nodiscard]] bool glob_matches(std::string_view glob, std::string_view name);

class NameGlobs {
 public:
  NameGlobs() : NameGlobs({"*"}) {}  // all names
  explicit NameGlobs(const std::vector<std::string>& globs);
  [[nodiscard]] bool contain(std::string_view name) const;
  friend bool operator==(const NameGlobs&, const NameGlobs&) = default;

 private:
  std::vector<std::string> in_;
  std::vector<std::string> out_;
};

}  // namespace netbinder
