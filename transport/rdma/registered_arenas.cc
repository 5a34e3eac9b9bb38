// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/registered_arenas.h"

#include "core/base/check.h"
#include "transport/log.h"

namespace netbinder::rdma {

RegisteredArenas::~RegisteredArenas() {
  while (!arenas_.empty()) forget(arenas_.begin());
}

std::expected<RemoteKey, std::string> RegisteredArenas::lend(std::span<std::byte> arena,
                                                             std::shared_ptr<void> owner) {
  auto found = arenas_.find(arena.data());
  if (found == arenas_.end()) {
    while (!adapter_.reserve(arena.size())) {
      if (!make_room()) {
        return std::unexpected("more than rdma.max_registered_bytes would be registered");
      }
    }
    auto region = domain_.register_memory(arena, Access::kRemoteWrite);
    while (!region && make_room()) {
      region = domain_.register_memory(arena, Access::kRemoteWrite);
    }
    if (!region) {
      adapter_.release(arena.size());
      return std::unexpected(region.error());
    }
    found = arenas_
                .emplace(arena.data(), Arena{.owner = std::move(owner),
                                             .region = std::move(*region),
                                             .bytes = arena.size()})
                .first;
    log::rdma.debug("an arena of {} bytes is registered for a peer", arena.size());
  }
  // Memory is not unmapped while it is registered, so an address identifies one arena.
  NB_CHECK(found->second.bytes == arena.size());
  ++found->second.leases;
  found->second.last_use = ++uses_;
  return found->second.region->remote_key();
}

void RegisteredArenas::lease_ended(std::span<std::byte> arena) {
  const auto found = arenas_.find(arena.data());
  NB_CHECK(found != arenas_.end() && found->second.leases > 0);
  if (--found->second.leases == 0 && found->second.ends) forget(found);
}

void RegisteredArenas::arena_ends(std::span<std::byte> arena) {
  const auto found = arenas_.find(arena.data());
  if (found == arenas_.end()) return;
  found->second.ends = true;
  if (found->second.leases == 0) forget(found);
}

bool RegisteredArenas::make_room() {
  auto oldest = arenas_.end();
  for (auto arena = arenas_.begin(); arena != arenas_.end(); ++arena) {
    if (arena->second.leases > 0) continue;
    if (oldest == arenas_.end() || arena->second.last_use < oldest->second.last_use) oldest = arena;
  }
  if (oldest == arenas_.end()) return false;
  forget(oldest);
  return true;
}

void RegisteredArenas::forget(Arenas::iterator arena) {
  log::rdma.debug("an arena of {} bytes is registered no more", arena->second.bytes);
  arena->second.region.reset();
  adapter_.release(arena->second.bytes);
  arenas_.erase(arena);
}

}  // namespace netbinder::rdma
