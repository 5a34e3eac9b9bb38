// SPDX-License-Identifier: Apache-2.0
#include "core/model/buffer_allocator.h"

#include <algorithm>
#include <cerrno>

#include "core/base/check.h"

namespace netbinder {

namespace {

// A buffer of no bytes still needs an address of its own.
constexpr std::uint64_t kMinBufferBytes = 8;

// The driver's thresholds for suspecting a sender of oneway spam.
constexpr std::uint64_t kSpamBufferCount = 50;
constexpr std::uint64_t kSpamArenaShare = 4;       // a quarter of the arena
constexpr std::uint64_t kLowAsyncSpaceShare = 10;  // less than a tenth of the arena left

// How much may be lent for payloads that may never come.
constexpr std::uint64_t kLentArenaShare = 4;  // at most a quarter of the arena
constexpr std::uint64_t kKeptFreeShare = 2;   // and half of it, or of the async space, stays free

std::expected<std::uint64_t, int> buffer_size(const PayloadShape& shape) {
  const auto aligned = [](std::uint64_t n) { return (n + 7) & ~std::uint64_t{7}; };
  std::uint64_t size = 0;
  for (const std::uint64_t part : {shape.data_size, shape.offsets_size, shape.extra_size}) {
    if (part > UINT64_MAX - 7 || __builtin_add_overflow(size, aligned(part), &size)) {
      return std::unexpected(-EINVAL);
    }
  }
  return std::max(size, kMinBufferBytes);
}

}  // namespace

BufferAllocator::~BufferAllocator() {
  free_.clear();
  allocated_.clear();
  by_address_.clear_and_dispose([this](Buffer* buffer) { pool_.destroy(buffer); });
}

void BufferAllocator::map(std::uint64_t size) {
  NB_CHECK(!mapped() && size > 0 && size <= kMaxPages * kPageBytes);
  size_ = size;
  free_space_ = size;
  free_async_space_ = async_space();
  Buffer* whole = pool_.create();
  whole->size_ = size;
  by_address_.push_back(*whole);
  free_.insert(*whole);
}

std::expected<Buffer*, int> BufferAllocator::allocate(const PayloadShape& shape, Space space,
                                                      std::int32_t sender_pid) {
  if (!mapped() || closed_) return std::unexpected(-ESRCH);
  const auto size = buffer_size(shape);
  if (!size) return std::unexpected(size.error());
  const auto buffer = take(*size, space);
  if (buffer) assign(**buffer, shape, sender_pid);
  return buffer;
}

std::expected<Buffer*, int> BufferAllocator::lend(const PayloadShape& largest, Space space) {
  if (!mapped() || closed_) return std::unexpected(-ESRCH);
  const auto size = buffer_size(largest);
  if (!size) return std::unexpected(size.error());
  const auto buffer = take(*size, space);
  if (!buffer) return buffer;
  (*buffer)->lent_ = true;
  ++lent_count_;
  lent_space_ += *size;
  if (space == Space::kAsync) lent_async_space_ += *size;
  return buffer;
}

int BufferAllocator::use_lent(Buffer* buffer, const PayloadShape& shape, std::int32_t sender_pid) {
  NB_CHECK(buffer->lent_);
  const auto size = buffer_size(shape);
  if (!size || *size > buffer->size_) return -EINVAL;
  end_loan(*buffer);
  buffer->written_by_peer_ = true;
  trim(*buffer, *size);
  assign(*buffer, shape, sender_pid);
  return 0;
}

bool BufferAllocator::could_spare(const PayloadShape& largest, Space space) const {
  const auto size = buffer_size(largest);
  if (!size || *size > free_space_) return false;
  if (lent_space_ + *size > size_ / kLentArenaShare) return false;
  if (free_space_ - *size < size_ / kKeptFreeShare) return false;
  return space == Space::kSync ||
         (*size <= free_async_space_ && free_async_space_ - *size >= size_ / 2 / kKeptFreeShare);
}

std::expected<Buffer*, int> BufferAllocator::take(std::uint64_t size, Space space) {
  const bool async = space == Space::kAsync;
  if (async && free_async_space_ < size) return std::unexpected(-ENOSPC);

  const auto best = free_.lower_bound(size, BySize());
  if (best == free_.end()) return std::unexpected(-ENOSPC);

  Buffer* buffer = &*best;
  free_.erase(best);
  if (buffer->size_ > size) {
    Buffer* rest = pool_.create();
    rest->offset_ = buffer->offset_ + size;
    rest->size_ = buffer->size_ - size;
    buffer->size_ = size;
    by_address_.insert(std::next(by_address_.iterator_to(*buffer)), *rest);
    free_.insert(*rest);
  }
  buffer->free_ = false;
  buffer->async_ = async;
  allocated_.insert(*buffer);
  free_space_ -= size;
  if (async) free_async_space_ -= size;
  return buffer;
}

void BufferAllocator::trim(Buffer& buffer, std::uint64_t size) {
  const std::uint64_t tail = buffer.size_ - size;
  if (tail == 0) return;
  buffer.size_ = size;
  free_space_ += tail;
  if (buffer.async_) free_async_space_ += tail;
  const auto next = std::next(by_address_.iterator_to(buffer));
  if (next != by_address_.end() && next->free_) {
    free_.erase(free_.iterator_to(*next));
    next->offset_ -= tail;
    next->size_ += tail;
    next->sender_pid_ = 0;  // as for a buffer that was split off
    free_.insert(*next);
    return;
  }
  Buffer* rest = pool_.create();
  rest->offset_ = buffer.offset_ + size;
  rest->size_ = tail;
  by_address_.insert(next, *rest);
  free_.insert(*rest);
}

void BufferAllocator::assign(Buffer& buffer, const PayloadShape& shape, std::int32_t sender_pid) {
  buffer.shape_ = shape;
  const std::uint64_t end_page = (buffer.offset_ + buffer.size_ + kPageBytes - 1) / kPageBytes;
  for (std::uint64_t page = buffer.offset_ / kPageBytes; page < end_page; ++page) {
    touched_pages_.set(page);
  }
  pages_high_ = std::max(pages_high_, end_page);
  if (buffer.async_) count_async(buffer, sender_pid);
  buffer.sender_pid_ = sender_pid;
}

void BufferAllocator::count_async(Buffer& buffer, std::int32_t sender_pid) {
  Share& share = senders_[sender_pid];
  // The pid is set afterwards, so the new buffer counts for the sender that had its space last.
  const bool had_it = buffer.sender_pid_ == sender_pid;
  buffer.spam_suspect_ = suspects_spam({.buffers = share.buffers + (had_it ? 1 : 0),
                                        .bytes = share.bytes + (had_it ? buffer.size_ : 0)});
  ++share.buffers;
  share.bytes += buffer.size_;
}

void BufferAllocator::uncount_async(const Buffer& buffer) {
  const auto found = senders_.find(buffer.sender_pid_);
  NB_CHECK(found != senders_.end() && found->second.buffers > 0);
  --found->second.buffers;
  found->second.bytes -= buffer.size_;
  // The entry of a sender whose calls come one by one stays.
  constexpr std::size_t kKeptSenders = 16;
  if (found->second.buffers == 0 && senders_.size() > kKeptSenders) senders_.erase(found);
}

void BufferAllocator::end_loan(Buffer& buffer) {
  buffer.lent_ = false;
  --lent_count_;
  lent_space_ -= buffer.size_;
  if (buffer.async_) lent_async_space_ -= buffer.size_;
}

void BufferAllocator::release(Buffer* buffer) {
  NB_CHECK(!buffer->free_ && buffer->transaction_ == nullptr);
  if (buffer->lent_) {
    end_loan(*buffer);
  } else if (buffer->async_) {
    uncount_async(*buffer);
  }
  free_space_ += buffer->size_;
  if (buffer->async_) free_async_space_ += buffer->size_;
  allocated_.erase(allocated_.iterator_to(*buffer));

  auto position = by_address_.iterator_to(*buffer);
  const auto absorb = [&](AddressList::iterator neighbour) {
    free_.erase(free_.iterator_to(*neighbour));
    buffer->offset_ = std::min(buffer->offset_, neighbour->offset_);
    buffer->size_ += neighbour->size_;
    Buffer* gone = &*neighbour;
    by_address_.erase(neighbour);
    pool_.destroy(gone);
  };
  if (auto next = std::next(position); next != by_address_.end() && next->free_) absorb(next);
  if (position != by_address_.begin() && std::prev(position)->free_) {
    buffer->sender_pid_ = std::prev(position)->sender_pid_;
    absorb(std::prev(position));
  }

  buffer->free_ = true;
  buffer->async_ = false;
  buffer->programs_ = false;
  buffer->clear_on_free_ = false;
  buffer->spam_suspect_ = false;
  buffer->has_turn_ = false;
  buffer->objects_ = 0;
  buffer->shape_ = {};
  buffer->target_ = nullptr;
  buffer->extras_.reset();
  buffer->written_by_peer_ = false;
  free_.insert(*buffer);
}

Buffer* BufferAllocator::find(std::uint64_t offset) {
  const auto found = allocated_.find(offset, ByOffset());
  return found == allocated_.end() ? nullptr : &*found;
}

bool BufferAllocator::drop_one() {
  if (allocated_.empty()) return false;
  release(&*allocated_.begin());
  return true;
}

const Buffer* BufferAllocator::first_allocated(std::uint64_t offset) const {
  auto found = allocated_.lower_bound(offset, ByOffset());
  while (found != allocated_.end() && found->lent_) ++found;
  return found == allocated_.end() ? nullptr : &*found;
}

std::vector<const Buffer*> BufferAllocator::allocated() const {
  std::vector<const Buffer*> buffers;
  for (const Buffer& buffer : allocated_) {
    if (!buffer.lent_) buffers.push_back(&buffer);
  }
  return buffers;
}

BufferAllocator::Pages BufferAllocator::pages() const {
  Pages pages;
  std::uint64_t counted_to = 0;  // buffers come in order of address and may share a page
  for (const Buffer& buffer : allocated_) {
    if (buffer.lent_) continue;
    const std::uint64_t first = std::max(counted_to, buffer.offset_ / kPageBytes);
    const std::uint64_t end = (buffer.offset_ + buffer.size_ + kPageBytes - 1) / kPageBytes;
    if (end > first) pages.used += end - first;
    counted_to = std::max(counted_to, end);
  }
  pages.kept = touched_pages_.count() - pages.used;
  pages.untouched = size_ / kPageBytes - touched_pages_.count();
  pages.high = pages_high_;
  return pages;
}

bool BufferAllocator::suspects_spam(const Share& share) {
  if (free_async_space() >= size_ / kLowAsyncSpaceShare) {
    spam_detected_ = false;
    return false;
  }
  if (share.buffers <= kSpamBufferCount && share.bytes <= size_ / kSpamArenaShare) return false;
  return !std::exchange(spam_detected_, true);
}

void BufferAllocator::check_invariants() const {
  std::uint64_t expected_offset = 0;
  std::uint64_t async_bytes = 0;
  std::uint64_t free_bytes = 0;
  std::size_t lent_count = 0;
  std::uint64_t lent_bytes = 0;
  std::uint64_t lent_async_bytes = 0;
  std::size_t free_count = 0;
  std::size_t allocated_count = 0;
  bool previous_free = false;
  boost::unordered_flat_map<std::int32_t, Share> senders;
  for (const Buffer& buffer : by_address_) {
    NB_CHECK(buffer.offset_ == expected_offset && buffer.size_ > 0);
    NB_CHECK(!(previous_free && buffer.free_));
    previous_free = buffer.free_;
    expected_offset += buffer.size_;
    buffer.free_ ? ++free_count : ++allocated_count;
    if (buffer.async_) async_bytes += buffer.size_;
    if (buffer.free_) free_bytes += buffer.size_;
    if (!buffer.lent_ && buffer.async_) {
      ++senders[buffer.sender_pid_].buffers;
      senders[buffer.sender_pid_].bytes += buffer.size_;
    }
    if (!buffer.lent_) continue;
    NB_CHECK(!buffer.free_ && !buffer.programs_ && !buffer.spam_suspect_);
    NB_CHECK(buffer.target_ == nullptr && buffer.transaction_ == nullptr);
    ++lent_count;
    lent_bytes += buffer.size_;
    if (buffer.async_) lent_async_bytes += buffer.size_;
  }
  NB_CHECK(expected_offset == size_);
  NB_CHECK(free_count == free_.size() && allocated_count == allocated_.size());
  NB_CHECK(free_async_space_ + async_bytes == size_ / 2);
  NB_CHECK(free_space_ == free_bytes);
  NB_CHECK(lent_count_ == lent_count);
  NB_CHECK(lent_space_ == lent_bytes && lent_async_space_ == lent_async_bytes);
  for (const auto& [pid, share] : senders_) {
    const Share counted = senders[pid];
    NB_CHECK(share.buffers == counted.buffers && share.bytes == counted.bytes);
    senders.erase(pid);
  }
  NB_CHECK(senders.empty());
}

}  // namespace netbinder
