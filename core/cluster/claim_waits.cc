// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/claim_waits.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/objects.h"
#include "core/local/command_stream.h"

namespace netbinder {

namespace {

bool waits_for(const Node& node, const Peer& peer, RefKind kind) {
  const ImportedNode* import = node.import();
  if (import == nullptr) return false;
  if (!import->home().is_connected()) return true;
  return &import->home() == &peer && import->only_claimed(kind);
}

}  // namespace

bool ClaimWaits::wait(Thread& thread, const Peer& peer, const Node* target, const CallData& data) {
  if (peer.claims().empty() && peers_.awaited().empty()) return false;  // nearly always
  std::vector<Pin> pins = handles_in(thread, data);
  const Node* node = nullptr;
  for (const Pin& pin : pins) {
    if (waits_for(pin.ref->node(), peer, pin.kind)) node = &pin.ref->node();
  }
  if (target != nullptr && waits_for(*target, peer, RefKind::kStrong)) node = target;
  if (node == nullptr) return false;
  const Handle called{target == nullptr ? 0 : data.data.target.handle};
  if (called != Handle{0}) {
    pins.push_back({.ref = thread.process().refs().find(called), .kind = RefKind::kStrong});
  }
  for (const Pin& pin : pins) NB_CHECK(model_.nodes.increment(*pin.ref, pin.kind, nullptr));
  thread.process().loopers().enter(
      thread, AwaitingClaim{.home = node->import()->home().host(), .node = node->number()});
  waiters_.push_back({.thread = &thread, .pins = std::move(pins)});
  return true;
}

std::vector<ClaimWaits::Pin> ClaimWaits::handles_in(const Thread& thread,
                                                    const CallData& data) const {
  const binder_transaction_data& call = data.data;
  const PayloadShape shape{call.data_size, call.offsets_size, data.extra_size};
  if (call.offsets_size == 0 || !shape.valid()) return {};
  const Process& process = thread.process();
  std::vector<std::byte> offsets(call.offsets_size);
  std::vector<std::byte> parcel(call.data_size);
  const auto read = [&](std::uint64_t address, std::span<std::byte> into) {
    return into.empty() ||
           model_.effects.read_memory(process.id(), thread.tid(), address, into) == 0;
  };
  if (!read(call.data.ptr.offsets, offsets) || !read(call.data.ptr.buffer, parcel)) return {};
  std::vector<Pin> pins;
  const std::uint64_t count = offsets.size() / sizeof(binder_size_t);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto offset = load<binder_size_t>(offsets, i * sizeof(binder_size_t));
    const auto type = object_type(parcel, offset);
    if (!type || (*type != BINDER_TYPE_HANDLE && *type != BINDER_TYPE_WEAK_HANDLE)) continue;
    const RefKind kind = *type == BINDER_TYPE_HANDLE ? RefKind::kStrong : RefKind::kWeak;
    const auto object = load<flat_binder_object>(parcel, offset);
    ProcessRef* ref = process.refs().find(Handle{object.handle});
    if (ref == nullptr || (kind == RefKind::kStrong && ref->strong() == 0)) continue;
    pins.push_back({.ref = ref, .kind = kind});
  }
  return pins;
}

void ClaimWaits::release(const std::vector<Pin>& pins) {
  for (const Pin& pin : pins) model_.nodes.decrement(*pin.ref, pin.kind);
}

void ClaimWaits::thread_ends(Thread& thread) {
  const auto waiter = std::ranges::find(waiters_, &thread, &Waiter::thread);
  const std::vector<Pin> pins = std::move(waiter->pins);
  waiters_.erase(waiter);
  release(pins);
}

void ClaimWaits::end_waits(HostId home, std::optional<NodeNumber> node) {
  if (waiters_.empty()) return;
  std::vector<Waiter> done;
  std::erase_if(waiters_, [&](Waiter& waiter) {
    const AwaitingClaim& awaited = *waiter.thread->in<AwaitingClaim>();
    if (awaited.home != home || (node && awaited.node != *node)) return false;
    done.push_back(std::move(waiter));
    return true;
  });
  for (const Waiter& waiter : done) {
    commands_.resume(*waiter.thread);
    release(waiter.pins);
  }
}

}  // namespace netbinder
