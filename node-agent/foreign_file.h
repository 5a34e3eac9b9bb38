// SPDX-License-Identifier: Apache-2.0
//
// A descriptor of a program's that may travel to another host, and what was found out about it. Any
// question to a file can wait for as long as a program likes (a file of a file system that is a
// program, a pipe whose lock is held while a page faults), so only the thread that does its user's
// file I/O asks (FileWorker).
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "core/model/effects.h"
#include "node-agent/file_content.h"
#include "node-agent/file_kind.h"
#include "node-agent/unique_fd.h"

namespace netbinder {

// A relay of this agent; 0 is none. Never reused.
using RelayId = StrongId<struct RelayIdTag, std::uint64_t>;

// The values by which two descriptors of the same open file are recognised.
struct OpenFile {
  dev_t device = 0;
  ino_t inode = 0;
  bool readable = false;
  bool writable = false;
  friend auto operator<=>(const OpenFile&, const OpenFile&) = default;
};

struct FileFindings {
  std::expected<FileKind, FileRefusal> kind;
  OpenFile file;
  ForeignFd reopened;                   // a pipe: opened once more, without O_NONBLOCK shared
  std::optional<FileSnapshot> content;  // a file that travels by content
  // A copy of what can be read now, which stays in the file. Not of a packet that is too long.
  std::vector<std::byte> ahead;
  // Relays of the same file, offered by peers, in which nothing is on its way to a program here;
  // with the number of the peer's messages that they have had.
  std::vector<std::pair<RelayId, std::uint64_t>> quiet;
};

struct ForeignFile {
  ForeignFd fd;
  std::unique_ptr<FileFindings> findings;  // null: nobody has asked

  [[nodiscard]] int get() const { return fd.get(); }
};

// On the thread that does the user's file I/O; `quiet` is left empty.
[[nodiscard]] std::unique_ptr<FileFindings> look_at_file(const ForeignFd& fd,
                                                         std::uint64_t max_content_bytes);

}  // namespace netbinder
