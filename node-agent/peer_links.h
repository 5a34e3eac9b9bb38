// SPDX-License-Identifier: Apache-2.0
//
// This host's links to other hosts: the transport, the certificates that it uses, and the watch
// over their files.
//
// Owned by the Agent, if there are other hosts. The event loop and the PeerEvents outlive it.
// Destroying it says goodbye to every peer. Thread: the data-plane thread.
#pragma once

#include <boost/asio/ts/netfwd.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "transport/config.h"
#include "transport/transport.h"

namespace netbinder {

class CertificateWatch;
class TcpTransport;

class PeerLinks {
 public:
  // Throws std::exception if no such transport can be made.
  PeerLinks(boost::asio::io_context& io, TransportConfig network, PeerEvents& events);
  ~PeerLinks();
  PeerLinks(const PeerLinks&) = delete;
  PeerLinks& operator=(const PeerLinks&) = delete;

  [[nodiscard]] Transport& transport();
  // Listens and connects. Throws std::runtime_error with the obstacle.
  void start();
  // Uses these peers and certificates from now on. Throws std::exception, and changes nothing then.
  void change(TransportConfig network);

  [[nodiscard]] std::vector<LinkStatus> status() const;
  // The bytes that were sent to the peer and are not acknowledged.
  [[nodiscard]] std::uint64_t unacknowledged_bytes(HostId peer) const;
  // The end of this host's own certificate, since 1970; 0: there is none.
  [[nodiscard]] std::int64_t certificate_end_s() const;

 private:
  void certificates_changed();

  boost::asio::io_context& io_;
  TransportConfig network_;  // in use
  std::unique_ptr<TcpTransport> transport_;
  std::unique_ptr<CertificateWatch> certificates_;  // none without TLS, and before start()
};

}  // namespace netbinder
