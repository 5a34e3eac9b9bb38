// SPDX-License-Identifier: Apache-2.0
//
// This process's mappings of a channel's memory (channel/layout.h). They are made piece by piece,
// when a mailbox or a staging area is first used: a program that locks its memory (mlockall) pays
// for what it uses, and one whose limits are low can still open a device.
//
// Owned by a Descriptor. Any thread; begin and end with no other thread in the channel.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "channel/layout.h"

namespace netbinder {

class ChannelMemory {
 public:
  // `fd` is the descriptor of the channel memory, here and below. False if it cannot be mapped.
  bool begin(int fd) { return piece(fd, 0) != nullptr; }
  void end();

  [[nodiscard]] ChannelHeader& header() const {
    return header_at(pieces_[0].load(std::memory_order_relaxed));
  }
  // Null if it cannot be mapped.
  [[nodiscard]] Mailbox* mailbox(int fd, std::uint32_t index) {
    std::byte* const start = piece(fd, index / kMailboxesInPiece);
    return start == nullptr ? nullptr : mailbox_in(start, index);
  }
  // Null if this process has used neither it nor one that is mapped with it.
  [[nodiscard]] Mailbox* mailbox_if_mapped(std::uint32_t index) const {
    std::byte* const start = pieces_[index / kMailboxesInPiece].load(std::memory_order_acquire);
    return start == nullptr ? nullptr : mailbox_in(start, index);
  }
  // The last mailbox that is mapped together with this one.
  static constexpr std::uint32_t last_in_piece(std::uint32_t index) {
    return index | (kMailboxesInPiece - 1);
  }
  // Null if it cannot be mapped.
  std::byte* staging_area(int fd, std::uint32_t index) {
    std::atomic<std::byte*>* const place = area_place(index);
    return place == nullptr ? nullptr : mapped(fd, *place, staging_start(index), kStagingBytes);
  }
  // Gives the memory of a mailbox's staging area back to the system, from byte `start` on.
  void trim_staging(std::uint32_t index, std::uint64_t start);

 private:
  static constexpr std::uint32_t kMailboxesInPiece = 32;
  static constexpr std::uint64_t kPieceStep = std::uint64_t{kMailboxesInPiece} * kMailboxBytes;
  // A piece ends with the mailbox that begins in it.
  static constexpr std::uint64_t kPieceBytes = kPieceStep + 4096;
  static_assert(kMailboxes % kMailboxesInPiece == 0 && kMailboxesStart <= 4096);

  static Mailbox* mailbox_in(std::byte* piece, std::uint32_t index) {
    return &mailbox_at(piece, index % kMailboxesInPiece);
  }
  std::byte* piece(int fd, std::uint32_t number) {
    return mapped(fd, pieces_[number], number * kPieceStep, kPieceBytes);
  }
  static std::byte* mapped(int fd, std::atomic<std::byte*>& place, std::uint64_t offset,
                           std::uint64_t bytes) {
    std::byte* const known = place.load(std::memory_order_acquire);
    return known != nullptr ? known : map(fd, place, offset, bytes);
  }
  static std::byte* map(int fd, std::atomic<std::byte*>& place, std::uint64_t offset,
                        std::uint64_t bytes);

  std::atomic<std::byte*> pieces_[kMailboxes / kMailboxesInPiece] = {};
  // Most channels have few; a chunk of places, a page of them, is made when the first is used.
  static constexpr std::uint32_t kAreasInChunk = 512;
  static_assert(kMailboxes % kAreasInChunk == 0);
  using AreaChunk = std::atomic<std::byte*>[kAreasInChunk];
  std::atomic<AreaChunk*> areas_[kMailboxes / kAreasInChunk] = {};

  [[nodiscard]] std::atomic<std::byte*>* known_area_place(std::uint32_t index) const {
    AreaChunk* const chunk = areas_[index / kAreasInChunk].load(std::memory_order_acquire);
    return chunk == nullptr ? nullptr : &(*chunk)[index % kAreasInChunk];
  }
  // Null if memory is short.
  std::atomic<std::byte*>* area_place(std::uint32_t index);
};

}  // namespace netbinder
