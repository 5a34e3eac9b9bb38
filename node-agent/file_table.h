// SPDX-License-Identifier: Apache-2.0
//
// Descriptors in flight between programs, by the tokens that the core knows, and how many each user
// has in flight.
//
// Owned by TravellingFiles. Thread: the data-plane thread.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "core/model/transaction.h"
#include "node-agent/file_relays.h"
#include "node-agent/unique_fd.h"

namespace netbinder {

struct FileInFlight {
  ForeignFile file;
  RelayId relay = {};               // of a file that came from another host
  std::uint64_t content_bytes = 0;  // likewise: of memory, until a program has it
  ino_t twin = 0;                   // likewise: FileRelays::Imported
  RelayId same_as = {};
  bool readable = false, nonblocking = false;
  std::optional<std::uint32_t> sender = {};  // the user of the program that sent it, if it is here
};

class FileTable {
 public:
  FileToken insert(FileInFlight file) {
    const FileToken token{next_++};
    content_bytes_ += file.content_bytes;
    if (file.sender) ++of_user_[*file.sender];
    files_.emplace(token.value(), std::move(file));
    return token;
  }
  FileInFlight take(FileToken token) {
    const auto found = files_.find(token.value());
    if (found == files_.end()) return {};
    FileInFlight file = std::move(found->second);
    files_.erase(found);
    content_bytes_ -= file.content_bytes;
    if (file.sender) {
      const auto user = of_user_.find(*file.sender);
      if (--user->second == 0) of_user_.erase(user);
    }
    return file;
  }
  [[nodiscard]] std::uint64_t content_bytes() const { return content_bytes_; }
  [[nodiscard]] std::size_t of_user(std::uint32_t uid) const {
    const auto found = of_user_.find(uid);
    return found == of_user_.end() ? 0 : found->second;
  }

 private:
  boost::unordered_flat_map<std::uint64_t, FileInFlight> files_;
  std::map<std::uint32_t, std::size_t> of_user_;
  std::uint64_t content_bytes_ = 0;
  std::uint64_t next_ = 1;
};

}  // namespace netbinder
