// SPDX-License-Identifier: Apache-2.0
#include "transport/sim/link_device.h"

#include <algorithm>

#include "core/base/check.h"

namespace netbinder::sim {

namespace {

// How long space that was given ahead is kept.
constexpr std::uint64_t kMinKeptMs = 5;
constexpr std::uint64_t kMaxKeptMs = 200;
// A request ahead asks for at most so many bytes more than the last payload had.
constexpr std::uint64_t kMoreBytes = 200;

bool serves(const LeaseRequest& given, const LeaseRequest& needed) {
  return given.recipient == needed.recipient && given.oneway == needed.oneway &&
         given.bytes >= needed.bytes && given.context_bytes >= needed.context_bytes;
}

}  // namespace

LinkDevice::LinkDevice(Environment& environment, HostId peer, ConnectionPtr connection,
                       std::size_t side)
    : environment_(environment), peer_(peer), connection_(std::move(connection)), side_(side) {}

// ---- sending ----

bool LinkDevice::takes(const OutgoingFrame& frame) {
  Network& network = environment_.network;
  return frame.recipient && !frame.payload.empty() &&
         network.has_device(environment_.config.host) && network.has_device(peer_) &&
         network.random().one_in(2);
}

std::optional<LinkDevice::Ready> LinkDevice::send(std::shared_ptr<const OutgoingFrame> frame) {
  NB_CHECK(!held_);
  const LeaseRequest& needed = frame->recipient->request;
  if (const auto kept = take_kept(needed)) return write(std::move(frame), *kept);
  held_ = std::move(frame);
  held_for_ = ask(needed);
  return std::nullopt;
}

std::uint64_t LinkDevice::ask(const LeaseRequest& request) {
  asked_.emplace(++last_number_, request);
  environment_.network.say_by_device(
      connection_, side_, frame::LeaseWanted{.number = last_number_, .request = request});
  return last_number_;
}

std::optional<LinkDevice::Ready> LinkDevice::granted(const frame::LeaseGranted& answer) {
  const auto asked = asked_.extract(answer.number);
  NB_CHECK(!asked.empty());
  const LeaseRequest& request = asked.mapped();
  const bool for_held = held_ && answer.number == held_for_;
  if (answer.lease == LeaseId{}) {
    if (for_held) return Ready{.frame = std::exchange(held_, nullptr), .lease = {}};
    return std::nullopt;
  }
  // Space that came ahead may serve the message that waits, before the space it asked for arrives.
  if (!held_ || !serves(request, held_->recipient->request)) {
    keep(request, answer.lease);
    return std::nullopt;
  }
  Random& random = environment_.network.random();
  if (for_held && std::holds_alternative<NodeNumber>(request.recipient) && random.one_in(2)) {
    LeaseRequest more = request;
    more.ahead = true;
    more.bytes += random.below(kMoreBytes);
    ask(more);
  }
  return write(std::exchange(held_, nullptr), answer.lease);
}

std::optional<LeaseId> LinkDevice::take_kept(const LeaseRequest& needed) {
  const auto kept =
      std::ranges::find_if(kept_, [&](const Kept& each) { return serves(each.request, needed); });
  if (kept == kept_.end()) return std::nullopt;
  const LeaseId lease = kept->lease;
  kept_.erase(kept);
  return lease;
}

LinkDevice::Ready LinkDevice::write(std::shared_ptr<const OutgoingFrame> frame, LeaseId lease) {
  bytes_written_ += frame->payload.size();
  environment_.network.write_by_device(connection_, side_, lease, frame->payload.bytes());
  return {.frame = std::move(frame), .lease = lease};
}

void LinkDevice::keep(const LeaseRequest& request, LeaseId lease) {
  kept_.push_back({.request = request, .lease = lease});
  Network& network = environment_.network;
  network.clock().after(network.random().between(kMinKeptMs, kMaxKeptMs),
                        [weak = weak_from_this(), lease] {
                          if (const auto self = weak.lock()) self->give_back(lease);
                        });
}

void LinkDevice::give_back(LeaseId lease) {
  if (std::erase_if(kept_, [&](const Kept& each) { return each.lease == lease; }) == 0) return;
  environment_.network.say_by_device(connection_, side_, frame::LeaseReturned{lease});
}

// ---- lending ----

void LinkDevice::wanted(const frame::LeaseWanted& wanted, bool may_be_lent) {
  frame::LeaseGranted answer;
  answer.number = wanted.number;
  answer.bytes = wanted.request.bytes;
  auto place = may_be_lent ? environment_.events.lease_wanted(peer_, wanted.request) : std::nullopt;
  if (place) {
    NB_CHECK(place->place.bytes.size() == wanted.request.bytes);
    answer.lease = place->id;
    answer.process = place->process;
    lent_.emplace(place->id, *std::move(place));
  }
  environment_.network.say_by_device(connection_, side_, answer);
}

void LinkDevice::peer_writes(LeaseId lease, std::span<const std::byte> bytes) {
  const auto lent = lent_.find(lease);
  NB_CHECK(lent != lent_.end());
  const std::span<std::byte> place = lent->second.place.bytes;
  if (place.empty()) return;  // the memory is gone, which the message will show
  NB_CHECK(bytes.size() <= place.size());
  environment_.observer.device_writes(peer_, place);
  std::ranges::copy(bytes, place.begin());
}

void LinkDevice::end_lease(LeaseId lease) {
  if (lent_.erase(lease) != 0) environment_.events.lease_ended(peer_, lease);
}

void LinkDevice::end_leases() {
  for (const auto& [lease, place] : std::exchange(lent_, {})) {
    environment_.events.lease_ended(peer_, lease);
  }
}

void LinkDevice::memory_ends(std::span<std::byte> arena) {
  for (auto& [lease, lent] : lent_) {
    if (lent.arena.data() == arena.data()) lent.place = {};
  }
}

}  // namespace netbinder::sim
