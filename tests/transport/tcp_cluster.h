// SPDX-License-Identifier: Apache-2.0
//
// TcpTransports in one event loop, each behind a relay that tests can cut, hold and count.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>

#include "tests/transport/cluster.h"
#include "tests/transport/relay.h"
#include "transport/rdma/verbs.h"
#include "transport/tcp/tcp_transport.h"

namespace netbinder {

class TcpCluster : public Cluster {
 public:
  ~TcpCluster() override { stop_all(); }

  // Ends the links that this host and those of lower numbers have accepted.
  void cut(std::uint32_t host) {
    for (auto& [id, relay] : relays_) {
      if (id <= host) relay->cut();
    }
  }
  // Lets no new ones through while held.
  void hold(std::uint32_t host, bool held) { relays_[host]->hold(held); }
  Relay& relay(std::uint32_t host) { return *relays_[host]; }
  boost::asio::io_context& io() { return io_; }
  // The port on which the host itself listens.
  std::uint16_t port(std::uint32_t host) const { return relays_.at(host)->target(); }

  void cut_after(std::uint64_t bytes) override { relay(1).cut_after(bytes); }
  void leave_half_open(std::uint32_t host) override { relay(host).freeze(); }
  std::uint64_t links_to(std::uint32_t host) override { return relay(host).connections(); }

 protected:
  std::function<std::unique_ptr<rdma::Verbs>()> verbs;

 private:
  void added(std::uint32_t host) override { relays_[host] = std::make_unique<Relay>(io_); }
  std::string address(std::uint32_t host) override {
    return "127.0.0.1:" + std::to_string(relays_[host]->port());
  }
  std::unique_ptr<Transport> start_transport(const TransportConfig& config,
                                             PeerEvents& events) override {
    auto transport = std::make_unique<TcpTransport>(io_, config, events, verbs ? verbs() : nullptr);
    transport->start();
    relays_[config.host.value()]->set_target(transport->listen_port());
    return transport;
  }
  void unplug(std::uint32_t host) override {
    cut(host);
    hold(host, true);
  }
  void plug_in(std::uint32_t host) override { hold(host, false); }
  std::chrono::milliseconds now() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now().time_since_epoch());
  }
  // As the agent's loop: it looks for a while, then sleeps. So both ways to find arrivals are used.
  void turn() override {
    if (++turns_ % 3 != 0) {
      (void)poll(static_cast<std::uint64_t>(std::chrono::nanoseconds(now()).count()));
      io_.poll();
    } else if (arm()) {
      io_.run_one_for(std::chrono::milliseconds(10));
    } else {
      io_.poll();
    }
  }

  std::uint64_t turns_ = 0;
  boost::asio::io_context io_;
  std::map<std::uint32_t, std::unique_ptr<Relay>> relays_;  // in front of each host
};

}  // namespace netbinder
