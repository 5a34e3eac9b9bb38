// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/host.h"

#include <algorithm>
#include <cstring>

#include "tests/sim/world.h"

namespace netbinder::sim {

namespace {

DriverSetup driver_setup(HostId id, Incarnation incarnation) {
  DriverSetup setup;
  setup.host = id;
  setup.host_name = "host" + std::to_string(id.value());
  setup.incarnation = incarnation;
  setup.arbiter = HostId{1};
  setup.contexts = {{.name = "binder", .cluster_wide = true}};
  return setup;
}

std::string host_name(HostId id) { return "host" + std::to_string(id.value()); }

}  // namespace

SimHost::SimHost(World& world, HostId id, std::uint64_t life)
    : world_(world), id_(id), life_(life) {
  Effects& effects = *this;
  driver_ = std::make_unique<Driver>(driver_setup(id, incarnation()), effects);
  for (std::uint32_t other = 1; other <= world.settings().hosts; ++other) {
    const HostId peer{other};
    if (peer == id) continue;
    Link& link = links_[peer];
    link.peer = peer;
    PeerEvents& events = *this;
    link.session = std::make_unique<Session>(SessionIdentity{.cluster = "sim",
                                                             .host = id,
                                                             .host_name = host_name(id),
                                                             .incarnation = incarnation(),
                                                             .peer = peer,
                                                             .peer_name = host_name(peer)},
                                             world.settings().timing, world.settings().limits,
                                             events, [this, &link] {
                                               link.session_to_come = world_.random().next() | 1;
                                               return link.session_to_come;
                                             });
  }
}

SimHost::~SimHost() {
  gone_ = true;
  for (auto& [peer, link] : links_) {
    if (link.shadow) world_.session_ended(id_, peer);
  }
  processes_.clear();
  manager_.reset();
  driver_.reset();
}

void SimHost::start() {
  before_event();
  if (world_.settings().builtin) {
    ServiceManagerSetup setup;
    setup.context = "binder";
    setup.host = id_;
    for (std::uint32_t host = 1; host <= world_.settings().hosts; ++host) {
      setup.hosts.emplace_back(HostId{host}, host_name(HostId{host}));
    }
    manager_ = std::make_unique<BuiltinManager>(*driver_, "binder", std::move(setup));
    add_process(manager_->id(), manager_->host());
    manager_->start();
  }
  after_event();
  for (auto& [peer, link] : links_) {
    if (link.session->identity().dials()) dial_later(link);
  }
}

void SimHost::before_event() { driver_->set_time(world_.clock().now_ms()); }

void SimHost::after_event() {
  while (manager_ && manager_->run()) {
  }
  for (const auto& [peer, reason] : std::exchange(to_give_up_, {})) {
    link(peer).session->give_up(GoodbyeReason::kGivenUp, reason);
    dirty_.insert(peer);
  }
}

void SimHost::give_up(HostId peer) {
  to_give_up_[peer] = "by chance";
  after_event();
  settle_dirty();
}

void SimHost::set_stalled(bool stalled) {
  stalled_ = stalled;
  world_.network().clog(id_, stalled);
  if (stalled) return;
  for (auto& [peer, link] : links_) dirty_.insert(peer);
  settle_dirty();
}

ShadowPtr SimHost::shadow(HostId peer) const { return links_.at(peer).shadow; }
bool SimHost::connected(HostId peer) const { return links_.at(peer).shadow != nullptr; }

// ---- effects ----

int SimHost::read_memory(ProcessId process, ThreadId thread, std::uint64_t address,
                         std::span<std::byte> into) {
  const auto found = processes_.find(process.value());
  return found == processes_.end() ? -EFAULT : found->second->read_memory(thread, address, into);
}

void SimHost::ioctl_done(ProcessId process, ThreadId thread, const IoctlResult& result) {
  if (gone_) return;
  ++work.ioctls;
  const auto found = processes_.find(process.value());
  if (found != processes_.end()) found->second->ioctl_done(thread, result);
}

Payload SimHost::new_payload(HostId /*peer*/, std::uint64_t bytes) {
  Payload payload = Payload::allocate(bytes);
  std::ranges::fill(payload.bytes(), std::byte{0xA5});  // as of an earlier payload
  return payload;
}

void SimHost::send(HostId peer, PeerMessage message, Payload payload) {
  if (gone_) return;
  ++work.sent;
  world_.trace().note("send", {id_.value(), peer.value(), message.index(), payload.size()});
  Link& to = link(peer);
  dirty_.insert(peer);
  if (world_.sabotages(Sabotage::kLoseEffect, message)) return;
  if (to.shadow && to.session->live() && !to.session->ending()) {
    Letter& letter = to.shadow->to[peer].emplace_back(Letter{message, payload});
    letter.by_device = goes_by_device(to, letter);
    if (letter.by_device || !to.held.empty()) {
      to.held.push_back(&letter);
      send_held(to);
      return;
    }
  }
  to.session->send(message, std::move(payload));
}

void SimHost::give_up_peer(HostId peer, std::string_view reason) {
  if (gone_) return;
  world_.oracle().fail("host " + std::to_string(id_.value()) + " says host " +
                       std::to_string(peer.value()) +
                       " broke the protocol: " + std::string(reason));
  to_give_up_[peer] = reason;
}

void SimHost::set_timer(std::uint64_t deadline_ms) {
  if (gone_) return;
  world_.clock().at(deadline_ms, [&world = world_, id = id_, life = life_] {
    SimHost* host = world.host(id);
    if (host == nullptr || host->life_ != life) return;
    host->before_event();
    host->driver_->timer_expired();
    host->after_event();
    host->settle_dirty();
  });
}

// ---- peers ----

void SimHost::session_established(HostId peer, Incarnation incarnation) {
  Link& from = link(peer);
  world_.trace().note("established", {id_.value(), peer.value(), incarnation.value()});
  from.shadow = world_.shadow_of(from.session_to_come);
  world_.session_begun(id_, peer);
  before_event();
  driver_->peer_connected(peer, incarnation, host_name(peer));
  after_event();
}

void SimHost::session_lost(HostId peer) {
  Link& from = link(peer);
  world_.trace().note("lost", {id_.value(), peer.value()});
  ++world_.oracle().statistics.sessions_lost;
  if (from.session->loss_reason().find("protocol error") != std::string::npos) {
    world_.oracle().fail("session of host " + std::to_string(id_.value()) + " with " +
                         std::to_string(peer.value()) + ": " + from.session->loss_reason());
  }
  from.held.clear();
  lose_leases(from);
  from.shadow.reset();
  world_.session_ended(id_, peer);
  before_event();
  driver_->peer_lost(peer);
  after_event();
}

PayloadDestination SimHost::payload_arriving(HostId peer, const PeerMessage& message,
                                             std::uint64_t payload_bytes, LeaseId /*of_frame*/) {
  before_event();
  const LeaseId lease = lease_of_next(link(peer));
  const PayloadPlace place = driver_->payload_arriving(peer, message, lease);
  if (lease != LeaseId{}) {
    link(peer).lent_place = place.bytes;
    return {};  // it is there
  }
  const auto found = processes_.find(place.process.value());
  if (found == processes_.end() || place.bytes.size() != payload_bytes) return {};
  return {.bytes = place.bytes, .owner = found->second->arena_owner()};
}

void SimHost::payload_abandoned(HostId peer, const PeerMessage& /*message*/) {
  world_.trace().note("abandoned", {id_.value(), peer.value()});
  link(peer).lent_place = {};
  before_event();
  driver_->payload_abandoned(peer);
  after_event();
}

void SimHost::message_arrived(HostId peer, PeerMessage message) {
  ++work.received;
  world_.trace().note("arrived", {id_.value(), peer.value(), message.index()});
  Link& from = link(peer);
  auto& letters = from.shadow->to[id_];
  if (letters.empty() || letters.front().message != message) {
    world_.oracle().fail("host " + std::to_string(id_.value()) + " received from " +
                         std::to_string(peer.value()) + " what was not sent next");
  } else {
    for (const std::span<const std::byte> place :
         {std::span<const std::byte>(from.destination.bytes), from.lent_place}) {
      if (!place.empty() && !std::ranges::equal(place, letters.front().payload.bytes())) {
        world_.oracle().fail("a payload has changed on its way");
      }
    }
    from.lent_place = {};
    letters.pop_front();
  }
  before_event();
  if (world_.sabotages(Sabotage::kDropMessage, message)) {
    driver_->payload_abandoned(peer);
  } else {
    const bool twice = world_.sabotages(Sabotage::kDuplicateMessage, message);
    PeerMessage again = message;
    driver_->message_arrived(peer, std::move(message));
    if (twice) driver_->message_arrived(peer, std::move(again));
  }
  after_event();
}

}  // namespace netbinder::sim
