// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/claim_waits.h"

#include "core/base/objects.h"
#include "core/local/command_stream.h"

namespace netbinder {

namespace {

bool waits_for(const Node& node, const Peer& peer, RefKind kind) {
  const ImportedNode* import = node.import();
  return import != nullptr && &import->home() == &peer && import->only_claimed(kind);
}

}  // namespace

bool ClaimWaits::wait(Thread& thread, const Peer& peer, const Node* target, const CallData& data) {
  if (peer.claims().empty()) return false;  // nearly always
  const Node* node = target;
  if (node == nullptr || !waits_for(*node, peer, RefKind::kStrong)) {
    node = only_claimed(thread, peer, data);
  }
  if (node == nullptr) return false;
  thread.process().loopers().enter(thread,
                                   AwaitingClaim{.home = peer.host(), .node = node->number()});
  waiters_.push_back(&thread);
  return true;
}

const Node* ClaimWaits::only_claimed(Thread& thread, const Peer& peer,
                                     const CallData& data) const {
  const binder_transaction_data& call = data.data;
  const PayloadShape shape{call.data_size, call.offsets_size, data.extra_size};
  if (call.offsets_size == 0 || !shape.valid()) return nullptr;  // its translation fails
  const Process& process = thread.process();
  std::vector<std::byte> offsets(call.offsets_size);
  std::vector<std::byte> parcel(call.data_size);
  const auto read = [&](std::uint64_t address, std::span<std::byte> into) {
    return into.empty() ||
           model_.effects.read_memory(process.id(), thread.tid(), address, into) == 0;
  };
  if (!read(call.data.ptr.offsets, offsets) || !read(call.data.ptr.buffer, parcel)) return nullptr;
  const std::uint64_t count = offsets.size() / sizeof(binder_size_t);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto offset = load<binder_size_t>(offsets, i * sizeof(binder_size_t));
    const auto type = object_type(parcel, offset);
    if (!type || (*type != BINDER_TYPE_HANDLE && *type != BINDER_TYPE_WEAK_HANDLE)) continue;
    const RefKind kind = *type == BINDER_TYPE_HANDLE ? RefKind::kStrong : RefKind::kWeak;
    const auto object = load<flat_binder_object>(parcel, offset);
    const Node* node = process.refs().node_of(Handle{object.handle}, kind);
    if (node != nullptr && waits_for(*node, peer, kind)) return node;
  }
  return nullptr;
}

void ClaimWaits::end_waits(HostId home, std::optional<NodeNumber> node) {
  if (waiters_.empty()) return;
  std::vector<Thread*> done;
  std::erase_if(waiters_, [&](Thread* thread) {
    const AwaitingClaim& awaited = *thread->in<AwaitingClaim>();
    if (awaited.home != home || (node && awaited.node != *node)) return false;
    done.push_back(thread);
    return true;
  });
  for (Thread* thread : done) commands_.resume(*thread);
}

}  // namespace netbinder
