// SPDX-License-Identifier: Apache-2.0
//
// Accepts connections and shakes hands with each (Acceptance). Until that is done a connection belongs
// to no peer: there are at most limits::kMaxPendingHandshakes of these, for no longer than a handshake
// may take.
//
// Owned by the TcpTransport by shared_ptr; handlers hold weak ones.
// Thread: the data-plane thread.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <list>
#include <memory>
#include <optional>

#include "transport/acceptance.h"
#include "transport/tcp/connection.h"
#include "transport/tcp/environment.h"

namespace netbinder::tcp {

class PeerLink;

class Listener : public ConnectionOwner, public std::enable_shared_from_this<Listener> {
 public:
  // The peer of that number; null if none is configured.
  using FindPeer = std::function<PeerLink*(HostId)>;

  Listener(std::shared_ptr<Environment> environment, FindPeer find_peer);

  // Throws std::system_error.
  void start(const boost::asio::ip::tcp::endpoint& endpoint);
  void stop();
  [[nodiscard]] boost::asio::ip::tcp::endpoint endpoint() const {
    return acceptor_.local_endpoint();
  }

  void opened(Connection& connection) override;
  void heard(Connection& connection) override;
  FrameOutcome frame_arrived(Connection& connection, Frame frame,
                             std::uint64_t payload_bytes) override;
  FrameOutcome payload_arrived(Connection& connection) override;
  void settle(Connection& connection) override;
  std::shared_ptr<const OutgoingFrame> next_frame(Connection& connection) override;
  void failed(Connection& connection, const std::string& reason, bool broke_protocol) override;

 private:
  struct Pending {
    std::shared_ptr<Connection> connection;
    std::uint64_t deadline_ms = 0;
    Acceptance acceptance;
    bool refused = false;  // closed when what was read is done with
  };

  void accept();
  void accepted(boost::asio::ip::tcp::socket socket);
  void watch();
  Acceptance::Step greeted(Pending& pending, const frame::Hello& hello);
  Acceptance::Step answered(Pending& pending, const frame::Answer& answer);
  FrameOutcome refuse(Pending& pending, const frame::Refuse& why);
  std::list<Pending>::iterator find(const Connection& connection);
  void drop(std::list<Pending>::iterator pending);

  std::shared_ptr<Environment> environment_;
  FindPeer find_peer_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer retry_timer_;
  boost::asio::steady_timer deadline_timer_;
  bool watching_ = false;
  std::list<Pending> pending_;  // oldest first
};

}  // namespace netbinder::tcp
