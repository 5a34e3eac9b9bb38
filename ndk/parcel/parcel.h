// SPDX-License-Identifier: Apache-2.0
//
// Parcel: the payload of a call, written here or received. One position, which reads of a const
// parcel move as well. What is read, and how it is bounded, is ParcelReader's (parcel/reader.h). A
// received parcel is a buffer of the driver's, which is given back at its end, and cannot be
// written. Objects that are written are held by the parcel: binders by a strong reference,
// descriptors as its own. Received descriptors are closed at its end. One thread at a time.
#pragma once

#include <android/binder_status.h>
#include <linux/android/binder.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "ndk/base/unique_fd.h"
#include "ndk/parcel/format.h"
#include "parcel/reader.h"
#include "parcel/view.h"

struct AIBinder;

namespace netbinder::ndk {

// The owner of a received parcel's buffer. Gives the buffer back to the driver.
class BufferOwner {
 public:
  virtual void free_buffer(const void* data, std::size_t size, bool with_objects) = 0;

 protected:
  ~BufferOwner() = default;
};

class Parcel {
 public:
  Parcel() = default;
  ~Parcel() { clear(); }
  Parcel(const Parcel&) = delete;
  Parcel& operator=(const Parcel&) = delete;

  // Becomes a received one.
  void receive(const void* data, std::size_t size, const binder_size_t* offsets, std::size_t count,
               BufferOwner& owner);
  // Becomes empty.
  void clear();

  [[nodiscard]] const std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] std::size_t position() const { return position_; }
  void set_position(std::size_t position) const { position_ = position; }
  [[nodiscard]] std::span<const binder_size_t> offsets() const { return {offsets_, count_}; }
  [[nodiscard]] ParcelView view() const { return {{data_, size_}, {offsets_, count_}}; }
  [[nodiscard]] bool has_objects() const { return count_ > 0; }
  [[nodiscard]] binder_status_t set_capacity(std::size_t capacity);

  // Its memory is zeroed at its end.
  void mark_sensitive() const { sensitive_ = true; }
  [[nodiscard]] bool sensitive() const { return sensitive_; }

  // ---- writing ----

  // Room for so many bytes and their padding, which is zeroed; null in `room` only with an error.
  [[nodiscard]] binder_status_t make_room(std::size_t bytes, std::byte*& room);
  [[nodiscard]] binder_status_t write_bytes(const void* bytes, std::size_t size);
  template <typename Value>
  [[nodiscard]] binder_status_t write(Value value) {
    static_assert(std::is_trivially_copyable_v<Value> && sizeof value % kParcelAlignment == 0);
    std::byte* room = nullptr;
    const binder_status_t status = make_room(sizeof value, room);
    if (status == STATUS_OK) std::memcpy(room, &value, sizeof value);
    return status;
  }
  // From UTF-8. STATUS_BAD_VALUE if it is not.
  [[nodiscard]] binder_status_t write_string16(std::string_view text);
  [[nodiscard]] binder_status_t write_null_string16() { return write<std::int32_t>(-1); }
  [[nodiscard]] binder_status_t write_interface_token(Dialect dialect, std::string_view descriptor);
  // Writes the stability behind it, in the process's dialect or in this one.
  [[nodiscard]] binder_status_t write_binder(AIBinder* binder);
  [[nodiscard]] binder_status_t write_binder(AIBinder* binder, Dialect dialect);
  [[nodiscard]] binder_status_t write_fd(UniqueFd fd);
  // Bytes of another parcel and the objects among them.
  [[nodiscard]] binder_status_t append(const Parcel& from, std::size_t start, std::size_t size);

  // ---- reading ----

  // `bytes` of data and its padding.
  [[nodiscard]] binder_status_t take(std::size_t bytes, const std::byte*& at) const;
  template <typename Value>
  [[nodiscard]] binder_status_t read(Value& value) const {
    static_assert(std::is_trivially_copyable_v<Value> && sizeof value % kParcelAlignment == 0);
    const std::byte* at = nullptr;
    const binder_status_t status = take(sizeof value, at);
    if (status == STATUS_OK) std::memcpy(&value, at, sizeof value);
    return status;
  }
  using Units = ParcelReader::Units;
  [[nodiscard]] binder_status_t read_string16(Units& units) const;
  // A null becomes an empty one.
  [[nodiscard]] binder_status_t read_string16(std::string& text) const;
  // Whether a token of any version for this interface is next, which is then taken.
  [[nodiscard]] bool take_interface_token(std::string_view descriptor) const;
  // A strong reference for the caller, or null.
  [[nodiscard]] binder_status_t read_binder(AIBinder*& binder) const;
  [[nodiscard]] binder_status_t read_binder(AIBinder*& binder, Dialect dialect) const;
  // A descriptor that stays the parcel's.
  [[nodiscard]] binder_status_t read_fd(int& fd) const;

 private:
  static constexpr std::size_t kInline = 256;

  [[nodiscard]] binder_status_t append_pieces(const Parcel& from, std::size_t start,
                                              std::size_t size);
  [[nodiscard]] binder_status_t grow(std::size_t needed);
  // From the position on; `position_` follows what it has read.
  [[nodiscard]] ParcelReader reader() const { return ParcelReader(view(), position_); }
  [[nodiscard]] binder_status_t write_object(const flat_binder_object& object, AIBinder* held,
                                             bool listed);
  [[nodiscard]] binder_status_t read_object(ParcelReader::Object& object) const;
  void let_go_of_objects();

  // For small parcels; not initialised.
  alignas(8) std::byte inline_[kInline];
  std::byte* data_ = inline_;  // of a received parcel it is not written
  std::size_t size_ = 0;
  std::size_t capacity_ = kInline;
  mutable std::size_t position_ = 0;
  const binder_size_t* offsets_ = nullptr;  // in ascending order
  std::size_t count_ = 0;
  BufferOwner* owner_ = nullptr;  // of a received parcel
  mutable bool sensitive_ = false;
  std::vector<binder_size_t> written_offsets_;
  std::vector<AIBinder*> held_;  // for each of them; null for descriptors
};

}  // namespace netbinder::ndk

// The C API's parcel. It is made for calls of one object, or for none.
struct AParcel : netbinder::ndk::Parcel {
  AParcel() = default;
  explicit AParcel(const AIBinder* made_for) : binder(made_for) {}

  const AIBinder* binder = nullptr;
};
