// SPDX-License-Identifier: Apache-2.0
//
// The admin socket, on which the netbinder command asks for the agent's state. One line of JSON in,
// one line out, over a Unix stream socket: {"command":"status"}, or the name of a debug file
// (node-agent/debug_text.h), with "json":true for its content as JSON. {"command":"record_calls",
// "seconds":N} has calls recorded for that long; the ring's descriptor comes with the answer
// (node-agent/call_ring.h); {"command":"recorded_calls"} tells what is in it, for tools of other
// hosts (node-agent/recorded_answer.h). Read-only. Requests of HTTP are answered there as well
// (node-agent/http_pages.h): so one file, with one owner and mode, says who may ask, and
// `curl --unix-socket` needs nothing to be configured.
//
// Whoever may connect may ask, and sees what a Viewer of that user sees. No user can keep another
// one out, or take more than a fixed share of the agent's time.
//
// Owned by the daemon's main. Thread: the data-plane thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "node-agent/admin_connection.h"
#include "node-agent/connection_acceptor.h"
#include "node-agent/socket_file.h"

namespace netbinder {

class AdminServer {
 public:
  // Throws std::runtime_error if it cannot listen at the path.
  AdminServer(boost::asio::io_context& io, const std::string& path, const SocketAccess& access,
              Agent& agent, HttpPages& pages, Reload& reload);
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

 private:
  void accepted(ForeignFd socket);

  boost::asio::io_context& io_;
  SocketFile file_;
  std::shared_ptr<AdminConnection::Shared> shared_;
  ConnectionAcceptor acceptor_;
};

}  // namespace netbinder
