// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/leases.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/cluster/exports.h"
#include "core/model/model.h"
#include "core/model/security_context.h"

namespace netbinder {

std::optional<Lease> Leases::lend(Peer& peer, const LeaseRequest& request) {
  if (request.bytes == 0 || request.bytes > model_.setup.max_message_bytes ||
      request.context_bytes > kMaxLeaseContextBytes) {
    return std::nullopt;
  }
  Process* process = nullptr;
  PayloadShape largest{.data_size = request.bytes, .offsets_size = 0, .extra_size = 0};
  if (const auto* number = std::get_if<NodeNumber>(&request.recipient)) {
    const Node* node = Exports::callable(peer, *number);
    if (node == nullptr) return std::nullopt;
    process = node->owner();
    if (node->flags().wants_security_context()) {
      // There must also be room for a security context that is made here from the user.
      largest.extra_size = std::max<std::uint64_t>(
          request.context_bytes, kMaxUserContextBytes + 1 + peer.name().size() + 1);
    }
  } else if (!request.oneway) {  // a reply is never oneway
    process = outgoing_.awaiting(peer, std::get<CallId>(request.recipient));
  }
  if (process == nullptr || process->dead()) return std::nullopt;
  const auto space = request.oneway ? Buffer::Space::kAsync : Buffer::Space::kSync;
  BufferAllocator& allocator = process->arena().allocator();
  if (request.ahead) {
    const auto held = std::ranges::count_if(
        process->leases(), [&](const LeasedSpace& lease) { return &lease.holder() == &peer; });
    if (held >= static_cast<std::ptrdiff_t>(kMaxLeasesAhead) ||
        !allocator.could_spare(largest, space)) {
      return std::nullopt;
    }
  }
  const auto buffer = allocator.lend(largest, space);
  if (!buffer) return std::nullopt;
  const LeaseId id{next_++};
  auto made =
      std::make_unique<LeasedSpace>(id, peer, Allocation(*process, **buffer), request.bytes);
  process->leases().push_back(*made);
  peer.leases_.emplace(id, std::move(made));
  ++count_;
  return Lease{.id = id,
               .process = process->id(),
               .bytes = process->arena().bytes(**buffer, request.bytes),
               .arena = process->arena().memory()};
}

void Leases::end(LeasedSpace& lease) {
  Process& process = lease.process();
  process.leases().erase(process.leases().iterator_to(lease));
  --count_;
  NB_CHECK(lease.holder().leases_.erase(lease.id()) == 1);
}

void Leases::end(Peer& peer, LeaseId lease) {
  if (LeasedSpace* found = find(peer, lease)) end(*found);
}

void Leases::peer_lost(Peer& peer) {
  std::vector<LeaseId> ids;
  for (const auto& [id, lease] : peer.leases_) ids.push_back(id);
  for (const LeaseId id : ids) end(peer, id);
}

void Leases::process_ends(Process& process) {
  while (!process.leases().empty()) end(process.leases().front());
}

void Leases::check(const Peer& peer) const {
  for (const auto& [id, lease] : peer.leases()) {
    NB_CHECK(lease->id() == id && id.value() < next_ && &lease->holder() == &peer);
  }
}

}  // namespace netbinder
