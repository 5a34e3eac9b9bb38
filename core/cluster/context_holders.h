// SPDX-License-Identifier: Apache-2.0
//
// The hosts whose claims of contexts of cluster scope hold. Only the arbiter has this table. A
// claim ends when the claimant releases it or when the claimant's session with the arbiter ends.
// Owned by ContextClaims.
//
// It stays empty if a store decides claims (ClaimsBy::kStore).
#pragma once

#include <boost/container/flat_map.hpp>
#include <optional>

#include "core/base/ids.h"
#include "core/model/context.h"

namespace netbinder {

class ContextHolders {
 public:
  enum class Decision { kDenied, kGranted };

  [[nodiscard]] std::optional<HostId> holder(const Context& context) const {
    const auto found = holders_.find(&context);
    return found == holders_.end() ? std::nullopt : std::optional(found->second);
  }
  // managers.pml: claim_arrives
  Decision claim(const Context& context, HostId host) {
    return holders_.emplace(&context, host).first->second == host ? Decision::kGranted
                                                                 : Decision::kDenied;
  }
  // Does nothing if another host holds the claim.
  void end(const Context& context, HostId host) {
    if (holder(context) == host) holders_.erase(&context);
  }

 private:
  boost::container::flat_map<const Context*, HostId> holders_;
};

}  // namespace netbinder
