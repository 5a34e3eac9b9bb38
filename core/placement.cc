// SPDX-License-Identifier: Apache-2.0
//
// Payloads of messages from peers: where in an arena their images go.
#include <cerrno>

#include "core/check.h"
#include "core/driver.h"

namespace netbinder {

namespace {

PayloadShape shape_of(const PeerMessage& message) {
  if (const auto* call = std::get_if<peer::Call>(&message)) return call->shape;
  if (const auto* reply = std::get_if<peer::Reply>(&message)) return reply->shape;
  return {};
}

}  // namespace

PayloadPlace Driver::payload_arriving(HostId host, const PeerMessage& message, LeaseId lease) {
  Peer* peer = find_peer(host);
  if (peer == nullptr) return {};
  if (peer->arriving) release_arriving(*peer->arriving);
  const auto placed = place(*peer, message, lease);
  if (const auto left = peer->leases.find(lease); left != peer->leases.end()) {
    release_lease(*left->second);
  }
  if (!placed) {
    peer->arriving = ArrivingPayload{.process = {},
                                     .buffer = nullptr,
                                     .command = placed.error().command,
                                     .error = placed.error().error};
    return {};
  }
  peer->arriving = *placed;
  const Process& process = *find_process(placed->process);
  return {.process = process.id,
          .bytes = process.arena.subspan(placed->buffer->offset, shape_of(message).image_size())};
}

void Driver::payload_abandoned(HostId host) {
  Peer* peer = find_peer(host);
  if (peer == nullptr || !peer->arriving) return;
  release_arriving(*std::exchange(peer->arriving, std::nullopt));
  finish_event();
}

void Driver::release_arriving(const ArrivingPayload& arrived) {
  if (arrived.buffer == nullptr) return;
  Process* process = find_process(arrived.process);
  NB_CHECK(process != nullptr);
  release_buffer(*process, *arrived.buffer, 0);
}

Node* Driver::callable_node(Peer& peer, NodeNumber number) {
  const auto found = peer.refs.find(number);
  if (found == peer.refs.end() || found->second->strong == 0) return nullptr;
  Node& node = *found->second->node;
  return node.local() ? &node : nullptr;
}

Process* Driver::awaiting_process(Peer& peer, CallId call) {
  const auto found = outgoing_.find(call);
  if (found == outgoing_.end() || found->second.peer != &peer ||
      found->second.transaction == nullptr || found->second.transaction->from == nullptr) {
    return nullptr;
  }
  return &found->second.transaction->from->process;
}

std::expected<ArrivingPayload, Driver::Failure> Driver::place(Peer& peer,
                                                              const PeerMessage& message,
                                                              LeaseId lease_id) {
  Process* process = nullptr;
  Node* node = nullptr;
  std::uint32_t flags = 0;
  std::string_view context;
  if (const auto* call = std::get_if<peer::Call>(&message)) {
    // Given back never before it is used; so if there is none, it has died.
    node = callable_node(peer, call->target);
    if (node == nullptr) return std::unexpected(Failure{BR_DEAD_REPLY, -EINVAL});
    process = node->owner;
    flags = call->flags;
    if (node->wants_security_context) context = call->security_context;
  } else if (const auto* reply = std::get_if<peer::Reply>(&message)) {
    process = awaiting_process(peer, reply->call);
    if (process == nullptr) return std::unexpected(Failure{BR_DEAD_REPLY, 0});
    flags = reply->flags;
  } else {
    return std::unexpected(Failure{BR_FAILED_REPLY, -EINVAL});
  }
  PayloadShape shape = shape_of(message);
  if (!shape.valid()) return std::unexpected(Failure{BR_FAILED_REPLY, -EINVAL});

  const bool clears = (flags & kTfClearBuf) != 0;
  const bool oneway = node != nullptr && (flags & TF_ONE_WAY) != 0;
  LeasedSpace* lease = nullptr;
  if (lease_id != LeaseId{}) {
    const auto found = peer.leases.find(lease_id);
    if (found == peer.leases.end()) return std::unexpected(Failure{BR_FAILED_REPLY, -EINVAL});
    lease = found->second;
    lease->buffer.clear_on_free = clears;  // also if it is not the place
    if (&lease->process != process || lease->buffer.async != oneway ||
        shape.image_size() > lease->bytes) {
      return std::unexpected(Failure{BR_FAILED_REPLY, -EINVAL});
    }
  }
  ArrivingPayload arriving;
  const auto buffer = allocate_buffer(*process, shape, context, oneway, 0, arriving.context_offset,
                                      lease == nullptr ? nullptr : &lease->buffer);
  if (!buffer) return std::unexpected(buffer.error());
  if (lease != nullptr) (void)take_back(*lease);
  arriving.process = process->id;
  arriving.buffer = *buffer;
  arriving.context_size = context.empty() ? 0 : context.size() + 1;
  (*buffer)->clear_on_free = clears;
  if (node != nullptr) {
    (*buffer)->target_node = node;
    (void)increment_node(*node, RefKind::kStrong, false, nullptr);
  }
  return arriving;
}

std::expected<ArrivingPayload, Driver::Failure> Driver::take_arriving(Peer& peer,
                                                                      PeerMessage& message) {
  if (!peer.arriving) return place(peer, message, {});
  const ArrivingPayload arrived = *std::exchange(peer.arriving, std::nullopt);
  if (arrived.buffer != nullptr) return arrived;
  return std::unexpected(Failure{arrived.command, arrived.error});
}

}  // namespace netbinder
