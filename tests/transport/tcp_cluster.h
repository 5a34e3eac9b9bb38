// SPDX-License-Identifier: Apache-2.0
//
// TcpTransports in one event loop, each behind a relay that tests can cut, hold and count.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>

#include "tests/transport/recorder.h"
#include "tests/transport/relay.h"
#include "transport/rdma/verbs.h"
#include "transport/tcp/tcp_transport.h"

namespace netbinder {

class TcpCluster {
 public:
  virtual ~TcpCluster() = default;

  class Host {
   public:
    Host(TcpCluster& cluster, TransportConfig config)
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
    // What follows says no goodbye, as if the process had been killed.
    void kill() {
      cluster_.cut(config_.host.value());
      cluster_.hold(config_.host.value(), true);
      transport_.reset();
      recorder = {};
    }
    // A new life of the agent.
    void restart() {
      config_.incarnation = Incarnation(config_.incarnation.value() + 1000);
      cluster_.hold(config_.host.value(), false);
      start();
    }
    void stop() { transport_.reset(); }
    std::uint16_t port() const { return transport_->listen_port(); }

    Recorder recorder;

   private:
    friend class TcpCluster;
    void start() {
      transport_ = std::make_unique<TcpTransport>(cluster_.io_, config_, recorder,
                                                  cluster_.verbs ? cluster_.verbs() : nullptr);
      transport_->start();
      cluster_.relays_[config_.host.value()]->set_target(transport_->listen_port());
    }

    TcpCluster& cluster_;
    TransportConfig config_;
    std::unique_ptr<TcpTransport> transport_;
  };

  static constexpr auto kDeadline = std::chrono::seconds(20);

  // Applied to the configuration of hosts added afterwards.
  std::function<void(TransportConfig&)> configure;

  Host& add(std::uint32_t id) {
    auto relay = std::make_unique<Relay>(io_);
    TransportConfig config;
    config.host = HostId(id);
    config.host_name = name(id);
    config.incarnation = Incarnation(100 + id);
    config.cluster = "test";
    config.listen_address = "127.0.0.1:0";
    config.timing = {.timeout_ms = 400,
                     .heartbeat_ms = 40,
                     .suspect_ms = 200,
                     .handshake_ms = 200,
                     .ack_delay_ms = 5};
    config.reconnect_min_ms = 5;
    config.reconnect_max_ms = 50;
    if (secure) secure(config);
    if (configure) configure(config);
    relays_[id] = std::move(relay);
    hosts_.emplace_back(*this, std::move(config));
    return hosts_.back();
  }

  void start() {
    for (auto& host : hosts_) {
      for (auto& [id, relay] : relays_) {
        if (id == host.config_.host.value()) continue;
        host.config_.peers.push_back(
            {HostId(id), name(id), "127.0.0.1:" + std::to_string(relay->port())});
      }
      host.start();
    }
  }

  // Runs the event loop until the condition holds; false if it takes too long.
  bool run_until(const std::function<bool()>& condition,
                 std::chrono::milliseconds limit = kDeadline) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      if (!ready_to_sleep()) continue;
      io_.run_one_for(std::chrono::milliseconds(10));
    }
    return true;
  }

  // Of the links this host has accepted: ends those there are.
  void cut(std::uint32_t host) {
    for (auto& [id, relay] : relays_) {
      if (id <= host) relay->cut();
    }
  }
  // Lets no new ones through while held.
  void hold(std::uint32_t host, bool held) { relays_[host]->hold(held); }
  Relay& relay(std::uint32_t host) { return *relays_[host]; }
  boost::asio::io_context& io() { return io_; }

  // Runs until these two talk in the best way they have.
  virtual bool run_until_fastest(Host& a, std::uint32_t a_id, Host& b, std::uint32_t b_id) {
    return run_until([&] { return a.sees(b_id) && b.sees(a_id); });
  }
  // Ends what there is between hosts after so much of it.
  virtual void cut_after(std::uint64_t bytes) { relay(1).cut_after(bytes); }

 protected:
  std::function<void(TransportConfig&)> secure;
  std::function<std::unique_ptr<rdma::Verbs>()> verbs;

 private:
  // As an agent's loop does before it sleeps.
  bool ready_to_sleep() {
    bool ready = true;
    for (auto& host : hosts_) {
      if (host.transport_ && !host.transport_->arm()) ready = false;
    }
    if (!ready) io_.poll();
    return ready;
  }
  static std::string name(std::uint32_t id) { return "host" + std::to_string(id); }

  boost::asio::io_context io_;
  std::map<std::uint32_t, std::unique_ptr<Relay>> relays_;  // in front of each host
  std::list<Host> hosts_;
};

}  // namespace netbinder
