// SPDX-License-Identifier: Apache-2.0
#include "core/model/process.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/model/model.h"
#include "core/model/node.h"
#include "core/model/transaction.h"

namespace netbinder {

Subject Process::subject() const {
  return {.host = model_.setup.host, .uid = credentials_.euid, .groups = credentials_.groups};
}

bool Process::calls_pending() const {
  return outstanding_ > 0 || std::any_of(threads_.begin(), threads_.end(), [](const auto& each) {
           return each.second->stack() != nullptr;
         });
}

void Process::check() const {
  arena_.allocator().check_invariants();
  loopers_.check();
  refs_.check();
  std::uint64_t lent = 0;
  for (const LeasedSpace& lease : leases_) {
    const Buffer& space = lease.space().buffer();
    NB_CHECK(&lease.space().process() == this && !dead_ && space.lent());
    NB_CHECK(lease.image_bytes() > 0 && lease.image_bytes() <= space.size());
    lent += space.size();
  }
  NB_CHECK(lent == arena_.allocator().lent_space());
  const std::vector<const Buffer*> buffers = arena_.allocator().allocated();
  for (const Buffer* buffer : buffers) {
    const Transaction* transaction = buffer->transaction();
    NB_CHECK(transaction == nullptr || transaction->buffer() == buffer);
    // A dead process's nodes end before the last of its buffers.
    NB_CHECK(dead_ || buffer->target() == nullptr || buffer->target()->owner() == this);
  }
  for (const Node& node : nodes_) {
    NB_CHECK(node.owner() == this);
    node.check();
    // Exactly one buffer has the turn of a node that is busy with a oneway call, also if the call
    // was discarded unread; and calls wait only for a node that is busy.
    const OnewayQueue& oneways = node.oneways();
    NB_CHECK(oneways.busy() || oneways.waiting().empty());
    const auto turns = std::count_if(buffers.begin(), buffers.end(), [&](const Buffer* buffer) {
      return buffer->target() == &node && buffer->has_turn();
    });
    NB_CHECK(turns == (oneways.busy() ? 1 : 0));
    NB_CHECK(std::cmp_equal(node.calls(), std::ranges::count(buffers, &node, &Buffer::target)));
  }
}

}  // namespace netbinder
