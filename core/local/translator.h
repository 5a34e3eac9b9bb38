// SPDX-License-Identifier: Apache-2.0
//
// Payloads on their way from a program to a receiver: they are copied once, and their objects are
// checked and given the meaning that they have at the receiver. One walk over the objects serves
// receivers on this host (LocalTarget) and on others (PeerTarget); only the Target differs:
//
//   int place_node(image, offset, object, node, kind, teller)   0 or a negative errno
//   int place_file(image, offset, image_offset, sender, fd, place)
//   void place_array(offset, array)          before the descriptors of the array
//   void place_buffer(offset, WireBuffer)
//   std::uint64_t address_of(image_offset)   where the receiver has that byte
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <vector>

#include "core/base/check.h"
#include "core/base/objects.h"
#include "core/model/model.h"

namespace netbinder {

// Translates one payload. The image is laid out as PayloadShape says.
template <typename Target>
class Translator {
 public:
  Translator(Model& model, Thread& sender, const binder_transaction_data& data,
             const PayloadShape& shape, std::span<std::byte> image, Target& target)
      : model_(model),
        sender_(sender),
        data_(data),
        shape_(shape),
        image_(image),
        target_(target),
        next_extra_(shape.extra_start()) {}

  // The number of objects that were translated, also after an error.
  [[nodiscard]] std::size_t done() const { return done_; }

  int run() {
    Process& process = sender_.process();
    const std::uint64_t count = shape_.offsets_size / sizeof(binder_size_t);
    if (count > 0 && !read(data_.data.ptr.offsets,
                           image_.subspan(shape_.offsets_start(), shape_.offsets_size))) {
      return -EFAULT;
    }
    if (!read(data_.data.ptr.buffer, image_.first(shape_.data_size))) {
      // There is no object where the first one should begin.
      return count > 0 && offset_of(0) == 0 ? -EINVAL : -EFAULT;
    }
    model_.statistics.payload_bytes_copied += shape_.data_size;
    const std::span<std::byte> parcel = image_.first(shape_.data_size);
    std::uint64_t lowest = 0;
    for (; done_ < count; ++done_) {
      const std::uint64_t offset = offset_of(done_);
      // The bytes between two objects are plain data, and not looked at.
      if (offset < lowest || offset > shape_.data_size) return -EFAULT;
      const auto type = object_type(parcel, offset);
      if (!type) return -EINVAL;
      lowest = offset + object_size(*type);
      int error = 0;
      switch (*type) {
        case BINDER_TYPE_BINDER:
        case BINDER_TYPE_WEAK_BINDER: {
          const auto object = load<flat_binder_object>(parcel, offset);
          const auto node = node_of(process, object);
          if (!node) return node.error();
          const RefKind kind = *type == BINDER_TYPE_BINDER ? RefKind::kStrong : RefKind::kWeak;
          error = target_.place_node(image_, offset, object, **node, kind, &sender_);
          break;
        }
        case BINDER_TYPE_HANDLE:
        case BINDER_TYPE_WEAK_HANDLE: {
          const auto object = load<flat_binder_object>(parcel, offset);
          const RefKind kind = *type == BINDER_TYPE_HANDLE ? RefKind::kStrong : RefKind::kWeak;
          Node* node = process.refs().node_of(Handle{object.handle}, kind);
          if (node == nullptr) return -EINVAL;
          error = target_.place_node(image_, offset, object, *node, kind, nullptr);
          break;
        }
        case BINDER_TYPE_FD: {
          const auto object = load<binder_fd_object>(parcel, offset);
          error =
              target_.place_file(image_, offset, offset + offsetof(binder_fd_object, fd), sender_,
                                 static_cast<int>(object.fd), FileFixup::Place::kObject);
          break;
        }
        case BINDER_TYPE_FDA:
          error = file_array(offset, load<binder_fd_array_object>(parcel, offset));
          break;
        case BINDER_TYPE_PTR:
          error = buffer(offset, load<binder_buffer_object>(parcel, offset));
          break;
        default:
          return -EINVAL;
      }
      if (error != 0) return error;
    }
    return 0;
  }

 private:
  bool read(std::uint64_t address, std::span<std::byte> into) {
    return into.empty() ||
           model_.effects.read_memory(sender_.process().id(), sender_.tid(), address, into) == 0;
  }

  [[nodiscard]] std::uint64_t offset_of(std::uint64_t index) const {
    return load<binder_size_t>(image_, shape_.offsets_start() + index * sizeof(binder_size_t));
  }

  // The buffer object number `index` among those done, or nothing.
  std::optional<binder_buffer_object> parent_at(std::uint64_t index) const {
    if (index >= done_) return std::nullopt;
    const std::span<const std::byte> parcel = image_.first(shape_.data_size);
    const auto type = object_type(parcel, offset_of(index));
    if (!type || *type != BINDER_TYPE_PTR) return std::nullopt;
    return load<binder_buffer_object>(parcel, offset_of(index));
  }

  // Fix-ups must go through a tree of buffers depth first, and upwards in each buffer. So the place
  // of a fix-up must be behind that of the last one in the same buffer, seen from the object that
  // was fixed last. (The driver cannot fix up anything in an object at offset 0.)
  bool fixup_in_order(std::uint64_t parent_object, std::uint64_t fixup_offset) const {
    std::uint64_t last = last_fixup_object_;
    std::uint64_t lowest = last_fixup_lowest_;
    if (last == 0) return false;
    const std::span<const std::byte> parcel = image_.first(shape_.data_size);
    while (last != parent_object) {
      const auto object = load<binder_buffer_object>(parcel, last);
      if ((object.flags & BINDER_BUFFER_FLAG_HAS_PARENT) == 0) return false;
      lowest = object.parent_offset + sizeof(binder_uintptr_t);
      last = offset_of(object.parent);
    }
    return fixup_offset >= lowest;
  }

  int buffer(std::uint64_t offset, binder_buffer_object object) {
    const std::uint64_t left = shape_.image_size() - next_extra_;
    if (object.length > left) return -EINVAL;
    const std::uint64_t place = next_extra_;
    if (!read(object.buffer, image_.subspan(place, object.length))) return -EINVAL;
    model_.statistics.payload_bytes_copied += object.length;
    sources_.push_back({.object = done_, .sender_address = object.buffer, .image_offset = place});
    next_extra_ += (object.length + 7) & ~std::uint64_t{7};
    next_extra_ = std::min(next_extra_, shape_.image_size());

    WireBuffer wire{.extra_offset = place - shape_.extra_start(),
                    .length = object.length,
                    .has_parent = false,
                    .parent_index = 0,
                    .parent_offset = 0};
    object.buffer = target_.address_of(place);
    if ((object.flags & BINDER_BUFFER_FLAG_HAS_PARENT) != 0) {
      const auto parent = parent_at(object.parent);
      if (!parent) return -EINVAL;
      if (!fixup_in_order(offset_of(object.parent), object.parent_offset)) return -EINVAL;
      if (parent->length < sizeof(binder_uintptr_t) ||
          object.parent_offset > parent->length - sizeof(binder_uintptr_t) ||
          object.parent_offset % sizeof(std::uint32_t) != 0) {
        return -EINVAL;
      }
      store(image_, source_of(object.parent).image_offset + object.parent_offset, object.buffer);
      wire.has_parent = true;
      wire.parent_index = object.parent;
      wire.parent_offset = object.parent_offset;
    }
    store(image_, offset, object);
    target_.place_buffer(offset, wire);
    last_fixup_object_ = offset;
    last_fixup_lowest_ = 0;
    return 0;
  }

  int file_array(std::uint64_t offset, const binder_fd_array_object& array) {
    const auto parent = parent_at(array.parent);
    if (!parent) return -EINVAL;
    if (!fixup_in_order(offset_of(array.parent), array.parent_offset)) return -EINVAL;
    if (array.num_fds == 0) {  // its place does not matter
      target_.place_array(offset, array);
      last_fixup_object_ = offset_of(array.parent);
      last_fixup_lowest_ = array.parent_offset;
      return 0;
    }
    if (array.num_fds >= UINT64_MAX / sizeof(std::uint32_t)) return -EINVAL;
    const std::uint64_t bytes = array.num_fds * sizeof(std::uint32_t);
    if (bytes > parent->length || array.parent_offset > parent->length - bytes) return -EINVAL;
    const Source& source = source_of(array.parent);
    const std::uint64_t place = source.image_offset + array.parent_offset;
    if (place % 4 != 0 || (source.sender_address + array.parent_offset) % 4 != 0) return -EINVAL;
    target_.place_array(offset, array);
    for (std::uint64_t i = 0; i < array.num_fds; ++i) {
      const auto fd = load<std::int32_t>(image_, place + i * 4);
      const int error =
          target_.place_file(image_, offset, place + i * 4, sender_, fd, FileFixup::Place::kArray);
      if (error != 0) return error;
    }
    last_fixup_object_ = offset_of(array.parent);
    last_fixup_lowest_ = array.parent_offset + bytes;
    return 0;
  }

  struct Source {
    std::uint64_t object;
    std::uint64_t sender_address;
    std::uint64_t image_offset;
  };
  [[nodiscard]] const Source& source_of(std::uint64_t object) const {
    const auto found = std::ranges::lower_bound(sources_, object, {}, &Source::object);
    NB_CHECK(found != sources_.end() && found->object == object);
    return *found;
  }

  // The node that a binder object of the sender names. It is made if it is new.
  std::expected<Node*, int> node_of(Process& process, const flat_binder_object& object) {
    if (Node* known = process.find_node(object.binder)) {
      if (known->cookie() != object.cookie) return std::unexpected(-EINVAL);
      return known;
    }
    if (process.nodes().size() >= model_.setup.max_nodes_per_process ||
        !process.user().may_add_node()) {
      return std::unexpected(-ENOMEM);
    }
    return &model_.nodes.create(process, object.binder, object.cookie, NodeFlags(object.flags));
  }

  Model& model_;
  Thread& sender_;
  const binder_transaction_data& data_;
  const PayloadShape& shape_;
  std::span<std::byte> image_;
  Target& target_;
  std::size_t done_ = 0;
  std::uint64_t next_extra_;
  std::uint64_t last_fixup_object_ = 0;
  std::uint64_t last_fixup_lowest_ = 0;
  // One for each buffer object, ascending. Plain parcels have none and allocate nothing.
  std::vector<Source> sources_;
};

}  // namespace netbinder
