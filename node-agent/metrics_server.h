// SPDX-License-Identifier: Apache-2.0
//
// HTTP on the address of [metrics] (node-agent/http_pages.h), for whoever can reach it: for all
// users of this machine, where it is a loopback address. So who uses how much is shown there only
// if the operator has said so. Connections are bounded for each user, as far as the kernel tells
// who has connected.
//
// Owned by the daemon's main. Thread: the data-plane thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "cluster-config/config.h"
#include "node-agent/admin_connection.h"
#include "node-agent/connection_acceptor.h"

namespace netbinder {

class MetricsServer {
 public:
  // Throws std::runtime_error with the address if it cannot listen there.
  MetricsServer(boost::asio::io_context& io, const MetricsSettings& settings, Agent& agent,
                HttpPages& pages);
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

 private:
  void accepted(ForeignFd socket);

  boost::asio::io_context& io_;
  const MetricsPage::Shown shown_;
  std::shared_ptr<AdminConnection::Shared> shared_;
  ConnectionAcceptor acceptor_;
};

}  // namespace netbinder
