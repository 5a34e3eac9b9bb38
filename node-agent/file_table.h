// SPDX-License-Identifier: Apache-2.0
//
// Descriptors in flight between programs, under the tokens by which the core knows them.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>

#include "core/model/transaction.h"
#include "node-agent/file_relays.h"
#include "node-agent/unique_fd.h"

namespace netbinder {

struct FileInFlight {
  UniqueFd fd;
  RelayId relay = {};               // of one that came from another host
  std::uint64_t content_bytes = 0;  // likewise: of memory, until a program has it
};

class FileTable {
 public:
  FileToken insert(FileInFlight file) {
    const FileToken token{next_++};
    content_bytes_ += file.content_bytes;
    files_.emplace(token.value(), std::move(file));
    return token;
  }
  FileInFlight take(FileToken token) {
    const auto found = files_.find(token.value());
    if (found == files_.end()) return {};
    FileInFlight file = std::move(found->second);
    files_.erase(found);
    content_bytes_ -= file.content_bytes;
    return file;
  }
  [[nodiscard]] std::uint64_t content_bytes() const { return content_bytes_; }

 private:
  boost::unordered_flat_map<std::uint64_t, FileInFlight> files_;
  std::uint64_t content_bytes_ = 0;
  std::uint64_t next_ = 1;
};

}  // namespace netbinder
