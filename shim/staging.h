// SPDX-License-Identifier: Apache-2.0
//
// Sends bytes of the program's memory, and descriptors that its payloads mention, along with a
// request (StagedRange of channel/request.h): the agent neither reads that memory nor takes
// descriptors by itself. The copy is made by the program's own thread, so whatever a page costs or
// waits for is the program's own affair.
//
// A Stager belongs to one request, and lives until that is answered.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "channel/limits.h"
#include "channel/mailbox.h"
#include "shim/descriptor.h"

namespace netbinder {

class Stager {
 public:
  Stager(Descriptor& descriptor, Mailbox& mailbox, std::uint32_t index)
      : descriptor_(descriptor), mailbox_(mailbox), index_(index) {}
  // The memory of very large payloads goes back to the system.
  ~Stager();
  Stager(const Stager&) = delete;
  Stager& operator=(const Stager&) = delete;

  enum class Result : std::uint8_t {
    kStaged,
    kUnreadable,  // nothing was staged; the agent will find that out for itself
    kNoRoom,
  };
  Result stage(std::uint64_t address, std::uint64_t bytes);
  // kNoRoom also if there are as many as a request may have.
  Result stage_file(int fd);

  [[nodiscard]] std::uint32_t ranges() const { return ranges_; }
  [[nodiscard]] std::span<const int> files() const { return {files_.data(), file_count_}; }

  // A position in the staging area to go back to.
  struct Mark {
    std::uint32_t ranges = 0;
    std::uint32_t inline_used = 0;
    std::uint64_t large_used = 0;
    std::uint32_t file_count = 0;
  };
  [[nodiscard]] Mark mark() const { return {ranges_, inline_used_, large_used_, file_count_}; }
  void go_back(const Mark& mark);

 private:
  Result stage_large(std::uint64_t address, std::uint64_t bytes);
  bool add(const StagedRange& range);
  // Copies to the mailbox's staging area. False if not all of it can be read.
  bool copy_to_area(std::uint64_t place, std::uint64_t address, std::uint64_t bytes);

  Descriptor& descriptor_;
  Mailbox& mailbox_;
  std::uint32_t index_;
  std::uint32_t ranges_ = 0;
  std::uint32_t inline_used_ = 0;
  std::uint64_t large_used_ = 0;
  std::uint32_t file_count_ = 0;
  std::array<int, kMaxPassedFds> files_;
};

// Walks the commands of a write buffer and stages what its transactions point at. `commands` is a
// copy of the buffer, or null if it is to be read from `address`. Returns where the last command
// ends, which is behind the end of the buffer if that cuts it off. If what a transaction points at
// finds no room behind what is staged already, it stops before that transaction; a first one is
// staged as far as there is room, and fails for its size.
std::uint64_t stage_transactions(Stager& stager, const std::byte* commands, std::uint64_t address,
                                 std::uint64_t bytes);

}  // namespace netbinder
