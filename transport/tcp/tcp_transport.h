// SPDX-License-Identifier: Apache-2.0
//
// The transport over TCP: one connection to each peer, which the host with the higher number dials.
// If both hosts have an RDMA device, the messages of a link go over a queue pair beside the
// connection, as long as that works.
//
// Owned by the agent, together with the event loop, the configuration's values and the PeerEvents,
// all of which outlive it. Destroying it says goodbye to every peer, calls no event, and leaves
// nothing in the event loop that touches it. It must not be destroyed from inside an event.
//
// Thread: the one that runs the io_context; everything happens in its handlers.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/container/flat_map.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "transport/config.h"
#include "transport/transport.h"

namespace netbinder {

namespace rdma {
class Verbs;
}
namespace tcp {
class Connection;
class Listener;
class PeerLink;
struct Environment;
}  // namespace tcp

class TcpTransport : public Transport {
 public:
  // Throws std::invalid_argument if the configuration contradicts itself, an address cannot be
  // understood, a certificate cannot be used, an address is not a loopback one although there are
  // neither certificates nor `insecure`, or there are peers and neither of these nor a key.
  // `verbs` opens RDMA devices, if the configuration wants them.
  TcpTransport(boost::asio::io_context& io, TransportConfig config, PeerEvents& events,
               std::unique_ptr<rdma::Verbs> verbs);
  TcpTransport(boost::asio::io_context& io, TransportConfig config, PeerEvents& events);
  ~TcpTransport() override;
  TcpTransport(const TcpTransport&) = delete;
  TcpTransport& operator=(const TcpTransport&) = delete;

  void start() override;
  void send(HostId peer, PeerMessage message, Payload payload) override;
  [[nodiscard]] Payload new_payload(HostId peer, std::uint64_t bytes) override;
  void flush() override;
  bool poll(std::uint64_t now_ns) override;
  bool arm() override;
  void memory_ends(std::span<std::byte> arena) override;
  void give_up(HostId peer, const std::string& reason) override;
  [[nodiscard]] std::vector<LinkStatus> status() const override;

  // The other hosts are these from now on, and links that are made from now on use these files. A
  // host that is not among them any more is told so, and its session is over; one with another
  // address is looked for there when its link is lost. Throws std::invalid_argument, and changes
  // nothing, if an address or a file cannot be used. TLS cannot be begun or ended this way. To be
  // called from a handler of the event loop.
  void change(const std::vector<PeerConfig>& peers, const TlsConfig& tls);
  // Makes each link anew, as with other certificates. Sessions go on, and no message is lost. To be
  // called from a handler of the event loop.
  void renew_links();

  // The port it listens on, chosen by the system if the configuration says 0; 0 if it does not
  // listen.
  [[nodiscard]] std::uint16_t listen_port() const;

 private:
  void use_rdma(std::unique_ptr<rdma::Verbs> verbs);
  void use_tls(const TlsConfig& tls);
  void set_peers(const std::vector<PeerConfig>& peers);
  void add_link(const PeerConfig& peer);
  void listen();
  std::shared_ptr<tcp::Environment> environment_;
  PeerEvents& events_;
  bool started_ = false;
  std::vector<std::shared_ptr<tcp::PeerLink>> links_;  // as configured
  boost::container::flat_map<HostId, tcp::PeerLink*> by_host_;
  std::vector<tcp::PeerLink*> to_flush_;
  std::shared_ptr<tcp::Listener> listener_;
};

}  // namespace netbinder
