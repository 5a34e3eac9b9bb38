// SPDX-License-Identifier: Apache-2.0
//
// Files that travel by content: the bytes that are sent, and the sealed memory file they become.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <span>
#include <vector>

#include "core/model/effects.h"
#include "node-agent/unique_fd.h"

namespace netbinder {

// A file's bytes at the time when this was made.
class FileSnapshot {
 public:
  // `sealed`: the file cannot change, so it serves as its own snapshot.
  static std::expected<FileSnapshot, FileRefusal> take(ForeignFd file, bool sealed,
                                                       std::uint64_t max_bytes);

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t position() const { return position_; }
  // Reads it in pieces, in order. Bytes that cannot be read any more become zeros, because the size
  // has been announced already.
  void read(std::size_t piece_bytes,
            const std::function<void(std::vector<std::byte>)>& piece) const;

 private:
  ForeignFd file_;
  std::uint64_t size_ = 0;
  std::uint64_t position_ = 0;
};

// Collects the bytes of an arriving file.
class ArrivingContent {
 public:
  // With an error (a negative errno) the file is not available; its bytes are only counted.
  ArrivingContent(std::uint64_t size, std::uint64_t position, int error);

  // False if there are more bytes than announced.
  bool append(std::span<const std::byte> bytes);
  [[nodiscard]] bool complete() const { return received_ == size_; }
  // The memory that it takes.
  [[nodiscard]] std::uint64_t bytes() const { return error_ == 0 ? size_ : 0; }
  // Returns the file, open for reading at the position and sealed against all changes; or an errno.
  std::expected<UniqueFd, int> finish();

 private:
  UniqueFd file_;
  std::uint64_t size_;
  std::uint64_t position_;
  std::uint64_t received_ = 0;
  int error_;
};

}  // namespace netbinder
