// SPDX-License-Identifier: Apache-2.0
#include "ndk/parcel/parcel.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "ndk/parcel/spare_memory.h"
#include "ndk/process/binder_object.h"
#include "parcel/objects.h"
#include "parcel/text.h"
#include "parcel/token.h"

namespace netbinder::ndk {
namespace {

binder_status_t status_of(ParcelReader::Refusal refusal) {
  switch (refusal) {
    case ParcelReader::Refusal::kEnd:
      return STATUS_NOT_ENOUGH_DATA;
    case ParcelReader::Refusal::kObject:
      return STATUS_PERMISSION_DENIED;
    case ParcelReader::Refusal::kLength:
      return STATUS_UNEXPECTED_NULL;
  }
  return STATUS_UNKNOWN_ERROR;
}

// Erases memory in a way that the compiler does not leave out.
void erase_memory(void* memory, std::size_t size) {
  std::memset(memory, 0, size);
  __asm__ volatile("" : : "r"(memory) : "memory");
}

}  // namespace

void Parcel::receive(const void* data, std::size_t size, const binder_size_t* offsets,
                     std::size_t count, BufferOwner& owner) {
  clear();
  data_ = static_cast<std::byte*>(const_cast<void*>(data));
  size_ = size;
  capacity_ = size;
  offsets_ = offsets;
  count_ = count;
  owner_ = &owner;
}

void Parcel::let_go_of_objects() {
  for (std::size_t i = 0; i < count_; ++i) {
    if (offsets_[i] > size_ || size_ - offsets_[i] < sizeof(flat_binder_object)) continue;
    flat_binder_object object;
    std::memcpy(&object, data_ + offsets_[i], sizeof object);
    if (object.hdr.type == BINDER_TYPE_FD) {
      ::close(static_cast<int>(object.handle));
    } else if (owner_ == nullptr && held_[i] != nullptr) {
      held_[i]->dec_strong();
    }
  }
}

void Parcel::clear() {
  if (count_ > 0) let_go_of_objects();
  if (owner_ != nullptr) {
    owner_->free_buffer(data_, size_, count_ > 0);
  } else {
    if (sensitive_) erase_memory(data_, size_);
    if (data_ != inline_) give_back_memory(data_, capacity_);
  }
  data_ = inline_;
  size_ = 0;
  capacity_ = kInline;
  position_ = 0;
  offsets_ = nullptr;
  count_ = 0;
  owner_ = nullptr;
  sensitive_ = false;
  written_offsets_.clear();
  held_.clear();
}

// ---- writing ----

binder_status_t Parcel::set_capacity(std::size_t capacity) {
  if (owner_ != nullptr) return STATUS_INVALID_OPERATION;
  if (capacity > kMostParcelBytes) return STATUS_BAD_VALUE;
  if (capacity <= capacity_) return STATUS_OK;
  auto* const memory = static_cast<std::byte*>(take_memory(capacity));
  if (memory == nullptr) return STATUS_NO_MEMORY;
  std::memcpy(memory, data_, size_);
  if (sensitive_) erase_memory(data_, size_);
  if (data_ != inline_) give_back_memory(data_, capacity_);
  data_ = memory;
  capacity_ = capacity;
  return STATUS_OK;
}

binder_status_t Parcel::grow(std::size_t needed) {
  // Grows by half, so that many small values are cheap; and no more than a large one needs.
  return set_capacity(std::max(needed, std::min(capacity_ + capacity_ / 2, kMostParcelBytes)));
}

binder_status_t Parcel::make_room(std::size_t bytes, std::byte*& room) {
  if (owner_ != nullptr) return STATUS_INVALID_OPERATION;
  if (bytes > kMostParcelBytes) return STATUS_BAD_VALUE;
  const std::size_t with_padding = padded(bytes);
  if (position_ > kMostParcelBytes || with_padding > kMostParcelBytes - position_)
    return STATUS_NO_MEMORY;
  const std::size_t end = position_ + with_padding;
  if (end > capacity_) {
    const binder_status_t status = grow(end);
    if (status != STATUS_OK) return status;
  }
  if (position_ < size_ && meets_object(offsets(), position_, with_padding)) {
    return STATUS_PERMISSION_DENIED;
  }
  // Positions may be set behind the end.
  if (position_ > size_) std::memset(data_ + size_, 0, position_ - size_);
  room = data_ + position_;
  if (with_padding != bytes) std::memset(room + bytes, 0, with_padding - bytes);
  position_ = end;
  size_ = std::max(size_, end);
  return STATUS_OK;
}

binder_status_t Parcel::write_bytes(const void* bytes, std::size_t size) {
  std::byte* room = nullptr;
  const binder_status_t status = make_room(size, room);
  if (status == STATUS_OK && size > 0) std::memcpy(room, bytes, size);
  return status;
}

binder_status_t Parcel::write_string16(std::string_view text) {
  const auto length = utf16_length(text);
  if (!length) return STATUS_BAD_VALUE;
  if (*length > (kMostParcelBytes / sizeof(char16_t)) - 1) return STATUS_BAD_VALUE;
  binder_status_t status = write(static_cast<std::int32_t>(*length));
  if (status != STATUS_OK) return status;
  std::byte* room = nullptr;
  status = make_room((*length + 1) * sizeof(char16_t), room);
  if (status != STATUS_OK) return status;
  // Words are aligned to four bytes, so units are.
  auto* const units = reinterpret_cast<char16_t*>(room);
  convert_to_utf16(text, units);
  units[*length] = 0;
  return STATUS_OK;
}

binder_status_t Parcel::write_interface_token(Dialect dialect, std::string_view descriptor) {
  binder_status_t status = STATUS_OK;
  const TokenWords before(dialect, kStrictModeGather);
  for (const std::int32_t word : before.words()) {
    if (status == STATUS_OK) status = write(word);
  }
  return status == STATUS_OK ? write_string16(descriptor) : status;
}

binder_status_t Parcel::write_object(const flat_binder_object& object, AIBinder* held,
                                     bool listed) {
  const std::size_t at = position_;
  const binder_status_t status = write(object);
  if (status != STATUS_OK || !listed) return status;
  const auto place = std::lower_bound(written_offsets_.begin(), written_offsets_.end(), at);
  held_.insert(held_.begin() + (place - written_offsets_.begin()), held);
  written_offsets_.insert(place, at);
  offsets_ = written_offsets_.data();
  count_ = written_offsets_.size();
  if (held != nullptr) held->inc_strong();
  return STATUS_OK;
}

binder_status_t Parcel::write_binder(AIBinder* binder) {
  return write_binder(binder, dialect_of_process());
}

binder_status_t Parcel::write_binder(AIBinder* binder, Dialect dialect) {
  flat_binder_object object = null_object();
  if (binder != nullptr) binder->describe(object);
  const binder_status_t status = write_object(object, binder, binder != nullptr);
  if (status != STATUS_OK || !has_stability(dialect)) return status;
  return write(binder != nullptr ? stability_word(dialect, binder->stability())
                                 : null_stability_word(dialect));
}

binder_status_t Parcel::write_fd(UniqueFd fd) {
  if (fd.get() < 0) return STATUS_BAD_TYPE;
  const binder_status_t status = write_object(file_object(fd.get()), nullptr, true);
  if (status == STATUS_OK) (void)fd.release();
  return status;
}

binder_status_t Parcel::append(const Parcel& from, std::size_t start, std::size_t size) {
  const std::size_t before = position_;
  const binder_status_t status = append_pieces(from, start, size);
  if (status != STATUS_OK) set_position(before);
  return status;
}

binder_status_t Parcel::append_pieces(const Parcel& from, std::size_t start, std::size_t size) {
  if (this == &from || start > from.size_ || size > from.size_ - start) return STATUS_BAD_VALUE;
  if (start % kParcelAlignment != 0) return STATUS_BAD_VALUE;
  if (size == 0) return STATUS_OK;
  const binder_size_t* const end = from.offsets_ + from.count_;
  const binder_size_t* object = std::lower_bound(from.offsets_, end, start);
  // An object that is cut off at either end would not be one any more.
  if (meets_object(from.offsets(), start, 1) && (object == end || *object != start))
    return STATUS_BAD_VALUE;
  const binder_size_t* const behind = std::lower_bound(object, end, start + size);
  if (behind != object && *(behind - 1) + sizeof(flat_binder_object) > start + size) {
    return STATUS_BAD_VALUE;
  }
  std::size_t at = start;
  for (; object != behind; ++object) {
    binder_status_t status = write_bytes(from.data_ + at, *object - at);
    if (status != STATUS_OK) return status;
    flat_binder_object copy;
    std::memcpy(&copy, from.data_ + *object, sizeof copy);
    if (copy.hdr.type == BINDER_TYPE_FD) {
      status = write_fd(UniqueFd(::fcntl(static_cast<int>(copy.handle), F_DUPFD_CLOEXEC, 0)));
    } else {
      const std::size_t position = from.position();
      from.set_position(*object);
      AIBinder* held = nullptr;
      status = from.read_binder(held, Dialect::kClassic);  // without what is behind it
      from.set_position(position);
      if (status == STATUS_OK) status = write_object(copy, held, held != nullptr);
      if (held != nullptr) held->dec_strong();
    }
    if (status != STATUS_OK) return status;
    at = *object + sizeof copy;
  }
  return write_bytes(from.data_ + at, start + size - at);
}

// ---- reading ----

binder_status_t Parcel::take(std::size_t bytes, const std::byte*& at) const {
  ParcelReader from = reader();
  const auto taken = from.take(bytes);
  if (!taken) return status_of(taken.error());
  at = *taken;
  position_ = from.position();
  return STATUS_OK;
}

binder_status_t Parcel::read_string16(Units& units) const {
  ParcelReader from = reader();
  const auto read = from.string16_units();
  position_ = from.position();
  if (!read) return status_of(read.error());
  units = *read;
  return STATUS_OK;
}

binder_status_t Parcel::read_string16(std::string& text) const {
  Units units;
  const binder_status_t status = read_string16(units);
  if (status == STATUS_OK) text = to_utf8(units.units, units.count);
  return status;
}

bool Parcel::take_interface_token(std::string_view descriptor) const {
  ParcelReader from = reader();
  const bool taken = netbinder::take_interface_token(from, descriptor).has_value();
  position_ = from.position();
  return taken;
}

binder_status_t Parcel::read_object(ParcelReader::Object& object) const {
  ParcelReader from = reader();
  const auto read = from.object();
  if (!read) {
    return read.error() == ParcelReader::Refusal::kEnd ? STATUS_NOT_ENOUGH_DATA : STATUS_BAD_TYPE;
  }
  object = *read;
  position_ = from.position();
  return STATUS_OK;
}

binder_status_t Parcel::read_binder(AIBinder*& binder) const {
  return read_binder(binder, dialect_of_process());
}

binder_status_t Parcel::read_binder(AIBinder*& binder, Dialect dialect) const {
  binder = nullptr;
  ParcelReader::Object read_one{};
  binder_status_t status = read_object(read_one);
  if (status != STATUS_OK) return status;
  const auto& [object, listed] = read_one;
  const bool null = object.hdr.type == BINDER_TYPE_BINDER && object.binder == 0;
  if (!listed && !null) return STATUS_BAD_TYPE;  // nobody has translated it
  std::uint32_t word = 0;
  if (has_stability(dialect)) {
    status = read(word);
    if (status != STATUS_OK) return status;
  }
  if (null) return STATUS_OK;
  const Stability stability = has_stability(dialect) ? stability_of_word(word) : Stability::kSystem;
  return AIBinder::from_parcel(object, stability, binder);
}

binder_status_t Parcel::read_fd(int& fd) const {
  const std::size_t before = position_;
  ParcelReader::Object read_one{};
  const binder_status_t status = read_object(read_one);
  if (status != STATUS_OK) return status;
  if (!read_one.listed || read_one.object.hdr.type != BINDER_TYPE_FD) {
    position_ = before;
    return STATUS_BAD_TYPE;
  }
  fd = static_cast<int>(read_one.object.handle);
  return STATUS_OK;
}

}  // namespace netbinder::ndk
