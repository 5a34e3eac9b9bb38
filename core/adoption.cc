// SPDX-License-Identifier: Apache-2.0
//
// Payloads from other hosts: their objects checked and given the meaning they have here. Nothing of
// the sender's image is believed where objects are: the table of objects is what counts.
#include <algorithm>
#include <cerrno>

#include "core/driver.h"
#include "core/objects.h"

namespace netbinder {

namespace {

std::size_t size_of(const WireObject& object) {
  struct Sizes {
    std::size_t operator()(const WireNode&) const { return sizeof(flat_binder_object); }
    std::size_t operator()(const WireBuffer&) const { return sizeof(binder_buffer_object); }
    std::size_t operator()(const WireFile&) const { return sizeof(binder_fd_object); }
    std::size_t operator()(const WireFileArray&) const { return sizeof(binder_fd_array_object); }
  };
  return std::visit(Sizes{}, object.content);
}

}  // namespace

// One payload's objects. Each `adopt` answers 0 or a negative errno; if it fails, it has taken over
// nothing.
struct Driver::Adoption {
  Driver& driver;
  Peer& peer;
  const PayloadShape& shape;
  std::span<const WireObject> objects;
  Process& target;
  Buffer& buffer;
  std::span<std::byte> image;
  std::size_t done = 0;
  std::vector<FileFixup> files;

  [[nodiscard]] std::span<std::byte> parcel() const { return image.first(shape.data_size); }

  [[nodiscard]] const WireBuffer* parent_at(std::uint64_t index) const {
    return index < done ? std::get_if<WireBuffer>(&objects[index].content) : nullptr;
  }

  int adopt(std::uint64_t offset, const WireNode& wire) {
    const auto node = driver.import_node(peer, wire);
    if (!node) {
      driver.effects_.give_up_peer(peer.host, node.error());
      return -EINVAL;
    }
    auto flat = load<flat_binder_object>(parcel(), offset);
    const RefKind kind = wire.strong ? RefKind::kStrong : RefKind::kWeak;
    if ((*node)->owner == &target) {
      flat.hdr.type = wire.strong ? BINDER_TYPE_BINDER : BINDER_TYPE_WEAK_BINDER;
      flat.binder = (*node)->ptr;
      flat.cookie = (*node)->cookie;
      (void)driver.increment_node(**node, kind, false, nullptr);
    } else {
      const auto handle = driver.increment_ref_for_node(target, **node, kind, nullptr);
      if (!handle) return -EINVAL;  // only if the peer gives what it does not have
      flat.hdr.type = wire.strong ? BINDER_TYPE_HANDLE : BINDER_TYPE_WEAK_HANDLE;
      flat.binder = 0;
      flat.handle = handle->value();
      flat.cookie = 0;
    }
    store(image, offset, flat);
    if (buffer.written_by_peer) buffer.make_extras().held.push_back(Driver::held_by(flat));
    return 0;
  }

  int adopt(std::uint64_t offset, const WireBuffer& wire) {
    auto pointer = load<binder_buffer_object>(parcel(), offset);
    if (wire.length > shape.extra_size || wire.extra_offset > shape.extra_size - wire.length) {
      return -EINVAL;
    }
    pointer.hdr.type = BINDER_TYPE_PTR;
    // The rest of the flags, and a parent that is none, are the sender's business.
    pointer.flags &= ~std::uint32_t{BINDER_BUFFER_FLAG_HAS_PARENT};
    pointer.buffer = target.user_base + buffer.offset + shape.extra_start() + wire.extra_offset;
    pointer.length = wire.length;
    if (wire.has_parent) {
      pointer.flags |= BINDER_BUFFER_FLAG_HAS_PARENT;
      pointer.parent = wire.parent_index;
      pointer.parent_offset = wire.parent_offset;
      const WireBuffer* parent = parent_at(wire.parent_index);
      if (parent == nullptr || parent->length < sizeof(binder_uintptr_t) ||
          wire.parent_offset > parent->length - sizeof(binder_uintptr_t)) {
        return -EINVAL;
      }
      store(image, shape.extra_start() + parent->extra_offset + wire.parent_offset, pointer.buffer);
    }
    store(image, offset, pointer);
    return 0;
  }

  int adopt(std::uint64_t offset, const WireFile& wire) {
    auto object = load<binder_fd_object>(parcel(), offset);
    object.hdr.type = BINDER_TYPE_FD;
    object.pad_binder = 0;
    store(image, offset, object);
    return take(wire.file, offset + offsetof(binder_fd_object, fd), false);
  }

  int adopt(std::uint64_t offset, const WireFileArray& wire) {
    const WireBuffer* parent = parent_at(wire.parent_index);
    if (parent == nullptr) return -EINVAL;
    auto object = load<binder_fd_array_object>(parcel(), offset);
    object.hdr.type = BINDER_TYPE_FDA;
    object.num_fds = wire.files.size();
    object.parent = wire.parent_index;
    object.parent_offset = wire.parent_offset;
    store(image, offset, object);
    if (wire.files.empty()) return 0;  // wherever it is
    if (wire.files.size() > parent->length / sizeof(std::uint32_t) ||
        wire.parent_offset > parent->length - wire.files.size() * sizeof(std::uint32_t)) {
      return -EINVAL;
    }
    const std::uint64_t place = shape.extra_start() + parent->extra_offset + wire.parent_offset;
    if (place % sizeof(std::uint32_t) != 0) return -EINVAL;
    const std::size_t before = files.size();
    for (std::size_t i = 0; i < wire.files.size(); ++i) {
      const int error = take(wire.files[i], place + i * sizeof(std::uint32_t), true);
      if (error == 0) continue;
      // The caller disowns the object, of which these are taken already.
      std::vector<FileFixup> taken(files.begin() + static_cast<std::ptrdiff_t>(before),
                                   files.end());
      files.resize(before);
      driver.drop_files(taken);
      return error;
    }
    return 0;
  }

  int take(FileNumber number, std::uint64_t offset, bool of_array) {
    const auto file = driver.effects_.import_file(peer.host, number);
    if (!file) {
      if (file.error() == -ENOENT) {
        driver.effects_.give_up_peer(peer.host, "a descriptor that was not offered");
        return -EINVAL;
      }
      return file.error();
    }
    files.push_back({.file = *file, .offset = offset, .of_array = of_array});
    return 0;
  }

  int run() {
    if (objects.size() != shape.offsets_size / sizeof(binder_size_t)) return -EINVAL;
    std::uint64_t lowest = 0;
    for (; done < objects.size(); ++done) {
      const WireObject& object = objects[done];
      const std::size_t size = size_of(object);
      if (object.offset < lowest || object.offset % 4 != 0 || parcel().size() < size ||
          object.offset > parcel().size() - size) {
        return -EINVAL;
      }
      lowest = object.offset + size;
      store(image, shape.offsets_start() + done * sizeof(binder_size_t),
            binder_size_t{object.offset});
      const int error =
          std::visit([&](const auto& wire) { return adopt(object.offset, wire); }, object.content);
      if (error != 0) return error;
    }
    return 0;
  }
};

std::expected<std::vector<FileFixup>, Driver::Failure> Driver::adopt_payload(
    Peer& peer, const PayloadShape& shape, std::span<const WireObject> objects, Process& target,
    Buffer& buffer, bool accept_fds) {
  const bool has_files = std::any_of(objects.begin(), objects.end(), [](const WireObject& object) {
    return !files_of(object).empty();
  });
  if (has_files && !accept_fds) {
    disown_payload(peer, objects);
    Failure failure{BR_FAILED_REPLY, -EPERM};
    failure.reason = kFilesNotAccepted;
    return std::unexpected(failure);
  }
  Adoption adoption{
      .driver = *this,
      .peer = peer,
      .shape = shape,
      .objects = objects,
      .target = target,
      .buffer = buffer,
      .image = target.arena.subspan(buffer.offset, shape.image_size()),
      .files = {},
  };
  const int error = adoption.run();
  if (error == 0) return std::move(adoption.files);
  drop_files(adoption.files);
  release_objects(target, buffer, adoption.done);
  disown_payload(peer, objects.subspan(adoption.done));
  return std::unexpected(Failure{BR_FAILED_REPLY, error});
}

void Driver::disown_payload(Peer& peer, std::span<const WireObject> objects) {
  for (const WireObject& object : objects) {
    for (const FileNumber number : files_of(object)) {
      if (const auto file = effects_.import_file(peer.host, number)) effects_.drop_file(*file);
    }
    const auto* wire = std::get_if<WireNode>(&object.content);
    if (wire == nullptr) continue;
    if (const auto node = import_node(peer, *wire); node && !(*node)->local()) {
      drop_node_if_unused(**node);
    }
  }
}

}  // namespace netbinder
