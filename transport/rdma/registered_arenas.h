// SPDX-License-Identifier: Apache-2.0
//
// The arenas that one peer may write to. Each is registered when a lease in it is first given, and
// stays registered until the arena has ended and its last lease, too. Where registered memory is
// scarce, an arena without leases makes room for another.
//
// Owned by an endpoint, destroyed after its queue pair and before its protection domain.
// Thread: the data-plane thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "transport/rdma/adapter.h"
#include "transport/rdma/verbs.h"

namespace netbinder::rdma {

class RegisteredArenas {
 public:
  RegisteredArenas(Adapter& adapter, ProtectionDomain& domain)
      : adapter_(adapter), domain_(domain) {}
  ~RegisteredArenas();
  RegisteredArenas(const RegisteredArenas&) = delete;
  RegisteredArenas& operator=(const RegisteredArenas&) = delete;

  // The key to an arena, for one more lease in it. `owner` keeps the arena's memory.
  [[nodiscard]] std::expected<RemoteKey, std::string> lend(std::span<std::byte> arena,
                                                           std::shared_ptr<void> owner);
  // A lease in that arena has ended.
  void lease_ended(std::span<std::byte> arena);
  // The arena ends.
  void arena_ends(std::span<std::byte> arena);

 private:
  struct Arena {
    std::shared_ptr<void> owner;
    std::unique_ptr<MemoryRegion> region;
    std::uint64_t bytes = 0;
    std::uint32_t leases = 0;
    std::uint64_t last_use = 0;
    bool ends = false;
  };
  using Arenas = std::map<std::byte*, Arena>;

  bool make_room();
  void forget(Arenas::iterator arena);

  Adapter& adapter_;
  ProtectionDomain& domain_;
  Arenas arenas_;
  std::uint64_t uses_ = 0;
};

}  // namespace netbinder::rdma
