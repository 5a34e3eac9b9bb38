// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/host.h"

#include <string>
#include <utility>

#include "host/builtin_manager.h"
#include "tests/sim/world.h"

namespace netbinder::sim {

namespace {

std::string host_name(HostId id) { return "host" + std::to_string(id.value()); }

NodeHostSetup node_host_setup(const World& world, HostId id, Incarnation incarnation) {
  NodeHostSetup made;
  for (std::uint32_t host = 1; host <= world.settings().hosts; ++host) {
    made.host_names[HostId{host}] = host_name(HostId{host});
  }
  DriverSetup& setup = made.driver;
  setup.host = id;
  setup.host_name = host_name(id);
  setup.incarnation = incarnation;
  setup.list = world.list_of(id).number;
  setup.arbiter = world.list_of(id).arbiter;
  setup.handoff_timeout_ms = 2 * world.settings().timing.timeout_ms;
  setup.home_wait_ms = world.settings().timing.timeout_ms;
  setup.contexts = {{.name = "binder", .cluster_wide = true}};
  setup.slice_units = world.settings().slice_units;
  return made;
}

TransportConfig transport_config(const World& world, HostId id, Incarnation incarnation) {
  const Settings& settings = world.settings();
  TransportConfig transport;
  transport.host = id;
  transport.host_name = host_name(id);
  transport.incarnation = incarnation;
  if (Settings::has(settings.older, id)) transport.newest_version = kOldestVersion;
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
    : world_(world),
      id_(id),
      life_(life),
      setup_(node_host_setup(world, id, incarnation()).driver),
      files_(world, id),
      calls_(world, id) {
  Timer& timer = *this;
  Surroundings& surroundings = *this;
  host_.emplace(node_host_setup(world, id, incarnation()), timer, files_, surroundings);
  transport_.emplace(world, *this, transport_config(world, id, incarnation()));
  host_->driver().observe_calls(&calls_);
  host_->attach(*transport_);
  files_.attach(*host_);
}

SimHost::~SimHost() {
  transport_->end();
  host_.reset();
  calls_.check_nothing_open();
}

void SimHost::start() {
  before_event();
  if (world_.settings().builtin) {
    ServiceManagerSetup setup;
    setup.context = "binder";
    setup.dialect = "android14";
    setup.host = id_;
    for (std::uint32_t host = 1; host <= world_.settings().hosts; ++host) {
      setup.hosts.emplace_back(HostId{host}, host_name(HostId{host}));
    }
    host_->start_manager(std::move(setup));
  }
  after_event();
  transport_->start();
}

BuiltinManager* SimHost::manager() {
  return host_->managers().empty() ? nullptr : host_->managers().front().get();
}

void SimHost::before_event() { host_->set_time(now_ms()); }

void SimHost::close_process(ProcessId process, std::span<std::byte> arena) {
  before_event();
  host_->close_process(process, arena);
  after_event();
  flush();
}

void SimHost::after_event() {
  host_->after_event();
  go_on_later();
}

void SimHost::flush() {
  host_->flush();
  go_on_later();
}

// An agent goes on in the next turn of its loop. Here, too, others' events come in between.
void SimHost::go_on_later() {
  if (goes_on_ || !host_->has_more()) return;
  goes_on_ = true;
  const std::uint64_t delay_ms = world_.random().one_in(4) ? world_.random().below(20) : 0;
  world_.clock().after(delay_ms, [&world = world_, id = id_, life = life_] {
    SimHost* host = world.host(id);
    if (host == nullptr || host->life_ != life) return;
    host->goes_on_ = false;
    host->before_event();
    host->host_->go_on();
    host->flush();
  });
}

void SimHost::take_list(ListNumber number, HostId arbiter) {
  setup_.list = number;
  setup_.arbiter = arbiter;
  before_event();
  host_->driver().change(setup_);
  after_event();
  flush();
}

void SimHost::give_up(HostId peer) {
  host_->give_up(peer, "by chance");
  after_event();
}

void SimHost::say(HostId peer, const PeerMessage& message) {
  Payload payload;
  if (has_payload(message)) payload = transport_->new_payload(peer, payload_image_bytes(message));
  transport_->send(peer, message, std::move(payload));
  flush();
}

void SimHost::protocol_broken(HostId peer, std::string_view reason) {
  if (world_.lies(peer) || world_.lies(id_)) return;
  world_.oracle().fail("host " + std::to_string(id_.value()) + " says host " +
                       std::to_string(peer.value()) +
                       " broke the protocol: " + std::string(reason));
}

std::uint64_t SimHost::now_ms() const { return world_.clock().now_ms(); }

void SimHost::set(std::uint64_t deadline_ms) {
  world_.clock().at(deadline_ms, [&world = world_, id = id_, life = life_, number = ++timer_] {
    SimHost* host = world.host(id);
    if (host == nullptr || host->life_ != life || host->timer_ != number) return;
    host->host_->timer_expired();
    host->flush();
  });
}

}  // namespace netbinder::sim
