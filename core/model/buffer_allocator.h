// SPDX-License-Identifier: Apache-2.0
//
// The buffers of one process's arena: best fit, split on allocation, merged on release, with half
// of the arena for oneway calls. Part of an Arena. Knows offsets only: it touches neither the
// arena's memory nor what a buffer holds.
//
// Buffers tile the arena: every byte belongs to exactly one, and two free ones are never adjacent.
// A lent buffer takes space, but no view shows it.
#pragma once

#include <bitset>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <expected>
#include <vector>

#include "core/base/ids.h"
#include "core/base/pool.h"
#include "core/model/buffer.h"

namespace netbinder {

class BufferAllocator {
 public:
  // Buffers of oneway calls (kAsync) may take half of the arena, and are counted apart.
  using Space = Buffer::Space;

  BufferAllocator() = default;
  BufferAllocator(const BufferAllocator&) = delete;
  BufferAllocator& operator=(const BufferAllocator&) = delete;
  ~BufferAllocator();

  // Gives the allocator an arena of `size` bytes. Once.
  void map(std::uint64_t size);
  [[nodiscard]] bool mapped() const { return size_ != 0; }
  // The program has unmapped the memory: there is no room for anything new.
  void close() { closed_ = true; }

  // Allocates room for a payload. Errors as the driver reports them: -ESRCH not mapped, -EINVAL
  // sizes overflow, -ENOSPC no room (or none left of the half for oneway calls).
  [[nodiscard]] std::expected<Buffer*, int> allocate(const PayloadShape& shape, Space space,
                                                     std::int32_t sender_pid);
  void release(Buffer* buffer);

  // Allocates room for a payload whose shape is not known yet, but needs no more than this one.
  // Errors as above.
  [[nodiscard]] std::expected<Buffer*, int> lend(const PayloadShape& largest, Space space);
  // A lent buffer becomes that of a payload, and space that it does not need is freed. -EINVAL: it
  // needs more, and nothing has changed.
  [[nodiscard]] int use_lent(Buffer* buffer, const PayloadShape& shape, std::int32_t sender_pid);
  // Whether that much more can be lent at no risk: half of the arena stays free (and half of the
  // space for oneway calls), and no more than a quarter of it is lent.
  [[nodiscard]] bool could_spare(const PayloadShape& largest, Space space) const;

  // The allocated buffer that starts at `offset`, or null.
  [[nodiscard]] Buffer* find(std::uint64_t offset);
  // Releases a buffer that is allocated, if there is one.
  bool drop_one();
  // The first allocated buffer that is not lent and does not begin before `offset`; null: none.
  [[nodiscard]] const Buffer* first_allocated(std::uint64_t offset) const;
  // The allocated buffers that are not lent, in order of their addresses.
  [[nodiscard]] std::vector<const Buffer*> allocated() const;

  [[nodiscard]] std::size_t allocated_count() const { return allocated_.size() - lent_count_; }

  [[nodiscard]] std::uint64_t size() const { return size_; }
  // How much of it oneway calls may take together.
  [[nodiscard]] std::uint64_t async_space() const { return size_ / 2; }
  // Bytes under no buffer; lent ones are under one.
  [[nodiscard]] std::uint64_t free_space() const { return free_space_; }
  [[nodiscard]] std::uint64_t lent_space() const { return lent_space_; }
  // Counts lent space as free.
  [[nodiscard]] std::uint64_t free_async_space() const {
    return free_async_space_ + lent_async_space_;
  }

  // Pages of the arena, as the driver's statistics count them: those under a buffer now, those that
  // were once, those that never were, and the number of pages up to the last one ever used.
  static constexpr std::uint64_t kPageBytes = 4096;
  static constexpr std::uint64_t kMaxPages = 1024;
  struct Pages {
    std::uint64_t used = 0, kept = 0, untouched = 0, high = 0;
  };
  [[nodiscard]] Pages pages() const;

  void check_invariants() const;

 private:
  struct BySize {
    bool operator()(const Buffer& a, const Buffer& b) const {
      return a.size() != b.size() ? a.size() < b.size() : a.offset() < b.offset();
    }
    bool operator()(const Buffer& a, std::uint64_t size) const { return a.size() < size; }
  };
  struct ByOffset {
    bool operator()(const Buffer& a, const Buffer& b) const { return a.offset() < b.offset(); }
    bool operator()(const Buffer& a, std::uint64_t offset) const { return a.offset() < offset; }
    bool operator()(std::uint64_t offset, const Buffer& b) const { return offset < b.offset(); }
  };
  using AddressList = boost::intrusive::list<
      Buffer, boost::intrusive::member_hook<Buffer, boost::intrusive::list_member_hook<>,
                                            &Buffer::address_hook_>>;
  using TreeHook = boost::intrusive::member_hook<
      Buffer, boost::intrusive::set_member_hook<boost::intrusive::optimize_size<true>>,
      &Buffer::tree_hook_>;
  using FreeTree = boost::intrusive::set<Buffer, TreeHook, boost::intrusive::compare<BySize>>;
  using AllocatedTree =
      boost::intrusive::set<Buffer, TreeHook, boost::intrusive::compare<ByOffset>>;

  // The smallest free buffer that is large enough, cut to size.
  std::expected<Buffer*, int> take(std::uint64_t size, Space space);
  // Frees the part behind the first `size` bytes.
  void trim(Buffer& buffer, std::uint64_t size);
  // The payload is known: its pages and its sender are counted from now on.
  void assign(Buffer& buffer, const PayloadShape& shape, std::int32_t sender_pid);
  void end_loan(Buffer& buffer);
  // The part of the arena that one sender's oneway calls take.
  struct Share {
    std::uint64_t buffers = 0;
    std::uint64_t bytes = 0;
  };
  // Whether a sender of oneway calls uses up the arena; reported once until space is free again.
  bool suspects_spam(const Share& share);
  void count_async(Buffer& buffer, std::int32_t sender_pid);
  void uncount_async(const Buffer& buffer);

  Pool<Buffer> pool_;
  AddressList by_address_;
  FreeTree free_;
  AllocatedTree allocated_;
  std::uint64_t size_ = 0;
  bool closed_ = false;
  std::uint64_t free_space_ = 0;
  std::uint64_t free_async_space_ = 0;
  std::uint64_t lent_space_ = 0;
  std::uint64_t lent_async_space_ = 0;
  std::size_t lent_count_ = 0;
  bool spam_detected_ = false;
  boost::unordered_flat_map<std::int32_t, Share> senders_;  // by pid; a few may have nothing
  std::bitset<kMaxPages> touched_pages_;
  std::uint64_t pages_high_ = 0;
};

}  // namespace netbinder
