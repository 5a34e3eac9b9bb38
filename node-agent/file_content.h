// SPDX-License-Identifier: Apache-2.0
//
// Files that travel by content: what is sent of one, and the sealed memory file that it becomes.
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

// A file's bytes as they were when this was made.
class FileSnapshot {
 public:
  // `sealed`: the file stays as it is, so it is its own snapshot.
  static std::expected<FileSnapshot, FileRefusal> take(UniqueFd file, bool sealed,
                                                       std::uint64_t max_bytes);

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t position() const { return position_; }
  // In pieces, in order. Of what cannot be read any more, zeros: the size is told already.
  void read(std::size_t piece_bytes,
            const std::function<void(std::vector<std::byte>)>& piece) const;

 private:
  UniqueFd file_;
  std::uint64_t size_ = 0;
  std::uint64_t position_ = 0;
};

// A file's bytes on their way in.
class ArrivingContent {
 public:
  // With an error (a negative errno), it cannot be had: the bytes are counted only.
  ArrivingContent(std::uint64_t size, std::uint64_t position, int error);

  // False: more than were announced.
  bool append(std::span<const std::byte> bytes);
  [[nodiscard]] bool complete() const { return received_ == size_; }
  // What it takes of memory.
  [[nodiscard]] std::uint64_t bytes() const { return error_ == 0 ? size_ : 0; }
  // Open for reading at the position, and sealed against everything; or why it cannot be had.
  std::expected<UniqueFd, int> finish();

 private:
  UniqueFd file_;
  std::uint64_t size_;
  std::uint64_t position_;
  std::uint64_t received_ = 0;
  int error_;
};

}  // namespace netbinder
