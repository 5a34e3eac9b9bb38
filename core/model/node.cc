// SPDX-License-Identifier: Apache-2.0
#include "core/model/node.h"

#include <algorithm>

#include "core/base/check.h"

namespace netbinder {

void Node::check() const {
  const auto strong =
      std::count_if(refs_.begin(), refs_.end(), [](const Ref& ref) { return ref.strong() > 0; });
  NB_CHECK(static_cast<std::uint64_t>(strong) == internal_strong_);
  NB_CHECK(std::all_of(refs_.begin(), refs_.end(),
                       [this](const Ref& ref) { return &ref.node() == this && !ref.unused(); }));
  // An announcement that is not acknowledged is a reference.
  NB_CHECK(!strong_view_.announced() || local_strong_ > 0);
  NB_CHECK(!weak_view_.announced() || local_weak_ > 0);
}

}  // namespace netbinder
