// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/placement.h"

#include <cerrno>
#include <string>
#include <utility>

#include "core/cluster/exports.h"
#include "core/model/access_control.h"
#include "core/model/model.h"

namespace netbinder {

namespace {

PayloadShape shape_of(const PeerMessage& message) {
  if (const auto* call = std::get_if<peer::Call>(&message)) return call->shape;
  if (const auto* reply = std::get_if<peer::Reply>(&message)) return reply->shape;
  return {};
}

}  // namespace

PayloadPlace Placement::arriving(Peer& peer, const PeerMessage& message, LeaseId lease) {
  peer.arriving_.reset();
  peer.arriving_.emplace(place(peer, message, lease));
  leases_.end(peer, lease);
  if (!*peer.arriving_) return {};
  const Allocation& place = (*peer.arriving_)->allocation;
  return {.process = place.process().id(),
          .bytes = place.process().arena().bytes(place.buffer(), shape_of(message).image_size())};
}

void Placement::abandon(Peer& peer) { peer.arriving_.reset(); }

ArrivingPayload Placement::take(Peer& peer, const PeerMessage& message) {
  if (!peer.arriving_) return place(peer, message, {});
  ArrivingPayload arrived = std::move(*peer.arriving_);
  peer.arriving_.reset();
  return arrived;
}

void Placement::process_ends(Peer& peer, const Process& process) {
  if (!peer.arriving_ || !*peer.arriving_) return;
  Allocation& place = (*peer.arriving_)->allocation;
  if (&place.process() != &process) return;
  place.abandon();  // it goes with the arena
  peer.arriving_ = std::unexpected(BrError::dead());
}

ArrivingPayload Placement::place(Peer& peer, const PeerMessage& message, LeaseId lease_id) {
  Process* process = nullptr;
  Node* node = nullptr;
  CallFlags flags;
  std::string_view context;
  if (const auto* call = std::get_if<peer::Call>(&message)) {
    // A peer gives a reference back only when it no longer needs it. So if it has none for its
    // call, the node has died.
    node = Exports::callable(peer, call->target);
    if (node == nullptr) return std::unexpected(BrError::dead(-EINVAL));
    process = node->owner();
    if (node->call_rules() != nullptr) {
      const Subject caller{.host = peer.host(),
                           .uid = model_.setup.user_here(peer.host(), call->sender_euid)};
      if (const auto denied = deny_call(model_, *node, caller, 0)) return std::unexpected(*denied);
    }
    flags = CallFlags(call->flags);
    if (node->flags().wants_security_context()) {
      context = !call->security_context.empty()
                    ? call->security_context
                    : peer.context_of(model_.setup.user_here(peer.host(), call->sender_euid));
    }
  } else if (const auto* reply = std::get_if<peer::Reply>(&message)) {
    process = outgoing_.awaiting(peer, reply->call);
    if (process == nullptr) return std::unexpected(BrError::dead());
    flags = CallFlags(reply->flags);
  } else {
    return std::unexpected(BrError::failed(-EINVAL));
  }
  const PayloadShape shape = shape_of(message);
  if (!shape.valid()) return std::unexpected(BrError::failed(-EINVAL));
  // It is ending, and the space that the peer has leased of it has ended already.
  if (process->dead()) return std::unexpected(BrError::dead(-ESRCH));

  const bool oneway = node != nullptr && flags.oneway();
  Allocation* lent = nullptr;
  if (lease_id != LeaseId{}) {
    LeasedSpace* lease = Leases::find(peer, lease_id);
    if (lease == nullptr) return std::unexpected(BrError::failed(-EINVAL));
    lent = &lease->space();
    lent->clear_when_freed(flags.clear_buffer());  // even if the payload does not go there
    if (&lease->process() != process || lent->buffer().async() != oneway ||
        shape.image_size() > lease->image_bytes()) {
      return std::unexpected(BrError::failed(-EINVAL));
    }
  }
  auto placed = place_payload(*process, shape, context,
                              oneway ? Buffer::Space::kAsync : Buffer::Space::kSync, 0, lent);
  if (!placed) return std::unexpected(placed.error());
  placed->allocation.clear_when_freed(flags.clear_buffer());
  if (node != nullptr) placed->allocation.call_of(*node);
  return placed;
}

}  // namespace netbinder
