// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/adoption.h"

#include <algorithm>
#include <cerrno>

#include "core/base/objects.h"
#include "core/local/local_payload.h"
#include "core/model/held_object.h"
#include "core/model/model.h"

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

// One payload's objects. Each `adopt` answers 0 or a negative errno; if it fails, it has taken over
// nothing.
struct Adoption {
  Model& model;
  Imports& imports;
  Peer& peer;
  const PayloadShape& shape;
  std::span<const WireObject> objects;
  Process& target;
  Allocation& payload;
  std::span<std::byte> image;
  FilesInFlight& files;
  std::size_t done = 0;

  [[nodiscard]] std::span<std::byte> parcel() const { return image.first(shape.data_size); }

  [[nodiscard]] const WireBuffer* parent_at(std::uint64_t index) const {
    return index < done ? std::get_if<WireBuffer>(&objects[index].content) : nullptr;
  }

  int adopt(std::uint64_t offset, const WireNode& wire) {
    const auto node = imports.receive(peer, wire);
    if (!node) {
      model.effects.give_up_peer(peer.host(), node.error());
      return -EINVAL;
    }
    auto flat = load<flat_binder_object>(parcel(), offset);
    const RefKind kind = wire.strong ? RefKind::kStrong : RefKind::kWeak;
    if ((*node)->owner() == &target) {
      flat.hdr.type = wire.strong ? BINDER_TYPE_BINDER : BINDER_TYPE_WEAK_BINDER;
      flat.binder = (*node)->ptr();
      flat.cookie = (*node)->cookie();
      Nodes::hold(**node, kind);
    } else {
      const auto handle = target.refs().increment(**node, kind, nullptr);
      if (!handle) return -EINVAL;  // only if the peer gives a reference that it does not hold
      flat.hdr.type = wire.strong ? BINDER_TYPE_HANDLE : BINDER_TYPE_WEAK_HANDLE;
      flat.binder = 0;
      flat.handle = handle->value();
      flat.cookie = 0;
    }
    store(image, offset, flat);
    if (payload.buffer().written_by_peer()) payload.object_holds(held_by(flat));
    return 0;
  }

  int adopt(std::uint64_t offset, const WireBuffer& wire) {
    auto pointer = load<binder_buffer_object>(parcel(), offset);
    if (wire.length > shape.extra_size || wire.extra_offset > shape.extra_size - wire.length) {
      return -EINVAL;
    }
    pointer.hdr.type = BINDER_TYPE_PTR;
    // The other flags, and parent fields without a parent, are the sender's business.
    pointer.flags &= ~std::uint32_t{BINDER_BUFFER_FLAG_HAS_PARENT};
    pointer.buffer =
        target.arena().user_address(payload.buffer(), shape.extra_start() + wire.extra_offset);
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
    return take(wire.file, offset + offsetof(binder_fd_object, fd), FileFixup::Place::kObject);
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
    if (wire.files.empty()) return 0;  // its place in the parent does not matter
    if (wire.files.size() > parent->length / sizeof(std::uint32_t) ||
        wire.parent_offset > parent->length - wire.files.size() * sizeof(std::uint32_t)) {
      return -EINVAL;
    }
    const std::uint64_t place = shape.extra_start() + parent->extra_offset + wire.parent_offset;
    if (place % sizeof(std::uint32_t) != 0) return -EINVAL;
    const std::size_t before = files.size();
    for (std::size_t i = 0; i < wire.files.size(); ++i) {
      const int error =
          take(wire.files[i], place + i * sizeof(std::uint32_t), FileFixup::Place::kArray);
      if (error == 0) continue;
      files.drop(before);  // the caller disowns the object, whose first files were taken already
      return error;
    }
    return 0;
  }

  int take(FileNumber number, std::uint64_t offset, FileFixup::Place place) {
    const auto file = model.effects.import_file(peer.host(), number);
    if (!file) {
      if (file.error() == -ENOENT) {
        model.effects.give_up_peer(peer.host(), "a descriptor that was not offered");
        return -EINVAL;
      }
      return file.error();
    }
    files.add(model.effects, {.file = *file, .offset = offset, .place = place});
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

}  // namespace

std::expected<FilesInFlight, BrError> adopt_payload(Model& model, Imports& imports, Peer& peer,
                                                    const PayloadShape& shape,
                                                    std::span<const WireObject> objects,
                                                    Allocation& payload, FilePolicy accepts) {
  const bool has_files = std::any_of(objects.begin(), objects.end(), [](const WireObject& object) {
    return !files_of(object).empty();
  });
  if (has_files && accepts == FilePolicy::kRefused) {
    disown_payload(model, imports, peer, objects);
    return std::unexpected(BrError::failed(-EPERM, kFilesNotAccepted));
  }
  FilesInFlight files;
  Process& receiver = payload.process();
  Adoption adoption{.model = model,
                    .imports = imports,
                    .peer = peer,
                    .shape = shape,
                    .objects = objects,
                    .target = receiver,
                    .payload = payload,
                    .image = receiver.arena().bytes(payload.buffer(), shape.image_size()),
                    .files = files};
  const int error = adoption.run();
  payload.objects_hold(adoption.done);
  if (error == 0) return files;
  disown_payload(model, imports, peer, objects.subspan(adoption.done));
  return std::unexpected(BrError::failed(error));
}

void disown_payload(Model& model, Imports& imports, Peer& peer,
                    std::span<const WireObject> objects) {
  for (const WireObject& object : objects) {
    for (const FileNumber number : files_of(object)) {
      if (const auto file = model.effects.import_file(peer.host(), number)) {
        model.effects.drop_file(*file);
      }
    }
    if (const auto* wire = std::get_if<WireNode>(&object.content)) {
      imports.receive_in_vain(peer, *wire);
    }
  }
}

}  // namespace netbinder
