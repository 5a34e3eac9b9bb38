// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/outgoing_payload.h"

#include <algorithm>
#include <cerrno>

#include "core/local/translator.h"

namespace netbinder {

namespace {

// The target for a receiver on another host: `image` is sent, its objects go into the table.
struct PeerTarget {
  Model& model;
  Exports& exports;
  Peer& peer;
  FilePolicy accepts;
  std::vector<WireObject>& objects;
  std::size_t files = 0;
  const char* reason = nullptr;  // why an error was returned

  // The receiving host fills in the addresses.
  [[nodiscard]] static std::uint64_t address_of(std::uint64_t image_offset) { return image_offset; }

  int place_node(std::span<std::byte> image, std::uint64_t offset, flat_binder_object object,
                 Node& node, RefKind kind, Thread* teller) {
    objects.push_back({.offset = offset, .content = exports.give(peer, node, kind, teller)});
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
                 const Thread& sender, int fd, FileFixup::Place place) {
    if (accepts == FilePolicy::kRefused) {
      reason = kFilesNotAccepted;
      return -EPERM;
    }
    if (++files > kMaxFilesOfMessage) {
      reason = "too many descriptors";
      return -EMFILE;
    }
    const auto file = model.effects.take_file(sender.process().id(), sender.tid(), fd);
    if (!file) {
      if (file.error() == -EPERM) reason = "a descriptor that the agent does not take";
      return file.error();
    }
    const auto exported = model.effects.export_file(peer.host(), *file);
    if (!exported) {
      reason = exported.error().reason;
      return exported.error().error;
    }
    store(image, image_offset, std::uint32_t{0});
    if (place == FileFixup::Place::kArray) {
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

// These bytes are not copied from the sender's memory, and must not show those of other payloads.
void clear_gaps(const PayloadShape& shape, std::span<std::byte> image) {
  const auto clear = [&](std::uint64_t begin, std::uint64_t end) {
    std::ranges::fill(image.subspan(begin, end - begin), std::byte{0});
  };
  clear(shape.data_size, shape.offsets_start());
  clear(shape.offsets_start() + shape.offsets_size, image.size());
}

}  // namespace

OutgoingPayload::~OutgoingPayload() {
  for (const WireObject& object : objects_) {
    if (const auto* node = std::get_if<WireNode>(&object.content)) exports_.withdraw(peer_, *node);
    for (const FileNumber file : files_of(object)) model_.effects.withdraw_file(peer_.host(), file);
  }
}

std::vector<WireObject> OutgoingPayload::take_objects() {
  for (const WireObject& object : objects_) {
    if (const auto* node = std::get_if<WireNode>(&object.content)) exports_.sent(peer_, *node);
  }
  return std::exchange(objects_, {});
}

std::expected<void, BrError> OutgoingPayload::translate(Thread& sender,
                                                        const binder_transaction_data& data,
                                                        const PayloadShape& shape,
                                                        FilePolicy files) {
  // No mapping has room for more, and the transport would end the session for a larger message.
  if (!shape.valid() || shape.image_size() > model_.setup.max_message_bytes) {
    return std::unexpected(BrError::failed(-ENOSPC));
  }
  image_ = model_.effects.new_payload(peer_.host(), shape.image_size());
  clear_gaps(shape, image_.bytes());
  PeerTarget target{model_, exports_, peer_, files, objects_};
  Translator<PeerTarget> translator(model_, sender, data, shape, image_.bytes(), target);
  const int error = translator.run();
  if (error != 0) return std::unexpected(BrError::failed(error, target.reason));
  return {};
}

}  // namespace netbinder
