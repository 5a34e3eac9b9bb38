// SPDX-License-Identifier: Apache-2.0
#include "core/local/local_payload.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/local/translator.h"

namespace netbinder {

namespace {

// The target for a receiver on this host: `image` is the buffer in its arena.
struct LocalTarget {
  Model& model;
  Process& receiver;
  const Buffer& buffer;
  FilePolicy accepts;
  FilesInFlight& files;

  [[nodiscard]] std::uint64_t address_of(std::uint64_t image_offset) const {
    return receiver.arena().user_address(buffer, image_offset);
  }

  int place_node(std::span<std::byte> image, std::uint64_t offset, flat_binder_object object,
                 Node& node, RefKind kind, Thread* teller) {
    if (node.owner() == &receiver) {
      object.hdr.type = kind == RefKind::kStrong ? BINDER_TYPE_BINDER : BINDER_TYPE_WEAK_BINDER;
      object.binder = node.ptr();
      object.cookie = node.cookie();
      Nodes::hold(node, kind);
    } else {
      const auto handle = receiver.refs().increment(node, kind, teller);
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
                 std::uint64_t image_offset, const Thread& sender, int fd, FileFixup::Place place) {
    if (accepts == FilePolicy::kRefused) return -EPERM;
    const auto file = model.effects.take_file(sender.process().id(), sender.tid(), fd);
    if (!file) return file.error();
    files.add(model.effects, {.file = *file, .offset = image_offset, .place = place});
    return 0;
  }

  void place_buffer(std::uint64_t /*offset*/, const WireBuffer& /*buffer*/) {}
};

}  // namespace

std::expected<PlacedPayload, BrError> place_payload(Process& receiver, PayloadShape shape,
                                                    std::string_view security_context,
                                                    Buffer::Space space, std::int32_t sender_pid,
                                                    Allocation* lent) {
  const std::uint64_t context_bytes =
      security_context.empty() ? 0 : (security_context.size() + 1 + 7) & ~std::uint64_t{7};
  if (__builtin_add_overflow(shape.extra_size, context_bytes, &shape.extra_size)) {
    return std::unexpected(BrError::failed(-EINVAL));
  }
  if (receiver.dead()) return std::unexpected(BrError::dead(-ESRCH));
  PlacedPayload placed;
  if (lent == nullptr) {
    const auto buffer = receiver.arena().allocator().allocate(shape, space, sender_pid);
    if (!buffer) {
      return std::unexpected(buffer.error() == -ESRCH ? BrError::dead(-ESRCH)
                                                      : BrError::failed(buffer.error()));
    }
    placed.allocation = Allocation(receiver, **buffer);
  } else {
    if (const int error = lent->use_lent(shape, sender_pid)) {
      return std::unexpected(BrError::failed(error));
    }
    placed.allocation = std::move(*lent);
  }
  if (context_bytes > 0) {
    placed.security_context = {.offset = shape.image_size() - context_bytes,
                               .size = security_context.size() + 1};
    const std::span<std::byte> place = receiver.arena()
                                           .bytes(placed.allocation.buffer(), shape.image_size())
                                           .subspan(placed.security_context.offset);
    std::ranges::fill(place, std::byte{0});
    std::memcpy(place.data(), security_context.data(), security_context.size());
  }
  return placed;
}

std::expected<void, BrError> translate_to_process(Model& model, Thread& sender,
                                                  const binder_transaction_data& data,
                                                  FilePolicy files, Transaction& transaction) {
  Allocation& payload = transaction.payload();
  const Buffer& buffer = payload.buffer();
  // The security context at the end of the buffer is no part of the payload.
  PayloadShape shape = buffer.shape();
  if (transaction.security_context().size > 0) {
    shape.extra_size = transaction.security_context().offset - shape.extra_start();
  }
  Process& receiver = payload.process();
  const std::span<std::byte> image = receiver.arena().bytes(buffer, shape.image_size());
  LocalTarget target{model, receiver, buffer, files, transaction.files()};
  Translator<LocalTarget> translator(model, sender, data, shape, image, target);
  const int error = translator.run();
  payload.objects_hold(translator.done());
  if (error != 0) return std::unexpected(BrError::failed(error));
  return {};
}

}  // namespace netbinder
