// SPDX-License-Identifier: Apache-2.0
#include "core/model/allocation.h"

#include <algorithm>

#include "core/base/objects.h"
#include "core/model/held_object.h"
#include "core/model/model.h"

namespace netbinder {

void Allocation::call_of(Node& node) {
  NB_CHECK(buffer_->target_ == nullptr);
  buffer_->target_ = &node;
  ++node.calls_;
  Nodes::hold(node, RefKind::kStrong);
}

int Allocation::use_lent(const PayloadShape& shape, std::int32_t sender_pid) {
  return process_->arena().allocator().use_lent(buffer_, shape, sender_pid);
}

Allocation Allocation::take_back(Thread& thread, std::uint64_t user_address) {
  Process& process = thread.process();
  Buffer* buffer = process.arena().programs_buffer(user_address);
  if (buffer == nullptr) return {};
  buffer->programs_ = false;
  if (buffer->extras_ && !buffer->extras_->array_fds.empty()) {
    thread.close_at_end(buffer->extras_->array_fds);
    thread.return_from_next_read();
  }
  return Allocation(process, *buffer);
}

void Allocation::end() {
  if (buffer_ == nullptr) return;
  if (Transaction* transaction = std::exchange(buffer_->transaction_, nullptr)) {
    transaction->buffer_ends();
  }
  pass_turn_on();
  if (Node* node = std::exchange(buffer_->target_, nullptr)) {
    --node->calls_;
    process_->model().nodes.drop(*node, RefKind::kStrong);
  }
  release_objects();
  Arena& arena = process_->arena();
  if (buffer_->clear_on_free_) std::ranges::fill(arena.bytes(*buffer_), std::byte{0});
  arena.allocator().release(std::exchange(buffer_, nullptr));
}

void Allocation::pass_turn_on() {
  if (!std::exchange(buffer_->has_turn_, false)) return;
  Work* next = buffer_->target_->oneways().pass_on();
  if (next == nullptr) return;
  auto& call = static_cast<Transaction&>(*next);
  call.update_ends();
  call.payload().take_turn();
  process_->loopers().queue(call);
}

void Allocation::release_objects() {
  if (buffer_->written_by_peer_) {
    if (!buffer_->extras_) return;
    for (const HeldObject& held : std::exchange(buffer_->extras_->held, {})) release_object(held);
    return;
  }
  const PayloadShape& shape = buffer_->shape_;
  const std::span<const std::byte> image = process_->arena().bytes(*buffer_, shape.image_size());
  const std::span<const std::byte> parcel = image.first(shape.data_size);
  const std::uint64_t count = std::exchange(buffer_->objects_, 0);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto offset =
        load<binder_size_t>(image, shape.offsets_start() + i * sizeof(binder_size_t));
    const auto type = object_type(parcel, offset);
    if (type && is_flat_object(*type)) {
      release_object(held_by(load<flat_binder_object>(parcel, offset)));
    }
  }
}

void Allocation::release_object(const HeldObject& held) {
  Nodes& nodes = process_->model().nodes;
  const RefKind kind = kind_of(held);
  if (names_node(held)) {
    if (Node* node = process_->find_node(held.value)) nodes.drop(*node, kind);
  } else if (ProcessRef* ref =
                 process_->refs().find(Handle{static_cast<std::uint32_t>(held.value)})) {
    nodes.decrement(*ref, kind);
  }
}

}  // namespace netbinder
