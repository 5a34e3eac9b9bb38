// SPDX-License-Identifier: Apache-2.0
//
// Lines of words as columns, each as wide as its widest word. A plain value.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace netbinder::tools {

class TextTable {
 public:
  enum class Align : std::uint8_t { kLeft, kRight };

  // The columns, from the left, and the words above them: as many as every line has.
  TextTable(std::vector<Align> columns, std::vector<std::string> head)
      : columns_(std::move(columns)) {
    lines_.push_back(std::move(head));
  }
  void add(std::vector<std::string> line) { lines_.push_back(std::move(line)); }
  // The heading first. No line ends with spaces.
  [[nodiscard]] std::vector<std::string> lines() const;

 private:
  std::vector<Align> columns_;
  std::vector<std::vector<std::string>> lines_;
};

}  // namespace netbinder::tools
