// SPDX-License-Identifier: Apache-2.0
//
// Whose claim of each context of cluster scope holds: the arbiter's decision, which only the arbiter
// has. A claim ends with the claimant's word or with its session with the arbiter. Owned by
// ContextClaims.
//
// This is all that decides. A store with compare-and-swap can take its place: claim() would then be
// answered later, as the arbiter's answer to other hosts is.
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
  // Nothing, if it is another host's.
  void end(const Context& context, HostId host) {
    if (holder(context) == host) holders_.erase(&context);
  }

 private:
  boost::container::flat_map<const Context*, HostId> holders_;
};

}  // namespace netbinder
