// SPDX-License-Identifier: Apache-2.0
//
// The values of keys, as agents write them: JSON. Whoever may write there can write anything, so
// what is read is checked. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/stored_claim.h"
#include "membership/etcd/wire.h"
#include "membership/member.h"

namespace netbinder::etcd {

// Whether hosts may talk over other than loopback addresses (cluster-config/address.h).
enum class Reachable : std::uint8_t { kLoopbackOnly, kEverywhere };

[[nodiscard]] std::string to_value(const Member& member);
[[nodiscard]] Read<Member> member_value(const std::string& name, std::string_view value,
                                        Reachable reachable);

// Without the epoch, which is the key's.
[[nodiscard]] std::string to_value(const ClaimHolder& holder, const std::string& name);
[[nodiscard]] Read<ClaimHolder> claim_value(std::string_view value);

// The number of a host.
[[nodiscard]] std::string id_value(HostId id);
[[nodiscard]] std::optional<HostId> id_value(std::string_view value);

}  // namespace netbinder::etcd
