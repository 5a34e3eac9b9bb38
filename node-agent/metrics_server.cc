// SPDX-License-Identifier: Apache-2.0
#include "node-agent/metrics_server.h"

#include <boost/asio/ip/tcp.hpp>
#include <stdexcept>
#include <utility>

#include "node-agent/tcp_peer.h"
#include "transport/log.h"
#include "transport/tcp/address.h"

namespace netbinder {

namespace {

// The configuration has an IP address, so that nothing is to be looked up.
int listen_at(boost::asio::io_context& io, const std::string& address) {
  try {
    const auto endpoint = tcp::parse_address(address).value().endpoint().value();
    boost::asio::ip::tcp::acceptor acceptor(io, endpoint.protocol());
    acceptor.set_option(boost::asio::socket_base::reuse_address(true));
    acceptor.bind(endpoint);
    acceptor.listen(64);
    acceptor.native_non_blocking(true);
    return acceptor.release();
  } catch (const boost::system::system_error& error) {
    throw std::runtime_error("metrics.listen: cannot listen on " + address + ": " +
                             error.code().message());
  }
}

}  // namespace

MetricsServer::MetricsServer(boost::asio::io_context& io, const MetricsSettings& settings,
                             Agent& agent, HttpPages& pages)
    : io_(io),
      shown_{.users = settings.users},
      shared_(new AdminConnection::Shared{
          .agent = agent, .pages = pages, .reload = nullptr, .connections = {}, .accounts = {}}),
      acceptor_(io, listen_at(io, settings.listen),
                [this](ForeignFd socket) { accepted(std::move(socket)); }) {
  log::agent.info("metrics at http://{}/metrics", settings.listen);
}

void MetricsServer::accepted(ForeignFd socket) {
  const std::uint32_t uid = user_of_tcp_peer(socket.get()).value_or(kNobody);
  AdminConnection::begin(io_, std::move(socket), uid, shown_, shared_);
}

}  // namespace netbinder
