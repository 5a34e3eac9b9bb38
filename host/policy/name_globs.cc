// SPDX-License-Identifier: Apache-2.0
#include "host/policy/name_globs.h"

#include <algorithm>

namespace netbinder {

bool glob_matches(std::string_view glob, std::string_view name) {
  std::size_t g = 0;
  std::size_t n = 0;
  // The place of the last star, and the end of the text that it matches: no other star is ever
  // tried again.
  std::size_t star = std::string_view::npos;
  std::size_t star_end = 0;
  while (n < name.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      star_end = n;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == name[n])) {
      ++g;
      ++n;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      n = ++star_end;
    } else {
      return false;
    }
  }
  return std::all_of(glob.begin() + static_cast<std::ptrdiff_t>(g), glob.end(),
                     [](char c) { return c == '*'; });
}

NameGlobs::NameGlobs(const std::vector<std::string>& globs) {
  for (const std::string& glob : globs) {
    if (glob.starts_with('!')) {
      out_.push_back(glob.substr(1));
    } else {
      in_.push_back(glob);
    }
  }
  // Only what is taken out was said: all others are in.
  if (in_.empty() && !out_.empty()) in_.emplace_back("*");
}

bool NameGlobs::contain(std::string_view name) const {
  const auto matches = [&](const std::string& glob) { return glob_matches(glob, name); };
  return std::ranges::any_of(in_, matches) && std::ranges::none_of(out_, matches);
}

}  // namespace netbinder
