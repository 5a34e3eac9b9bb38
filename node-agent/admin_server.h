// SPDX-License-Identifier: Apache-2.0
//
// The admin socket, on which the netbinder command asks for the agent's state. One line of JSON in,
// one line out, over a Unix stream socket: {"command":"status"}, or the name of a debug file
// (node-agent/debug_text.h), with "json":true for its content as JSON. Read-only.
//
// Owned by the daemon's main. Thread: the data-plane thread; answers are small and made at once.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

namespace netbinder {

class Agent;

class AdminServer {
 public:
  static constexpr std::size_t kMaxRequestBytes = 64 * 1024;
  static constexpr std::size_t kMaxConnections = 64;
  static constexpr int kRetryMs = 100;  // after a connection could not be accepted

  // Throws std::runtime_error if it cannot listen at the path.
  AdminServer(boost::asio::io_context& io, const std::string& path, Agent& agent);
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

 private:
  struct Connection;
  void accept();

  Agent& agent_;
  std::string path_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
  boost::asio::steady_timer resume_;
  std::shared_ptr<std::size_t> connections_ = std::make_shared<std::size_t>(0);
};

}  // namespace netbinder
