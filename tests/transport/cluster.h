// SPDX-License-Identifier: Apache-2.0
//
// Transports that talk to each other in one thread, with links that tests can break: the base of
// all clusters of the conformance suite. Each defines how its links are made and how time passes.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "tests/transport/recorder.h"
#include "transport/config.h"
#include "transport/transport.h"

namespace netbinder {

class Cluster {
 public:
  virtual ~Cluster() = default;

  class Host {
   public:
    Host(Cluster& cluster, TransportConfig config)
        : cluster_(cluster), config_(std::move(config)) {}

    void send(std::uint32_t peer, const Received& message) {
      transport_->send(HostId(peer), message.message, message.payload);
    }
    void send(std::uint32_t peer, const PeerMessage& message, Payload payload) {
      transport_->send(HostId(peer), message, std::move(payload));
    }
    Payload new_payload(std::uint32_t peer, std::uint64_t bytes) {
      return transport_->new_payload(HostId(peer), bytes);
    }
    void memory_ends(std::span<std::byte> arena) { transport_->memory_ends(arena); }
    void flush() { transport_->flush(); }
    bool arm() { return transport_->arm(); }
    void give_up(std::uint32_t peer) { transport_->give_up(HostId(peer), "the test says so"); }
    bool sees(std::uint32_t peer) { return recorder.peers[HostId(peer)].established; }
    Recorder::Peer& peer(std::uint32_t id) { return recorder.peers[HostId(id)]; }
    std::vector<Received>& messages(std::uint32_t id) { return peer(id).messages; }
    LinkStatus status(std::uint32_t id) {
      for (auto& status : transport_->status()) {
        if (status.peer == HostId(id)) return status;
      }
      ADD_FAILURE() << "no such peer";
      return {};
    }
    // Its end says no goodbye, as if the process had been killed.
    void kill() {
      cluster_.unplug(id());
      transport_.reset();
      recorder = {};
    }
    // A new life of the agent.
    void restart() {
      config_.incarnation = Incarnation(config_.incarnation.value() + 1000);
      cluster_.plug_in(id());
      start();
    }
    void stop() { transport_.reset(); }

    Recorder recorder;

   private:
    friend class Cluster;
    [[nodiscard]] std::uint32_t id() const { return config_.host.value(); }
    void start() { transport_ = cluster_.start_transport(config_, recorder); }

    Cluster& cluster_;
    TransportConfig config_;
    std::unique_ptr<Transport> transport_;
  };

  static constexpr auto kDeadline = std::chrono::seconds(20);
  static constexpr const char* kKey = "the key of the tests";

  // Applied to the configuration of hosts added afterwards.
  std::function<void(TransportConfig&)> configure;

  Host& add(std::uint32_t id) {
    TransportConfig config;
    config.host = HostId(id);
    config.host_name = name(id);
    config.incarnation = Incarnation(100 + id);
    config.cluster = "test";
    config.cluster_key = kKey;
    config.listen_address = "127.0.0.1:0";
    config.timing = {.timeout_ms = 400,
                     .heartbeat_ms = 40,
                     .suspect_ms = 200,
                     .handshake_ms = 200,
                     .ack_delay_ms = 5};
    config.reconnect_min_ms = 5;
    config.reconnect_max_ms = 50;
    if (of_cluster) of_cluster(config);
    if (configure) configure(config);
    added(id);
    hosts_.emplace_back(*this, std::move(config));
    return hosts_.back();
  }

  void start() {
    for (auto& host : hosts_) {
      for (const auto& other : hosts_) {
        if (&other == &host) continue;
        host.config_.peers.push_back({HostId(other.id()), name(other.id()), address(other.id())});
      }
      host.start();
    }
  }

  // Runs the event loop until the condition holds; false if it takes too long.
  bool run_until(const std::function<bool()>& condition,
                 std::chrono::milliseconds limit = kDeadline) {
    const auto deadline = now() + limit;
    while (!condition()) {
      if (now() > deadline) return false;
      turn();
    }
    return true;
  }
  // Runs until these two talk in the best way they have.
  virtual bool run_until_fastest(Host& a, std::uint32_t a_id, Host& b, std::uint32_t b_id) {
    return run_until([&] { return a.sees(b_id) && b.sees(a_id); });
  }

  // Ends what there is between host 1 and others after so much of it.
  virtual void cut_after(std::uint64_t bytes) = 0;
  // Leaves the links that this host has accepted half open: nothing arrives, and nobody is
  // notified.
  virtual void leave_half_open(std::uint32_t host) = 0;
  // How many links were made to this host until now.
  virtual std::uint64_t links_to(std::uint32_t host) = 0;

 protected:
  virtual void added(std::uint32_t host) = 0;
  virtual std::unique_ptr<Transport> start_transport(const TransportConfig& config,
                                                     PeerEvents& events) = 0;
  virtual std::string address(std::uint32_t host) = 0;
  // The host's links end, and no new ones are made.
  virtual void unplug(std::uint32_t host) = 0;
  virtual void plug_in(std::uint32_t host) = 0;
  [[nodiscard]] virtual std::chrono::milliseconds now() const = 0;
  // One turn of the event loop.
  virtual void turn() = 0;

  // Does what an agent's loop does before it sleeps. False if something has arrived.
  bool arm() {
    bool armed = true;
    for (auto& host : hosts_) {
      if (host.transport_ && !host.transport_->arm()) armed = false;
    }
    return armed;
  }
  bool poll(std::uint64_t now_ns) {
    bool any = false;
    for (auto& host : hosts_) any = (host.transport_ && host.transport_->poll(now_ns)) || any;
    return any;
  }
  // Before what the transports use goes.
  void stop_all() {
    for (auto& host : hosts_) host.stop();
  }

  // Applied before `configure`.
  std::function<void(TransportConfig&)> of_cluster;

 private:
  static std::string name(std::uint32_t id) { return "host" + std::to_string(id); }

  std::list<Host> hosts_;
};

}  // namespace netbinder
