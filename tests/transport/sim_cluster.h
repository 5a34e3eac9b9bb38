// SPDX-License-Identifier: Apache-2.0
//
// SimTransports on a simulated network, in simulated time. All hosts have a device, unless their
// configuration says otherwise.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>

#include "tests/transport/cluster.h"
#include "transport/sim/network.h"
#include "transport/sim/observer.h"
#include "transport/sim/sim_transport.h"

namespace netbinder {

class SimCluster : public Cluster, private sim::Observer {
 public:
  explicit SimCluster(std::uint64_t seed = 1) : random_(seed) {}
  ~SimCluster() override { stop_all(); }

  sim::EventQueue& clock() { return clock_; }
  sim::Network& network() { return network_; }
  SimTransport& transport(std::uint32_t host) { return *transports_.at(host); }
  // How often devices have written to memory of others.
  [[nodiscard]] std::uint64_t writes_by_device() const { return device_writes_; }
  // Lets so much time pass.
  void run_for(std::uint64_t ms) {
    const std::uint64_t until = clock_.now_ms() + ms;
    while (clock_.run_one(until)) {
    }
  }

  void cut_after(std::uint64_t bytes) override { network_.break_after(bytes); }
  void leave_half_open(std::uint32_t host) override { network_.leave_half_open(HostId(host)); }
  std::uint64_t links_to(std::uint32_t host) override {
    return network_.connections_to(HostId(host));
  }

 private:
  void added(std::uint32_t /*host*/) override {}
  std::string address(std::uint32_t host) override { return "sim:" + std::to_string(host); }
  std::unique_ptr<Transport> start_transport(const TransportConfig& config,
                                             PeerEvents& events) override {
    sim::Observer& observer = *this;
    auto transport = std::make_unique<SimTransport>(network_, config, events, observer);
    transport->start();
    transports_[config.host.value()] = transport.get();
    return transport;
  }
  void unplug(std::uint32_t host) override { network_.host_gone(HostId(host), true); }
  void plug_in(std::uint32_t /*host*/) override {}
  std::chrono::milliseconds now() const override {
    return std::chrono::milliseconds(clock_.now_ms());
  }
  void turn() override {
    EXPECT_TRUE(arm());
    clock_.run_one(clock_.now_ms() + 10);
  }

  void device_writes(HostId /*peer*/, std::span<const std::byte> place) override {
    ++device_writes_;
    EXPECT_TRUE(std::ranges::all_of(place, [](std::byte byte) { return byte == kUnwritten; }));
  }
  void protocol_broken(HostId peer, const std::string& how) override {
    ADD_FAILURE() << "host " << peer.value() << " broke the protocol: " << how;
  }

  sim::EventQueue clock_;
  sim::Random random_;
  sim::Network network_{clock_, random_, {}};
  std::map<std::uint32_t, SimTransport*> transports_;  // the present ones
  std::uint64_t device_writes_ = 0;
};

}  // namespace netbinder
