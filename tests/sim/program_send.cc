// SPDX-License-Identifier: Apache-2.0
//
// The calls and replies that a program writes.
#include <utility>

#include "tests/sim/program.h"
#include "tests/sim/world.h"

namespace netbinder::sim {

std::vector<Thing> Program::some_things() {
  Random& random = world_.random();
  std::vector<Thing> things;
  for (std::uint64_t count = random.below(4); count > 0; --count) {
    Thing thing;
    const auto handle = random.one_in(2) ? any_handle() : std::nullopt;
    const Held* held = handle ? &held_.at(*handle) : nullptr;
    bool weak = random.one_in(4);
    if (held != nullptr && (held->acquired > 0 || held->weak_acquired > 0)) {
      weak = weak || held->acquired == 0;
      thing.uid = held->uid;
      thing.since_ms = held->since_ms;
      thing.object.hdr.type = weak ? BINDER_TYPE_WEAK_HANDLE : BINDER_TYPE_HANDLE;
      thing.object.handle = *handle;
    } else {
      // A lazy program's service is given out by the manager only, and its callback by nobody.
      const std::size_t node =
          lazy_ ? random.between(1, kCallbackNode - 1) : random.below(nodes_.size());
      thing.uid = uid_of(node);
      thing.since_ms = world_.clock().now_ms();
      thing.object.hdr.type = weak ? BINDER_TYPE_WEAK_BINDER : BINDER_TYPE_BINDER;
      thing.object.flags = node_accepts_files(node) ? FLAT_BINDER_FLAG_ACCEPTS_FDS : 0;
      thing.object.binder = ptr_of(node);
      thing.object.cookie = uid_of(node);
    }
    if (weak) {
      thing.kind = ThingKind::kWeak;
      ++world_.oracle().statistics.weak_objects;
    }
    things.push_back(thing);
  }
  world_.oracle().statistics.objects += things.size();
  return things;
}

std::optional<std::uint32_t> Program::any_handle() {
  if (held_.empty()) return std::nullopt;
  auto at = held_.begin();
  std::advance(at, world_.random().below(held_.size()));
  if (at->first == 0 && manages_) return std::nullopt;  // the manager has no handle 0
  return at->first;
}

std::optional<std::uint32_t> Program::some_handle() {
  const auto handle = any_handle();
  return handle && held_.at(*handle).strong() ? handle : std::nullopt;
}

void Program::add_transaction(Thread& thread, std::uint32_t command, Expected expected,
                              binder_transaction_data data, const ParcelBytes& parcel,
                              std::uint64_t extra_bytes) {
  std::vector<std::byte>& staging = thread.staging;
  staging.resize((staging.size() + 7) & ~std::size_t{7});
  data.data_size = parcel.data.size();
  data.data.ptr.buffer = kStagingStride * thread.tid + staging.size();
  staging.insert(staging.end(), parcel.data.begin(), parcel.data.end());
  staging.resize((staging.size() + 7) & ~std::size_t{7});
  data.offsets_size = parcel.offsets.size() * sizeof(binder_size_t);
  data.data.ptr.offsets = kStagingStride * thread.tid + staging.size();
  for (const binder_size_t offset : parcel.offsets) append(staging, offset);
  Command& made = thread.batch.emplace_back();
  if (extra_bytes > 0) {
    const std::uint32_t scattered = command == BC_REPLY ? BC_REPLY_SG : BC_TRANSACTION_SG;
    put_command(made.bytes, scattered,
                binder_transaction_data_sg{.transaction_data = data, .buffers_size = extra_bytes});
  } else {
    put_command(made.bytes, command, data);
  }
  made.expected = expected;
}

void Program::add_cargo(Thread& thread, std::uint32_t command, Expected expected,
                        binder_transaction_data data, Envelope envelope, const Cargo& cargo) {
  envelope.things = static_cast<std::uint32_t>(cargo.things.size());
  envelope.filler = world_.random().below(world_.settings().max_filler + 1);
  if (!cargo.block) {
    add_transaction(thread, command, expected, data, pack(envelope, cargo.things));
    return;
  }
  ++world_.oracle().statistics.scattered;
  envelope.scattered = cargo.block->objects();
  std::vector<std::byte> objects;
  std::uint64_t extra_bytes = 0;
  for (const SgBuffer& buffer : buffers_of(*cargo.block, envelope.number)) {
    thread.staging.resize((thread.staging.size() + 7) & ~std::size_t{7});
    binder_buffer_object object{};
    object.hdr.type = BINDER_TYPE_PTR;
    object.buffer = kStagingStride * thread.tid + thread.staging.size();
    object.length = buffer.bytes.size();
    if (buffer.parent) {
      object.flags = BINDER_BUFFER_FLAG_HAS_PARENT;
      object.parent = cargo.things.size() + buffer.parent->first;
      object.parent_offset = buffer.parent->second;
    }
    append(objects, object);
    thread.staging.insert(thread.staging.end(), buffer.bytes.begin(), buffer.bytes.end());
    extra_bytes += (buffer.bytes.size() + 7) & ~std::uint64_t{7};
  }
  binder_fd_array_object array{};
  array.hdr.type = BINDER_TYPE_FDA;
  array.num_fds = cargo.block->fds.size();
  array.parent = cargo.things.size();
  array.parent_offset = SgBlock::kArray;
  append(objects, array);
  add_transaction(thread, command, expected, data, pack(envelope, cargo.things, objects),
                  extra_bytes);
}

void Program::pin(Thread& thread, std::uint32_t handle) {
  const auto held = held_.find(handle);
  if (held == held_.end()) return;
  if (held->second.acquired == 0 && held->second.weak_acquired == 0) return;
  ++held->second.pins;
  thread.pinned.push_back(handle);
}

void Program::call(Thread& thread, std::uint32_t handle, bool oneway, std::size_t times) {
  const auto held = held_.find(handle);
  const Uid target = held == held_.end() || handle == 0 ? 0 : held->second.uid;
  const std::uint64_t since = target == 0 ? world_.clock().now_ms() : held->second.since_ms;
  // Calls after the first may have to wait for it, while other threads let go of handles.
  if (target != 0 && held->second.acquired == 0) times = 1;
  if (oneway) pin(thread, handle);
  for (std::size_t i = 0; i < (oneway ? times : 1); ++i) {
    const std::uint64_t number =
        world_.oracle().new_call(serial_, thread.tid, target, oneway, since);
    world_.trace().note(oneway ? "oneway" : "call", {serial_, thread.tid, number, target});
    const std::uint64_t index = target == 0 ? 0 : target % kNodesOfProgram - 1;
    const Cargo cargo =
        some_cargo(thread, {.call = number},
                   node_accepts_files(index) ? FilesAccepted::kYes : FilesAccepted::kNo,
                   world_.home_of(target));
    for (const Thing& thing : cargo.things) {
      if (thing.object.hdr.type == BINDER_TYPE_HANDLE ||
          thing.object.hdr.type == BINDER_TYPE_WEAK_HANDLE) {
        pin(thread, thing.object.handle);
      }
    }
    Envelope envelope;
    envelope.number = number;
    envelope.order = oneway ? world_.oracle().order_of(number) : 0;
    binder_transaction_data data{};
    data.target.handle = handle;
    data.code = 1;
    data.flags = oneway ? TF_ONE_WAY : 0;
    if (call_accepts_files(number)) data.flags |= TF_ACCEPT_FDS;
    const auto kind = oneway ? Expected::Kind::kOneway : Expected::Kind::kCall;
    add_cargo(thread, BC_TRANSACTION, {.kind = kind, .number = number}, data, envelope, cargo);
    if (!oneway) thread.stack.push_back({.kind = Frame::Kind::kOutgoing, .number = number});
  }
}

void Program::reply(Thread& thread) {
  const std::uint64_t number = thread.stack.back().number;
  thread.stack.pop_back();
  world_.trace().note("reply", {serial_, thread.tid, number});
  world_.oracle().reply_written(number);
  const Cargo cargo =
      some_cargo(thread, {.call = number, .of_reply = true},
                 call_accepts_files(number) ? FilesAccepted::kYes : FilesAccepted::kNo,
                 world_.home_of(world_.oracle().caller_of(number) * kNodesOfProgram));
  Envelope envelope;
  envelope.number = number;
  envelope.is_reply = 1;
  add_cargo(thread, BC_REPLY, {.kind = Expected::Kind::kReply, .number = number}, {}, envelope,
            cargo);
}

}  // namespace netbinder::sim
