// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/watched_transport.h"

#include <algorithm>
#include <utility>

#include "tests/sim/world.h"

namespace netbinder::sim {

namespace {

// The content of lent space until something is written to it.
constexpr std::byte kUntouched{0x5C};

}  // namespace

WatchedTransport::WatchedTransport(World& world, SimHost& host, TransportConfig config)
    : world_(world),
      host_(host),
      id_(config.host),
      transport_(world.network(), std::move(config), static_cast<PeerEvents&>(*this),
                 static_cast<Observer&>(*this)) {}

void WatchedTransport::end() {
  gone_ = true;
  for (auto& [id, each] : peers_) {
    if (each.shadow) world_.session_ended(id_, id);
  }
}

ShadowPtr WatchedTransport::shadow(HostId peer) const {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? nullptr : found->second.shadow;
}

void WatchedTransport::check_leases() const {
  // The core may have fewer leases: some ended with their processes.
  std::size_t lent = 0;
  for (const auto& [id, each] : peers_) lent += each.lent.size();
  const std::size_t leases = host_.driver().counts().leases;
  if (leases <= lent && lent == transport_.lent()) return;
  world_.oracle().fail("host " + std::to_string(id_.value()) + " lends " + std::to_string(leases) +
                       " leases, gave " + std::to_string(lent) + ", and its transport has " +
                       std::to_string(transport_.lent()));
}

// ---- from the host ----

void WatchedTransport::send(HostId to, PeerMessage message, Payload payload) {
  if (gone_) return;
  world_.trace().note("send", {id_.value(), to.value(), message.index(), payload.size()});
  if (const auto* result = std::get_if<peer::ClaimResult>(&message)) {
    if (!result->alive) world_.check_refusal(id_, to, *result);
  }
  if (world_.sabotages(Sabotage::kLoseEffect, message)) return;
  if (const ShadowPtr& shadow = peer(to).shadow) shadow->to[to].push_back({message, payload});
  transport_.send(to, std::move(message), std::move(payload));
}

// ---- to the host ----

void WatchedTransport::session_established(HostId from, Incarnation incarnation,
                                           WireVersion version) {
  world_.trace().note("established", {id_.value(), from.value(), incarnation.value()});
  peer(from).shadow = world_.shadow_of(transport_.session(from));
  world_.session_begun(id_, from);
  host_.before_event();
  host_.events().session_established(from, incarnation, version);
  host_.flush();
}

void WatchedTransport::session_lost(HostId with) {
  world_.trace().note("lost", {id_.value(), with.value()});
  ++world_.oracle().statistics.sessions_lost;
  const bool honest = !world_.lies(id_) && !world_.lies(with);
  if (honest && transport_.loss_reason(with).find("protocol error") != std::string::npos) {
    world_.oracle().fail("session of host " + std::to_string(id_.value()) + " with " +
                         std::to_string(with.value()) + ": " + transport_.loss_reason(with));
  }
  peer(with).shadow.reset();
  world_.session_ended(id_, with);
  host_.before_event();
  host_.events().session_lost(with);
  host_.flush();
}

PayloadDestination WatchedTransport::payload_arriving(HostId from, const PeerMessage& message,
                                                      std::uint64_t payload_bytes, LeaseId lease) {
  host_.before_event();
  if (lease != LeaseId{}) {
    if (peer(from).lent.erase(lease) == 0) world_.oracle().fail("a lease that was not given");
    ++world_.oracle().statistics.leases_used;
  }
  PayloadDestination place = host_.events().payload_arriving(from, message, payload_bytes, lease);
  peer(from).arriving = place;
  return place;
}

void WatchedTransport::payload_abandoned(HostId from, const PeerMessage& message) {
  world_.trace().note("abandoned", {id_.value(), from.value()});
  peer(from).arriving = {};
  host_.before_event();
  host_.events().payload_abandoned(from, message);
  host_.flush();
}

void WatchedTransport::message_arrived(HostId from, PeerMessage message) {
  world_.trace().note("arrived", {id_.value(), from.value(), message.index()});
  const PayloadDestination place = std::exchange(peer(from).arriving, {});
  auto& letters = peer(from).shadow->to[id_];
  if (letters.empty() || letters.front().message != message) {
    world_.oracle().fail("host " + std::to_string(id_.value()) + " received from " +
                         std::to_string(from.value()) + " what was not sent next");
  } else {
    if (!place.bytes.empty() && !std::ranges::equal(place.bytes, letters.front().payload.bytes())) {
      world_.oracle().fail("a payload has changed on its way");
    }
    letters.pop_front();
  }
  host_.before_event();
  if (world_.sabotages(Sabotage::kDropMessage, message)) {
    host_.events().payload_abandoned(from, message);
  } else {
    const bool twice = world_.sabotages(Sabotage::kDuplicateMessage, message);
    PeerMessage again = message;
    host_.events().message_arrived(from, std::move(message));
    if (twice) host_.events().message_arrived(from, std::move(again));
  }
  host_.flush();
}

std::optional<LeasedPlace> WatchedTransport::lease_wanted(HostId holder,
                                                          const LeaseRequest& request) {
  host_.before_event();
  auto lease = host_.events().lease_wanted(holder, request);
  world_.trace().note("lease", {id_.value(), holder.value(), lease ? lease->id.value() : 0});
  auto& statistics = world_.oracle().statistics;
  if (!lease) {
    ++statistics.leases_refused;
    return std::nullopt;
  }
  ++(request.ahead ? statistics.leases_ahead : statistics.leases);
  std::ranges::fill(lease->place.bytes, kUntouched);
  peer(holder).lent.insert(lease->id);
  return lease;
}

void WatchedTransport::lease_ended(HostId holder, LeaseId lease) {
  if (peer(holder).lent.erase(lease) != 0) ++world_.oracle().statistics.leases_returned;
  host_.before_event();
  host_.events().lease_ended(holder, lease);
  host_.flush();
}

// ---- inside the transport ----

void WatchedTransport::link_lost(HostId with) {
  world_.trace().note("unlinked", {id_.value(), with.value()});
  world_.oracle().statistics.leases_lost += peer(with).lent.size();
  peer(with).lent.clear();
}

void WatchedTransport::device_writes(HostId /*peer*/, std::span<const std::byte> place) {
  if (!std::ranges::all_of(place, [](std::byte byte) { return byte == kUntouched; })) {
    world_.oracle().fail("space that was lent has changed");
  }
}

void WatchedTransport::protocol_broken(HostId from, const std::string& how) {
  if (world_.lies(from) || world_.lies(id_)) return;
  world_.oracle().fail("host " + std::to_string(from.value()) + " broke the protocol: " + how);
}

}  // namespace netbinder::sim
