// SPDX-License-Identifier: Apache-2.0
//
// Accepts connections and reads the Hello of each. Until that arrives a connection belongs to no
// peer: there are at most limits::kMaxPendingHandshakes of these, for no longer than a handshake
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

#include "transport/tcp/connection.h"
#include "transport/tcp/environment.h"

namespace netbinder::tcp {

class Listener : public ConnectionOwner, public std::enable_shared_from_this<Listener> {
 public:
  // Takes the connection over, or says why not.
  using HelloHandler =
      std::function<std::optional<frame::Refuse>(std::shared_ptr<Connection>, const frame::Hello&)>;

  Listener(std::shared_ptr<Environment> environment, HelloHandler on_hello);

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
    bool refused = false;  // closed when what was read is done with
  };

  void accept();
  void accepted(boost::asio::ip::tcp::socket socket);
  void watch();
  std::list<Pending>::iterator find(const Connection& connection);
  void drop(std::list<Pending>::iterator pending);

  std::shared_ptr<Environment> environment_;
  HelloHandler on_hello_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer retry_timer_;
  boost::asio::steady_timer deadline_timer_;
  bool watching_ = false;
  std::list<Pending> pending_;  // oldest first
};

}  // namespace netbinder::tcp
