// SPDX-License-Identifier: Apache-2.0
//
// Space in arenas that is lent to peers (core/lease.h). How a message uses it: placement.cc.
#include <algorithm>

#include "core/check.h"
#include "core/driver.h"

namespace netbinder {

std::optional<Lease> Driver::lease(HostId host, const LeaseRequest& request) {
  Peer* peer = find_peer(host);
  if (peer == nullptr || request.bytes == 0 || request.bytes > setup_.max_message_bytes ||
      request.context_bytes > kMaxLeaseContextBytes) {
    return std::nullopt;
  }
  Process* process = nullptr;
  PayloadShape largest{.data_size = request.bytes, .offsets_size = 0, .extra_size = 0};
  if (const auto* number = std::get_if<NodeNumber>(&request.recipient)) {
    const Node* node = callable_node(*peer, *number);
    if (node == nullptr) return std::nullopt;
    process = node->owner;
    if (node->wants_security_context) largest.extra_size = request.context_bytes;
  } else if (!request.oneway) {  // as no reply is
    process = awaiting_process(*peer, std::get<CallId>(request.recipient));
  }
  if (process == nullptr || process->is_dead) return std::nullopt;
  BufferAllocator& allocator = process->allocator;
  if (request.ahead && (!allocator.could_spare(largest, request.oneway) ||
                        std::ranges::count(process->leases, peer, [](const LeasedSpace& lease) {
                          return &lease.peer;
                        }) >= static_cast<std::ptrdiff_t>(kMaxAheadLeases))) {
    return std::nullopt;
  }
  const auto buffer = allocator.lend(largest, request.oneway);
  if (!buffer) return std::nullopt;
  LeasedSpace& lease =
      *leases_.create(LeaseId{next_lease_++}, *peer, *process, **buffer, request.bytes);
  peer->leases.emplace(lease.id, &lease);
  process->leases.push_back(lease);
  return Lease{.id = lease.id,
               .process = process->id,
               .bytes = process->arena.subspan((*buffer)->offset, request.bytes),
               .arena = process->arena};
}

void Driver::end_lease(HostId host, LeaseId id) {
  Peer* peer = find_peer(host);
  if (peer == nullptr) return;
  const auto found = peer->leases.find(id);
  if (found != peer->leases.end()) release_lease(*found->second);
}

Buffer& Driver::take_back(LeasedSpace& lease) {
  Buffer& buffer = lease.buffer;
  lease.peer.leases.erase(lease.id);
  lease.process.leases.erase(lease.process.leases.iterator_to(lease));
  leases_.destroy(&lease);
  return buffer;
}

void Driver::release_lease(LeasedSpace& lease) {
  Process& process = lease.process;
  release_buffer(process, take_back(lease), 0);
}

void Driver::check_leases() const {
  std::size_t leases = 0;
  for (const auto& [number, process] : processes_) {
    leases += process->leases.size();
    std::uint64_t bytes = 0;
    for (const LeasedSpace& lease : process->leases) {
      NB_CHECK(&lease.process == process.get() && !process->is_dead);
      NB_CHECK(lease.buffer.lent && process->allocator.find(lease.buffer.offset) == &lease.buffer);
      NB_CHECK(lease.bytes > 0 && lease.bytes <= lease.buffer.size);
      NB_CHECK(lease.peer.leases.at(lease.id) == &lease);
      bytes += lease.buffer.size;
    }
    NB_CHECK(bytes == process->allocator.lent_space());
  }
  NB_CHECK(leases == leases_.live());
  for (const auto& [host, peer] : peers_) {
    leases -= peer->leases.size();
    for (const auto& [id, lease] : peer->leases) {
      NB_CHECK(lease->id == id && id.value() < next_lease_ && &lease->peer == peer.get());
    }
  }
  NB_CHECK(leases == 0);
}

}  // namespace netbinder
