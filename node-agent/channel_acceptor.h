// SPDX-License-Identifier: Apache-2.0
//
// Listens where programs find the agent, and reads the Hello of each connection. The agent decides
// what to do with a Hello. A program that does not send one in time, or sends an invalid one, is
// disconnected and disturbs nobody.
//
// Owned by the Agent. Thread: the data-plane thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "channel/hello.h"
#include "core/base/lifetime.h"
#include "node-agent/hello_request.h"
#include "node-agent/other_versions.h"
#include "node-agent/peer_program.h"
#include "node-agent/socket_file.h"
#include "node-agent/unique_fd.h"

namespace netbinder {

class ChannelAcceptor {
 public:
  // The most connections of one user without a Hello yet. A further one replaces the one that has
  // been silent longest.
  static constexpr std::size_t kMaxPendingOfUser = 64;
  // The connections that are accepted in one turn of the loop; the others wait for the next.
  static constexpr int kAcceptedAtOnce = 4;
  static constexpr int kHelloTimeoutMs = 5000;
  static constexpr int kRetryMs = 100;  // after a lack of descriptors

  // Does what the Hello asks for, or refuses it, and answers on the socket. The last descriptor is
  // the one that came with the Hello, if one did.
  using HelloArrived = std::function<void(const HelloRequest&, PeerProgram, ForeignFd, ForeignFd)>;

  // Throws std::runtime_error naming the path if it cannot listen there, or another agent does.
  ChannelAcceptor(boost::asio::io_context& io, std::string path, const SocketAccess& access,
                  HelloArrived answer_hello);
  ~ChannelAcceptor();
  ChannelAcceptor(const ChannelAcceptor&) = delete;
  ChannelAcceptor& operator=(const ChannelAcceptor&) = delete;

  void start();

  [[nodiscard]] const OtherVersions& other_versions() const { return other_versions_; }

 private:
  struct Pending {
    Pending(boost::asio::io_context& io, int fd, PeerProgram connected)
        : socket(io, fd), deadline(io), program(connected) {}
    ~Pending() { (void)take_socket(); }
    ForeignFd take_socket() { return ForeignFd(socket.is_open() ? socket.release() : -1); }
    boost::asio::posix::stream_descriptor socket;
    boost::asio::steady_timer deadline;
    PeerProgram program;
  };

  void pause();
  // False: a connection is waiting, but cannot be accepted now.
  bool accept_some();
  void add(int fd);
  void hello_arrived(const std::shared_ptr<Pending>& pending);
  void drop(const std::shared_ptr<Pending>& pending);
  void refuse(int socket, const HelloRefusal& refusal, const PeerProgram& program);

  boost::asio::io_context& io_;
  SocketFile file_;
  HelloArrived answer_hello_;
  boost::asio::posix::stream_descriptor listener_;
  boost::asio::steady_timer resume_;
  bool out_of_descriptors_ = false;              // and this was logged
  OtherVersions other_versions_;
  // By user, longest silent first.
  std::map<std::uint32_t, std::deque<std::shared_ptr<Pending>>> pending_;
  Lifetime lifetime_;
};

// Sends a HelloReply in the form of its version, with the descriptors if there are any. False if
// the program is gone.
bool send_hello_reply(int socket, const HelloReply& reply, std::span<const int> descriptors);

}  // namespace netbinder
