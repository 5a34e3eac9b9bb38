// SPDX-License-Identifier: Apache-2.0
#include "transport/tcp/tcp_transport.h"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/system_error.hpp>
#include <stdexcept>
#include <system_error>

#include "transport/log.h"
#include "transport/rdma/verbs.h"
#include "transport/tcp/address.h"
#include "transport/tcp/environment.h"
#include "transport/tcp/listener.h"
#include "transport/tcp/peer_link.h"
#include "transport/tcp/tls_stream.h"

namespace netbinder {

namespace asio = boost::asio;

namespace tcp {

namespace {

Address usable_address(const Environment& environment, const std::string& text) {
  auto address = parse_address(text);
  if (!address) throw std::invalid_argument(address.error());
  const auto endpoint = address->endpoint();
  if (endpoint && !environment.allowed(endpoint->address())) {
    throw std::invalid_argument(
        "'" + text +
        "' is not a loopback address: hosts talk over a network only with certificates "
        "(tls.certificate, tls.key, tls.ca), or with insecure = true");
  }
  return *std::move(address);
}

void validate(const TransportConfig& config) {
  const auto require = [](bool condition, const char* what) {
    if (!condition) throw std::invalid_argument(what);
  };
  require(config.host.value() != 0, "the host has no id");
  require(config.incarnation.value() != 0, "the agent has no incarnation");
  require((config.peers.empty() && !config.peers_come) || config.insecure || config.tls.enabled() ||
              !config.cluster_key.empty(),
          "hosts talk to each other only with a key that they share (cluster_key) or certificates "
          "(tls.certificate, tls.key, tls.ca), or with insecure = true");
  require(config.host_name.size() <= limits::kMaxHostNameBytes, "the host's name is too long");
  require(config.cluster.size() <= limits::kMaxClusterNameBytes, "the cluster's name is too long");
  const auto& timing = config.timing;
  require(timing.heartbeat_ms > 0 && timing.suspect_ms >= 2 * timing.heartbeat_ms,
          "the suspicion time is less than two heartbeats");
  require(timing.handshake_ms > 0, "a handshake needs time");
  require(config.reconnect_min_ms > 0 && config.reconnect_min_ms <= config.reconnect_max_ms,
          "the wait before connecting again has no range");
  require(config.limits.in_flight_messages >= limits::kAckEveryMessages &&
              config.limits.in_flight_bytes >= limits::kAckEveryBytes,
          "less may be in flight than is acknowledged at a time");
}

}  // namespace
}  // namespace tcp

TcpTransport::TcpTransport(asio::io_context& io, TransportConfig config, PeerEvents& events)
    : TcpTransport(io, std::move(config), events, nullptr) {}

TcpTransport::TcpTransport(asio::io_context& io, TransportConfig config, PeerEvents& events,
                           std::unique_ptr<rdma::Verbs> verbs)
    : events_(events) {
  tcp::validate(config);
  environment_ = std::make_shared<tcp::Environment>(tcp::Environment{.io = io,
                                                                     .config = std::move(config),
                                                                     .make_stream = {},
                                                                     .broken_peers = {},
                                                                     .adapter = {},
                                                                     .no_adapter = {},
                                                                     .hot = {},
                                                                     .small_payloads = {},
                                                                     .moment_ms = 0});
  use_rdma(std::move(verbs));
  if (environment_->config.tls.enabled()) {
    use_tls(environment_->config.tls);
  } else {
    environment_->make_stream = [](asio::ip::tcp::socket socket, const std::string& /*dialed*/) {
      return std::make_unique<tcp::PlainStream>(std::move(socket));
    };
  }
  for (const auto& peer : environment_->config.peers) add_link(peer);
  if (!environment_->config.listen_address.empty()) {
    (void)tcp::usable_address(*environment_, environment_->config.listen_address);
  }
}

void TcpTransport::use_tls(const TlsConfig& tls) {
  environment_->make_stream = [context = tcp::make_tls_context(tls)](
                                  asio::ip::tcp::socket socket, const std::string& dialed) {
    return std::make_unique<tcp::TlsStream>(std::move(socket), context, dialed);
  };
}

void TcpTransport::change(const std::vector<PeerConfig>& peers, const TlsConfig& tls) {
  if (environment_->config.tls.enabled() != tls.enabled()) {
    throw std::invalid_argument("TLS is neither begun nor ended while the agent runs");
  }
  for (const PeerConfig& peer : peers) (void)tcp::usable_address(*environment_, peer.address);
  if (tls.enabled()) use_tls(tls);
  environment_->config.tls = tls;
  set_peers(peers);
}

void TcpTransport::renew_links() {
  for (const auto& link : links_) link->renew();
}

void TcpTransport::add_link(const PeerConfig& peer) {
  if (peer.id.value() == 0 || peer.id == environment_->config.host || by_host_.contains(peer.id)) {
    throw std::invalid_argument("host id " + std::to_string(peer.id.value()) +
                                " is not that of one other host");
  }
  auto address = tcp::usable_address(*environment_, peer.address);
  links_.push_back(
      std::make_shared<tcp::PeerLink>(environment_, peer, std::move(address), events_));
  by_host_.emplace(peer.id, links_.back().get());
}

void TcpTransport::set_peers(const std::vector<PeerConfig>& peers) {
  std::vector<std::shared_ptr<tcp::PeerLink>> leaving;
  std::erase_if(links_, [&](const std::shared_ptr<tcp::PeerLink>& link) {
    const HostId host = link->session().identity().peer;
    if (std::ranges::find(peers, host, &PeerConfig::id) != peers.end()) return false;
    by_host_.erase(host);
    std::erase(to_flush_, link.get());
    leaving.push_back(link);
    return true;
  });
  for (const auto& link : leaving) link->retire("it is not in the configuration any more");
  for (const PeerConfig& peer : peers) {
    const auto known = by_host_.find(peer.id);
    if (known != by_host_.end()) {
      known->second->set_address(peer.address,
                                 tcp::usable_address(*environment_, peer.address));
      continue;
    }
    add_link(peer);
    if (started_) links_.back()->start();
  }
  environment_->config.peers = peers;
}

void TcpTransport::use_rdma(std::unique_ptr<rdma::Verbs> verbs) {
  const auto& config = environment_->config;
  if (config.rdma.use == RdmaUse::kNever || !verbs) {
    environment_->no_adapter = "as configured";
    return;
  }
  if (config.rdma.use == RdmaUse::kIfPossible && config.tls.enabled()) {
    environment_->no_adapter = "RDMA is not encrypted: with TLS it has to be required";
    return;
  }
  environment_->adapter = std::make_shared<rdma::Adapter>(
      environment_->io, std::move(verbs),
      rdma::DeviceChoice{
          .name = config.rdma.device, .port = config.rdma.port, .gid_index = config.rdma.gid_index},
      config.rdma.max_registered_bytes);
  if (config.rdma.use != RdmaUse::kRequired) return;
  if (const auto opened = environment_->adapter->open(); !opened) {
    throw std::invalid_argument("RDMA is required: " + opened.error());
  }
}

TcpTransport::~TcpTransport() {
  if (listener_) listener_->stop();
  for (auto& link : links_) link->stop();
}

void TcpTransport::start() {
  const TransportConfig& config = environment_->config;
  if (!config.listen_address.empty() && (config.peers_come || !links_.empty())) listen();
  for (auto& link : links_) link->start();
  started_ = true;
}

void TcpTransport::listen() {
  const auto& listen_address = environment_->config.listen_address;
  const auto address = tcp::usable_address(*environment_, listen_address);
  listener_ = std::make_shared<tcp::Listener>(environment_, [this](HostId host) {
    const auto found = by_host_.find(host);
    return found == by_host_.end() ? nullptr : found->second;
  });
  try {
    auto endpoint = address.endpoint();
    if (!endpoint) {
      asio::ip::tcp::resolver resolver(environment_->io);
      endpoint = resolver.resolve(address.host, std::to_string(address.port))->endpoint();
    }
    if (!environment_->allowed(endpoint->address())) {
      throw std::system_error(std::make_error_code(std::errc::permission_denied),
                              listen_address +
                                  " is not a loopback address: that needs "
                                  "certificates, or insecure = true");
    }
    listener_->start(*endpoint);
  } catch (const boost::system::system_error& error) {  // which is no std::system_error
    throw std::system_error(error.code(), "cannot listen on " + listen_address);
  }
  log::transport.info("listening on {}", tcp::to_string(listener_->endpoint()));
}

void TcpTransport::send(HostId peer, PeerMessage message, Payload payload) {
  const auto found = by_host_.find(peer);
  if (found == by_host_.end()) return;
  found->second->send(message, std::move(payload));
  if (std::ranges::find(to_flush_, found->second) == to_flush_.end()) {
    to_flush_.push_back(found->second);
  }
}

void TcpTransport::flush() {
  for (auto* link : to_flush_) link->flush();
  to_flush_.clear();
}

Payload TcpTransport::new_payload(HostId peer, std::uint64_t bytes) {
  const auto found = by_host_.find(peer);
  return found == by_host_.end() ? Payload::allocate(bytes) : found->second->new_payload(bytes);
}

bool TcpTransport::poll(std::uint64_t now_ns) {
  const bool completions = environment_->adapter && environment_->adapter->poll();
  const bool bytes = environment_->hot.poll(now_ns);
  return completions || bytes;
}

bool TcpTransport::arm() {
  environment_->hot.watch_all();
  return !environment_->adapter || environment_->adapter->arm();
}

void TcpTransport::memory_ends(std::span<std::byte> arena) {
  if (!environment_->adapter) return;
  for (auto& link : links_) link->memory_ends(arena);
}

void TcpTransport::give_up(HostId peer, const std::string& reason) {
  const auto found = by_host_.find(peer);
  if (found != by_host_.end()) found->second->give_up(reason);
}

std::vector<LinkStatus> TcpTransport::status() const {
  std::vector<LinkStatus> status;
  for (const auto& link : links_) status.push_back(link->status());
  return status;
}

std::uint16_t TcpTransport::listen_port() const {
  return listener_ ? listener_->endpoint().port() : 0;
}

}  // namespace netbinder
