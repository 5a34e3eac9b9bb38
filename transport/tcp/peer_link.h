// SPDX-License-Identifier: Apache-2.0
//
// One peer over TCP: its Session, the connection that carries it at the moment, and, on the end
// that dials, the attempts to connect.
//
// States of dialing: Resting (a connection is open, or the other end dials)
//                    Waiting ── time ──→ Connecting ── open ──→ Resting
//                    Connecting ── failure, too long ──→ Waiting
//                    Resting ── the connection is lost ──→ Waiting
//
// Owned by the TcpTransport by shared_ptr; handlers hold weak ones.
// Thread: the data-plane thread.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "transport/acceptance.h"
#include "transport/rdma/endpoint.h"
#include "transport/session.h"
#include "transport/tcp/address.h"
#include "transport/tcp/connection.h"
#include "transport/tcp/environment.h"

namespace netbinder::tcp {

class PeerLink : public ConnectionOwner,
                 public rdma::EndpointOwner,
                 public std::enable_shared_from_this<PeerLink> {
 public:
  PeerLink(std::shared_ptr<Environment> environment, const PeerConfig& peer, Address address,
           PeerEvents& events);

  void start();
  // Says goodbye if there is a link. No event follows.
  void stop();
  // The same for a host that the configuration has no more; if there is a session it is lost. Nothing
  // begins again.
  void retire(const std::string& reason);
  // Makes the link anew, if there is one. The session goes on.
  void renew();
  // Sets the address to dial from now on.
  void set_address(const std::string& text, Address address);

  // Why a connection cannot be this peer's, as far as the connection tells.
  [[nodiscard]] std::optional<frame::Refuse> refusal(const Connection& connection) const;
  // Takes over a connection that the peer has made, and on which it has proved to be there.
  void accept(std::shared_ptr<Connection> connection, const Acceptance& acceptance);
  [[nodiscard]] Session& session() { return session_; }

  void send(const PeerMessage& message, Payload payload);
  void flush();
  // Looks for arrivals on its connection, at this time. Whether there were any.
  bool poll(std::uint64_t now_ms);
  // Leaves arrivals to the event loop.
  void watch() {
    if (connection_) connection_->watch();
  }
  [[nodiscard]] Payload new_payload(std::uint64_t bytes);
  void memory_ends(std::span<std::byte> arena);
  void give_up(const std::string& reason);
  [[nodiscard]] LinkStatus status() const;

  void opened(Connection& connection) override;
  void heard(Connection& connection) override;
  [[nodiscard]] bool polls(Connection& connection) override;
  FrameOutcome frame_arrived(Connection& connection, Frame frame,
                             std::uint64_t payload_bytes) override;
  FrameOutcome payload_arrived(Connection& connection) override;
  void settle(Connection& connection) override;
  std::shared_ptr<const OutgoingFrame> next_frame(Connection& connection) override;
  void failed(Connection& connection, const std::string& reason, bool broke_protocol) override;

  // peer_link_rdma.cc
  void endpoint_sends() override;
  std::shared_ptr<const OutgoingFrame> next_message() override;
  void endpoint_heard() override;
  FrameOutcome message_arrived(Frame frame, std::uint64_t payload_bytes, LeaseId lease) override;
  FrameOutcome message_payload_arrived() override;
  std::optional<LeasedPlace> lease_wanted(const LeaseRequest& request) override;
  void lease_ended(LeaseId lease) override;
  void endpoint_settled() override { settle(); }
  void endpoint_failed(const std::string& reason, bool broke_protocol) override;

 private:
  struct Resting {};
  struct Waiting {
    std::uint64_t until_ms = 0;
  };
  struct Connecting {
    std::uint64_t deadline_ms = 0;
    std::unique_ptr<boost::asio::ip::tcp::socket> socket;  // until it is connected
  };

  void dial();
  void resolve();
  void connect(const boost::asio::ip::tcp::endpoint& endpoint);
  void connected(boost::asio::ip::tcp::socket socket, const std::string& remote);
  enum class Met : std::uint8_t { kNobody, kSomebody };
  void dial_failed(const std::string& reason, Met met);
  void wait_and_dial();

  void settle();
  void pump();
  void drop(const std::string& reason);
  void arm_timer();
  void timer_expired();
  void log_session();

  // peer_link_rdma.cc: the link's queue pair.
  // Whether the frame was about the queue pair. If it breaks the rules the session is given up.
  bool handle_rdma(Connection& connection, const Frame& frame);
  void offer_rdma();
  std::expected<void, std::string> create_endpoint();
  void refuse_rdma(const std::string& reason);
  void send_control(const Frame& frame);
  void end_endpoint(rdma::Endpoint::Tell tell);
  void rdma_failed(const std::string& reason);
  [[nodiscard]] std::uint64_t rdma_due_ms() const;

  std::shared_ptr<Environment> environment_;
  PeerConfig peer_;
  Address address_;
  Session session_;
  std::shared_ptr<Connection> connection_;
  bool stopped_ = false;

  std::variant<Resting, Waiting, Connecting> dialing_;
  std::uint64_t dial_number_ = 0;  // tells the handlers of abandoned attempts
  std::uint64_t wait_ms_ = 0;      // the last back-off
  std::uint64_t up_since_ms_ = 0;
  std::string logged_failure_;  // logged once, not each time
  std::string last_failure_;    // for the status
  boost::asio::ip::tcp::resolver resolver_;

  boost::asio::steady_timer timer_;
  std::uint64_t armed_ms_ = Session::kNever;

  // RDMA. A link has at most one queue pair in its life.
  PeerEvents& events_;
  std::shared_ptr<rdma::Staging> staging_;
  std::shared_ptr<rdma::Endpoint> endpoint_;
  bool endpoint_tried_ = false;       // on this link
  bool peer_offered_ = false;         // likewise
  bool refused_without_one_ = false;  // the peer's offer, for ours could not be made
  std::string rdma_reason_;           // why there is none, or none that is used
  std::uint64_t rdma_retry_ms_ = 0;   // not before
  std::uint64_t rdma_wait_ms_ = 0;    // the last back-off
  std::uint64_t rdma_since_ms_ = 0;   // since when it is used
  rdma::EndpointCounters past_rdma_;  // of earlier queue pairs

  ConnectionCounters past_;  // of earlier connections
  std::uint64_t past_retransmitted_ = 0;
  std::uint64_t logged_established_ = 0;
  std::uint64_t logged_lost_ = 0;
  std::uint64_t logged_resumed_ = 0;
};

}  // namespace netbinder::tcp
