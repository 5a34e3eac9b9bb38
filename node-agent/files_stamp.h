// SPDX-License-Identifier: Apache-2.0
//
// The values by which a change of some files is recognised: their names, and what stat(2) says of
// them. A plain value.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace netbinder {

class FilesStamp {
 public:
  FilesStamp() = default;
  explicit FilesStamp(std::span<const std::string> files);
  friend bool operator==(const FilesStamp&, const FilesStamp&) = default;

 private:
  // Name, inode, size, and when it was written.
  using OfFile = std::tuple<std::string, std::uint64_t, std::int64_t, std::int64_t, std::int64_t>;
  std::vector<OfFile> files_;
};

}  // namespace netbinder
