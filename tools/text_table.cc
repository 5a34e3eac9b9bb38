// SPDX-License-Identifier: Apache-2.0
#include "tools/text_table.h"

#include <fmt/core.h>

#include <algorithm>

namespace netbinder::tools {

std::vector<std::string> TextTable::lines() const {
  std::vector<std::size_t> widths(columns_.size());
  for (const auto& line : lines_) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::vector<std::string> made;
  for (const auto& line : lines_) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (i > 0) text += "  ";
      text += columns_[i] == Align::kLeft ? fmt::format("{:<{}}", line[i], widths[i])
                                          : fmt::format("{:>{}}", line[i], widths[i]);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    made.push_back(std::move(text));
  }
  return made;
}

}  // namespace netbinder::tools
