// SPDX-License-Identifier: Apache-2.0
#include "node-agent/peer_links.h"

#include <exception>
#include <utility>

#include "node-agent/certificate_watch.h"
#include "transport/log.h"
#include "transport/rdma/ibverbs_device.h"
#include "transport/tcp/tcp_transport.h"

namespace netbinder {

PeerLinks::PeerLinks(boost::asio::io_context& io, TransportConfig network, PeerEvents& events)
    : io_(io),
      network_(std::move(network)),
      transport_(std::make_unique<TcpTransport>(io, network_, events, rdma::make_ibverbs())) {}

PeerLinks::~PeerLinks() = default;

Transport& PeerLinks::transport() { return *transport_; }

void PeerLinks::start() {
  transport_->start();
  if (!network_.tls.enabled()) return;
  certificates_ = std::make_unique<CertificateWatch>(
      io_, network_.tls,
      CertificateWatch::Calls{.files_changed = [this] { certificates_changed(); },
                              .links = [this] { return status(); }});
}

void PeerLinks::change(TransportConfig network) {
  transport_->change(network.peers, network.tls);
  network_ = std::move(network);
  if (certificates_ && certificates_->set_files(network_.tls)) transport_->renew_links();
}

void PeerLinks::certificates_changed() {
  try {
    change(network_);
    log::transport.info("the certificates have changed, and are used from now on");
  } catch (const std::exception& error) {
    log::transport.error("the certificates have changed, but the earlier ones stay: {}",
                         error.what());
  }
}

std::vector<LinkStatus> PeerLinks::status() const { return transport_->status(); }

std::uint64_t PeerLinks::unacknowledged_bytes(HostId peer) const {
  for (const LinkStatus& link : status()) {
    if (link.peer == peer) return link.unacknowledged_bytes;
  }
  return 0;
}

std::int64_t PeerLinks::certificate_end_s() const {
  return certificates_ ? certificates_->own_end_s() : 0;
}

}  // namespace netbinder
