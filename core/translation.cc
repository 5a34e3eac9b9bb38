// SPDX-License-Identifier: Apache-2.0
//
// Payloads on their way from a program to a receiver: copied once, their objects checked and given
// the meaning they have there. One walk over the objects serves receivers on this host and peers;
// what differs is the Target.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/check.h"
#include "core/driver.h"
#include "core/objects.h"

namespace netbinder {

// Receiver on this host: `image` is the buffer in its arena.
struct Driver::LocalTarget {
  Driver& driver;
  Process& process;
  Buffer& buffer;
  bool accept_fds;
  Transaction& transaction;

  [[nodiscard]] std::uint64_t address_of(std::uint64_t image_offset) const {
    return process.user_base + buffer.offset + image_offset;
  }

  int place_node(std::span<std::byte> image, std::uint64_t offset, flat_binder_object object,
                 Node& node, RefKind kind, Thread* holder) {
    if (node.owner == &process) {
      object.hdr.type = kind == RefKind::kStrong ? BINDER_TYPE_BINDER : BINDER_TYPE_WEAK_BINDER;
      object.binder = node.ptr;
      object.cookie = node.cookie;
      (void)driver.increment_node(node, kind, false, nullptr);
    } else {
      const auto handle = driver.increment_ref_for_node(process, node, kind, holder);
      if (!handle) return handle.error();
      object.hdr.type = kind == RefKind::kStrong ? BINDER_TYPE_HANDLE : BINDER_TYPE_WEAK_HANDLE;
      object.binder = 0;
      object.handle = handle->value();
      object.cookie = 0;
    }
    store(image, offset, object);
    return 0;
  }

  void place_array(std::uint64_t /*offset*/, const binder_fd_array_object& /*array*/) {}

  int place_file(std::span<std::byte> /*image*/, std::uint64_t /*offset*/,
                 std::uint64_t image_offset, const Thread& sender, int fd, bool of_array) {
    if (!accept_fds) return -EPERM;
    const auto file = driver.effects_.take_file(sender.process.id, sender.tid, fd);
    if (!file) return file.error();
    transaction.files.push_back({.file = *file, .offset = image_offset, .of_array = of_array});
    return 0;
  }

  void place_buffer(std::uint64_t /*offset*/, const WireBuffer& /*buffer*/) {}
};

// Receiver on another host: `image` is sent along, what objects mean goes into a table.
struct Driver::PeerTarget {
  Driver& driver;
  Peer& peer;
  bool accept_fds;
  std::vector<WireObject>& objects;
  std::size_t files = 0;
  const char* reason = nullptr;  // of an error

  // Addresses are the receiving host's to fill in.
  [[nodiscard]] static std::uint64_t address_of(std::uint64_t image_offset) { return image_offset; }

  int place_node(std::span<std::byte> image, std::uint64_t offset, flat_binder_object object,
                 Node& node, RefKind kind, Thread* holder) {
    objects.push_back({.offset = offset, .content = driver.export_node(peer, node, kind, holder)});
    object.binder = 0;
    object.cookie = 0;
    store(image, offset, object);
    return 0;
  }

  void place_array(std::uint64_t offset, const binder_fd_array_object& array) {
    objects.push_back(
        {.offset = offset,
         .content = WireFileArray{
             .parent_index = array.parent, .parent_offset = array.parent_offset, .files = {}}});
  }

  int place_file(std::span<std::byte> image, std::uint64_t offset, std::uint64_t image_offset,
                 const Thread& sender, int fd, bool of_array) {
    if (!accept_fds) {
      reason = kFilesNotAccepted;
      return -EPERM;
    }
    if (++files > Driver::kMaxFilesOfMessage) {
      reason = "too many descriptors";
      return -EMFILE;
    }
    const auto file = driver.effects_.take_file(sender.process.id, sender.tid, fd);
    if (!file) {
      if (file.error() == -EPERM) reason = "a descriptor that the agent does not take";
      return file.error();
    }
    const auto exported = driver.effects_.export_file(peer.host, *file);
    if (!exported) {
      reason = exported.error().reason;
      return exported.error().error;
    }
    store(image, image_offset, std::uint32_t{0});
    if (of_array) {
      std::get<WireFileArray>(objects.back().content).files.push_back(*exported);
    } else {
      objects.push_back({.offset = offset, .content = WireFile{*exported}});
    }
    return 0;
  }

  void place_buffer(std::uint64_t offset, const WireBuffer& buffer) {
    objects.push_back({.offset = offset, .content = buffer});
  }
};

// One payload's way. The image is laid out as PayloadShape says.
template <typename Target>
class Translator {
 public:
  Translator(Driver& driver, Thread& sender, const binder_transaction_data& data,
             const PayloadShape& shape, std::span<std::byte> image, Target& target)
      : driver_(driver),
        sender_(sender),
        data_(data),
        shape_(shape),
        image_(image),
        target_(target),
        next_extra_(shape.extra_start()) {}

  // The number of objects done, also after an error.
  [[nodiscard]] std::size_t done() const { return done_; }

  int run() {
    Process& process = sender_.process;
    const std::uint64_t count = shape_.offsets_size / sizeof(binder_size_t);
    if (count > 0 && !read(data_.data.ptr.offsets,
                           image_.subspan(shape_.offsets_start(), shape_.offsets_size))) {
      return -EFAULT;
    }
    if (!read(data_.data.ptr.buffer, image_.first(shape_.data_size))) {
      // Where an object should begin, there is none.
      return count > 0 && offset_of(0) == 0 ? -EINVAL : -EFAULT;
    }
    driver_.statistics_.payload_bytes_copied += shape_.data_size;
    const std::span<std::byte> parcel = image_.first(shape_.data_size);
    std::uint64_t lowest = 0;
    for (; done_ < count; ++done_) {
      const std::uint64_t offset = offset_of(done_);
      // The bytes between two objects are data, here of no sense.
      if (offset < lowest || offset > shape_.data_size) return -EFAULT;
      const auto type = object_type(parcel, offset);
      if (!type) return -EINVAL;
      lowest = offset + object_size(*type);
      int error = 0;
      switch (*type) {
        case BINDER_TYPE_BINDER:
        case BINDER_TYPE_WEAK_BINDER: {
          const auto object = load<flat_binder_object>(parcel, offset);
          const auto node = driver_.node_of_binder(process, object);
          if (!node) return node.error();
          error = target_.place_node(
              image_, offset, object, **node,
              *type == BINDER_TYPE_BINDER ? Driver::RefKind::kStrong : Driver::RefKind::kWeak,
              &sender_);
          break;
        }
        case BINDER_TYPE_HANDLE:
        case BINDER_TYPE_WEAK_HANDLE: {
          const auto object = load<flat_binder_object>(parcel, offset);
          const bool strong = *type == BINDER_TYPE_HANDLE;
          Node* node = driver_.node_of_handle(process, Handle{object.handle}, strong);
          if (node == nullptr) return -EINVAL;
          error = target_.place_node(image_, offset, object, *node,
                                     strong ? Driver::RefKind::kStrong : Driver::RefKind::kWeak,
                                     nullptr);
          break;
        }
        case BINDER_TYPE_FD: {
          const auto object = load<binder_fd_object>(parcel, offset);
          error = target_.place_file(image_, offset, offset + offsetof(binder_fd_object, fd),
                                     sender_, static_cast<int>(object.fd), false);
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
           driver_.effects_.read_memory(sender_.process.id, sender_.tid, address, into) == 0;
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

  // Fix-ups must go through a tree of buffers depth first and upwards in each buffer; so a
  // fix-up's place is behind that of the last one in the same buffer, going up from the object
  // fixed last. (The driver cannot fix up anything in an object at offset 0.)
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
    driver_.statistics_.payload_bytes_copied += object.length;
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
    if (array.num_fds == 0) {  // wherever it is
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
      const int error = target_.place_file(image_, offset, place + i * 4, sender_, fd, true);
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
    for (const Source& source : sources_) {
      if (source.object == object) return source;
    }
    NB_UNREACHABLE();
  }

  Driver& driver_;
  Thread& sender_;
  const binder_transaction_data& data_;
  const PayloadShape& shape_;
  std::span<std::byte> image_;
  Target& target_;
  std::size_t done_ = 0;
  std::uint64_t next_extra_;
  std::uint64_t last_fixup_object_ = 0;
  std::uint64_t last_fixup_lowest_ = 0;
  std::vector<Source> sources_;  // of buffer objects; plain parcels have none and allocate nothing
};

std::expected<Node*, int> Driver::node_of_binder(Process& process,
                                                 const flat_binder_object& object) {
  if (const auto found = process.nodes.find(object.binder); found != process.nodes.end()) {
    if (found->second->cookie != object.cookie) return std::unexpected(-EINVAL);
    return found->second;
  }
  if (process.nodes.size() >= setup_.max_nodes_per_process) return std::unexpected(-ENOMEM);
  return &create_node(process, object.binder, object.cookie, object.flags);
}

std::expected<void, Driver::Failure> Driver::translate_to_process(
    Thread& sender, const binder_transaction_data& data, Process& target, Buffer& buffer,
    bool accept_fds, Transaction& transaction) {
  // The security context at the end of the buffer is none of the payload's.
  PayloadShape shape = buffer.shape;
  if (transaction.security_context_size > 0) {
    shape.extra_size = transaction.security_context_offset - shape.extra_start();
  }
  const std::span<std::byte> image = target.arena.subspan(buffer.offset, shape.image_size());
  LocalTarget local{*this, target, buffer, accept_fds, transaction};
  Translator<LocalTarget> translator(*this, sender, data, shape, image, local);
  const int error = translator.run();
  if (error == 0) return {};
  // Let go of what its objects hold; the buffer itself stays for the caller to free.
  release_objects(target, buffer, translator.done());
  return std::unexpected(Failure{BR_FAILED_REPLY, error});
}

std::expected<void, Driver::Failure> Driver::translate_to_peer(
    Thread& sender, const binder_transaction_data& data, Peer& peer, const PayloadShape& shape,
    bool accept_fds, Payload& image, std::vector<WireObject>& objects) {
  // No mapping could take more; and what the transport refuses would cost everybody the session.
  if (!shape.valid() || shape.image_size() > setup_.max_message_bytes) {
    return std::unexpected(Failure{BR_FAILED_REPLY, -ENOSPC});
  }
  image = effects_.new_payload(peer.host, shape.image_size());
  clear_gaps(shape, image.bytes());
  PeerTarget remote{*this, peer, accept_fds, objects};
  Translator<PeerTarget> translator(*this, sender, data, shape, image.bytes(), remote);
  const int error = translator.run();
  if (error == 0) return {};
  for (const WireObject& object : objects) {
    if (const auto* node = std::get_if<WireNode>(&object.content)) unexport_node(peer, *node);
    for (const FileNumber file : files_of(object)) effects_.withdraw_file(peer.host, file);
  }
  Failure failure{BR_FAILED_REPLY, error};
  failure.reason = remote.reason;
  return std::unexpected(failure);
}

// What no part of the sender's memory is copied to. It must not tell of others' payloads.
void Driver::clear_gaps(const PayloadShape& shape, std::span<std::byte> image) {
  const auto clear = [&](std::uint64_t begin, std::uint64_t end) {
    std::ranges::fill(image.subspan(begin, end - begin), std::byte{0});
  };
  clear(shape.data_size, shape.offsets_start());
  clear(shape.offsets_start() + shape.offsets_size, image.size());
}

HeldObject Driver::held_by(const flat_binder_object& object) {
  const bool handle =
      object.hdr.type == BINDER_TYPE_HANDLE || object.hdr.type == BINDER_TYPE_WEAK_HANDLE;
  return {.type = object.hdr.type, .value = handle ? object.handle : object.binder};
}

void Driver::release_objects(Process& process, Buffer& buffer, std::size_t count) {
  if (buffer.written_by_peer) {
    if (!buffer.extras) return;
    for (const HeldObject& held : std::exchange(buffer.extras->held, {})) {
      release_object(process, held);
    }
    return;
  }
  const std::span<const std::byte> image =
      process.arena.subspan(buffer.offset, buffer.shape.image_size());
  const std::span<const std::byte> parcel = image.first(buffer.shape.data_size);
  count =
      std::min(count, static_cast<std::size_t>(buffer.shape.offsets_size / sizeof(binder_size_t)));
  for (std::size_t i = 0; i < count; ++i) {
    const auto offset =
        load<binder_size_t>(image, buffer.shape.offsets_start() + i * sizeof(binder_size_t));
    const auto type = object_type(parcel, offset);
    if (!type) continue;
    switch (*type) {
      case BINDER_TYPE_BINDER:
      case BINDER_TYPE_WEAK_BINDER:
      case BINDER_TYPE_HANDLE:
      case BINDER_TYPE_WEAK_HANDLE:
        release_object(process, held_by(load<flat_binder_object>(parcel, offset)));
        break;
      default:
        break;
    }
  }
}

void Driver::release_object(Process& process, const HeldObject& held) {
  const bool strong = held.type == BINDER_TYPE_BINDER || held.type == BINDER_TYPE_HANDLE;
  const RefKind kind = strong ? RefKind::kStrong : RefKind::kWeak;
  if (held.type == BINDER_TYPE_BINDER || held.type == BINDER_TYPE_WEAK_BINDER) {
    if (const auto found = process.nodes.find(held.value); found != process.nodes.end()) {
      decrement_node(*found->second, kind, false);
    }
  } else if (Ref* ref = process.handles.find(Handle{static_cast<std::uint32_t>(held.value)})) {
    decrement_ref(*ref, kind);
  }
}

void Driver::release_buffer(Process& process, Buffer& buffer, std::size_t count) {
  if (Node* node = std::exchange(buffer.target_node, nullptr)) {
    decrement_node(*node, RefKind::kStrong, false);
  }
  release_objects(process, buffer, count);
  if (buffer.extras) {
    const std::vector<int>& fds = buffer.extras->array_fds;
    close_fds_.insert(close_fds_.end(), fds.begin(), fds.end());
  }
  if (buffer.clear_on_free) {
    std::memset(process.arena.data() + buffer.offset, 0, buffer.size);
  }
  process.allocator.release(&buffer);
}

void Driver::drop_files(std::vector<FileFixup>& files) {
  for (const FileFixup& fixup : files) effects_.drop_file(fixup.file);
  files.clear();
}

}  // namespace netbinder
