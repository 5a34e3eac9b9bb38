// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/host.h"

#include <algorithm>
#include <cstring>

#include "tests/sim/world.h"

namespace netbinder::sim {

namespace {

// What space that is lent holds until something is written to it.
constexpr std::byte kUntouched{0x5C};

std::string host_name(HostId id) { return "host" + std::to_string(id.value()); }

DriverSetup driver_setup(HostId id, Incarnation incarnation) {
  DriverSetup setup;
  setup.host = id;
  setup.host_name = host_name(id);
  setup.incarnation = incarnation;
  setup.arbiter = HostId{1};
  setup.contexts = {{.name = "binder", .cluster_wide = true}};
  return setup;
}

TransportConfig transport_config(const World& world, HostId id, Incarnation incarnation) {
  const Settings& settings = world.settings();
  TransportConfig transport;
  transport.host = id;
  transport.host_name = host_name(id);
  transport.incarnation = incarnation;
  transport.cluster = "sim";
  for (std::uint32_t other = 1; other <= settings.hosts; ++other) {
    if (HostId{other} == id) continue;
    transport.peers.push_back(
        {.id = HostId{other}, .name = host_name(HostId{other}), .address = {}});
  }
  transport.timing = settings.timing;
  transport.limits = settings.limits;
  transport.reconnect_min_ms = 5;
  transport.reconnect_max_ms = 80;
  transport.rdma.use = world.has_device(id) ? RdmaUse::kIfPossible : RdmaUse::kNever;
  return transport;
}

}  // namespace

SimHost::SimHost(World& world, HostId id, std::uint64_t life)
    : world_(world), id_(id), life_(life) {
  Effects& effects = *this;
  driver_ = std::make_unique<Driver>(driver_setup(id, incarnation()), effects);
  PeerEvents& events = *this;
  Observer& observer = *this;
  transport_ = std::make_unique<SimTransport>(
      world.network(), transport_config(world, id, incarnation()), events, observer);
}

SimHost::~SimHost() {
  gone_ = true;
  for (auto& [id, each] : peers_) {
    if (each.shadow) world_.session_ended(id_, id);
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
    manager_ =
        std::make_unique<BuiltinManager>(*driver_, "binder", std::move(setup), manager_has_work_);
    add_process(manager_->id(), manager_->host());
    manager_->start();
  }
  after_event();
  transport().start();
}

void SimHost::before_event() { driver_->set_time(world_.clock().now_ms()); }

void SimHost::after_event() {
  const auto has_work = [&] {
    return std::exchange(manager_has_work_, false) || driver_->has_new_peer_managers();
  };
  while (manager_ && has_work() && manager_->run()) {
  }
  for (const auto& [peer, reason] : std::exchange(to_give_up_, {})) {
    transport().give_up(peer, reason);
  }
}

void SimHost::end_of_turn() {
  after_event();
  flush();
}

void SimHost::give_up(HostId peer) {
  to_give_up_[peer] = "by chance";
  after_event();
}

ShadowPtr SimHost::shadow(HostId peer) const {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? nullptr : found->second.shadow;
}

bool SimHost::connected(HostId peer) const { return shadow(peer) != nullptr; }

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

std::optional<PostedRead> SimHost::take_posted_read(ProcessId process, ThreadId thread) {
  const auto found = processes_.find(process.value());
  if (gone_ || found == processes_.end()) return std::nullopt;
  return found->second->take_posted_read(thread);
}

Payload SimHost::new_payload(HostId peer, std::uint64_t bytes) {
  return transport().new_payload(peer, bytes);
}

void SimHost::send(HostId to, PeerMessage message, Payload payload) {
  if (gone_) return;
  ++work.sent;
  world_.trace().note("send", {id_.value(), to.value(), message.index(), payload.size()});
  if (world_.sabotages(Sabotage::kLoseEffect, message)) return;
  if (const ShadowPtr& shadow = peer(to).shadow) shadow->to[to].push_back({message, payload});
  transport().send(to, std::move(message), std::move(payload));
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
    host->end_of_turn();
  });
}

// ---- peers ----

void SimHost::session_established(HostId from, Incarnation incarnation) {
  world_.trace().note("established", {id_.value(), from.value(), incarnation.value()});
  peer(from).shadow = world_.shadow_of(transport_->session(from));
  world_.session_begun(id_, from);
  before_event();
  driver_->peer_connected(from, incarnation, host_name(from));
  end_of_turn();
}

void SimHost::session_lost(HostId with) {
  world_.trace().note("lost", {id_.value(), with.value()});
  ++world_.oracle().statistics.sessions_lost;
  if (transport_->loss_reason(with).find("protocol error") != std::string::npos) {
    world_.oracle().fail("session of host " + std::to_string(id_.value()) + " with " +
                         std::to_string(with.value()) + ": " + transport_->loss_reason(with));
  }
  peer(with).shadow.reset();
  world_.session_ended(id_, with);
  before_event();
  driver_->peer_lost(with);
  end_of_turn();
}

PayloadDestination SimHost::place_in(const PayloadPlace& place) const {
  const auto found = processes_.find(place.process.value());
  if (found == processes_.end()) return {};
  return {.bytes = place.bytes, .owner = found->second->arena_owner()};
}

PayloadDestination SimHost::payload_arriving(HostId from, const PeerMessage& message,
                                             std::uint64_t payload_bytes, LeaseId lease) {
  before_event();
  if (lease != LeaseId{}) {
    if (peer(from).lent.erase(lease) == 0) world_.oracle().fail("a lease that was not given");
    ++world_.oracle().statistics.leases_used;
  }
  PayloadDestination place = place_in(driver_->payload_arriving(from, message, lease));
  if (place.bytes.size() != payload_bytes) place = {};
  peer(from).arriving = place;
  return place;
}

void SimHost::payload_abandoned(HostId from, const PeerMessage& /*message*/) {
  world_.trace().note("abandoned", {id_.value(), from.value()});
  peer(from).arriving = {};
  before_event();
  driver_->payload_abandoned(from);
  end_of_turn();
}

void SimHost::message_arrived(HostId from, PeerMessage message) {
  ++work.received;
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
  before_event();
  if (world_.sabotages(Sabotage::kDropMessage, message)) {
    driver_->payload_abandoned(from);
  } else {
    const bool twice = world_.sabotages(Sabotage::kDuplicateMessage, message);
    PeerMessage again = message;
    driver_->message_arrived(from, std::move(message));
    if (twice) driver_->message_arrived(from, std::move(again));
  }
  end_of_turn();
}

std::optional<LeasedPlace> SimHost::lease_wanted(HostId holder, const LeaseRequest& request) {
  before_event();
  const auto lease = driver_->lease(holder, request);
  world_.trace().note("lease", {id_.value(), holder.value(), lease ? lease->id.value() : 0});
  auto& statistics = world_.oracle().statistics;
  if (!lease) {
    ++statistics.leases_refused;
    return std::nullopt;
  }
  ++(request.ahead ? statistics.leases_ahead : statistics.leases);
  std::ranges::fill(lease->bytes, kUntouched);
  peer(holder).lent.insert(lease->id);
  return LeasedPlace{.id = lease->id,
                     .process = lease->process,
                     .place = place_in({.process = lease->process, .bytes = lease->bytes}),
                     .arena = lease->arena};
}

void SimHost::lease_ended(HostId holder, LeaseId lease) {
  if (peer(holder).lent.erase(lease) != 0) ++world_.oracle().statistics.leases_returned;
  before_event();
  driver_->end_lease(holder, lease);
  end_of_turn();
}

void SimHost::check_leases() const {
  // The core may have fewer: some ended with their processes.
  std::size_t lent = 0;
  for (const auto& [id, each] : peers_) lent += each.lent.size();
  if (driver_->counts().leases <= lent && lent == transport_->lent()) return;
  world_.oracle().fail("host " + std::to_string(id_.value()) + " lends " +
                       std::to_string(driver_->counts().leases) + " leases, gave " +
                       std::to_string(lent) + ", and its transport has " +
                       std::to_string(transport_->lent()));
}

// ---- inside the transport ----

void SimHost::link_lost(HostId with) {
  world_.trace().note("unlinked", {id_.value(), with.value()});
  world_.oracle().statistics.leases_lost += peer(with).lent.size();
  peer(with).lent.clear();
}

void SimHost::device_writes(HostId /*peer*/, std::span<const std::byte> place) {
  if (!std::ranges::all_of(place, [](std::byte byte) { return byte == kUntouched; })) {
    world_.oracle().fail("space that was lent has changed");
  }
}

void SimHost::protocol_broken(HostId from, const std::string& how) {
  world_.oracle().fail("host " + std::to_string(from.value()) + " broke the protocol: " + how);
}

}  // namespace netbinder::sim
