// SPDX-License-Identifier: Apache-2.0
//
// The admin socket, on which the netbinder command asks for the agent's state. One line of JSON in,
// one line out, over a Unix stream socket: {"command":"status"}, or the name of a debug file
// (node-agent/debug_text.h), with "json":true for its content as JSON. Read-only.
//
// Whoever may connect may ask, and sees what a Viewer of that user sees. No user can keep another
// one out, or take more than a fixed share of the agent's time.
//
// Owned by the daemon's main. Thread: the data-plane thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "node-agent/socket_file.h"
#include "node-agent/users.h"

namespace netbinder {

class Agent;
class Reload;

class AdminServer {
 public:
  static constexpr std::size_t kMaxRequestBytes = 64 * 1024;
  static constexpr std::size_t kMaxConnectionsOfUser = 16;
  static constexpr int kIdleMs = 30'000;  // limit for a connection that is silent or does not read
  static constexpr int kRetryMs = 100;    // after a connection could not be accepted

  // Throws std::runtime_error if it cannot listen at the path.
  AdminServer(boost::asio::io_context& io, const std::string& path, const SocketAccess& access,
              Agent& agent, Reload& reload);
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

 private:
  struct Connection;
  // The state that all connections share; it lives as long as one of them does.
  struct Shared {
    Shared(Agent& of, Reload& with) : agent(of), reload(with) {}
    Agent& agent;
    Reload& reload;
    std::map<std::uint32_t, std::size_t> connections;  // by user
    std::map<std::uint32_t, UserAccount> accounts;     // of users whose requests took long
  };
  void wait();
  // False: a connection is waiting, but cannot be accepted now.
  bool accept_some();

  boost::asio::io_context& io_;
  SocketFile file_;
  boost::asio::posix::stream_descriptor listener_;
  boost::asio::steady_timer resume_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace netbinder
