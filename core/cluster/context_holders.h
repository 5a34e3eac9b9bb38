// SPDX-License-Identifier: Apache-2.0
//
// The hosts whose claims of contexts of cluster scope hold. Only the arbiter has this table. A
// claim ends when the claimant releases it or when the claimant's session with the arbiter ends.
// Owned by ContextClaims.
//
// An arbiter that was another host before takes over what that one has granted. Such a claim counts
// as one of its holder's own as soon as that one claims it anew here.
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
    return found == holders_.end() ? std::nullopt : std::optional(found->second.host);
  }
  // managers.pml: claim_arrives
  Decision claim(const Context& context, HostId host) {
    Holding& holding = holders_.emplace(&context, Holding{.host = host}).first->second;
    if (holding.host != host) return Decision::kDenied;
    holding.taken_over = false;
    return Decision::kGranted;
  }
  // Takes over what an earlier arbiter has granted; false: there is a holder.
  bool take_over(const Context& context, HostId host) {
    return holders_.emplace(&context, Holding{.host = host, .taken_over = true}).second;
  }
  [[nodiscard]] bool is_taken_over(const Context& context) const {
    const auto found = holders_.find(&context);
    return found != holders_.end() && found->second.taken_over;
  }
  // This host is the arbiter no more.
  void clear() { holders_.clear(); }
  // Does nothing if another host holds the claim.
  void end(const Context& context, HostId host) {
    if (holder(context) == host) holders_.erase(&context);
  }

 private:
  struct Holding {
    HostId host;
    bool taken_over = false;
  };
  boost::container::flat_map<const Context*, Holding> holders_;
};

}  // namespace netbinder
