// SPDX-License-Identifier: Apache-2.0
//
// Descriptors in flight between programs, under the tokens the core knows them by.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>

#include "core/transaction.h"
#include "node-agent/unique_fd.h"

namespace netbinder {

class FileTable {
 public:
  FileToken insert(UniqueFd fd) {
    const FileToken token{next_++};
    files_.emplace(token.value(), std::move(fd));
    return token;
  }
  UniqueFd take(FileToken token) {
    const auto found = files_.find(token.value());
    if (found == files_.end()) return {};
    UniqueFd fd = std::move(found->second);
    files_.erase(found);
    return fd;
  }

 private:
  boost::unordered_flat_map<std::uint64_t, UniqueFd> files_;
  std::uint64_t next_ = 1;
};

}  // namespace netbinder
