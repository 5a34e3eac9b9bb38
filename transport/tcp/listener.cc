// SPDX-License-Identifier: Apache-2.0
#include "transport/tcp/listener.h"

#include <algorithm>
#include <boost/asio/ip/v6_only.hpp>

#include "core/base/check.h"
#include "transport/codec.h"
#include "transport/log.h"
#include "transport/tcp/address.h"
#include "transport/tcp/peer_link.h"

namespace netbinder::tcp {

namespace asio = boost::asio;
using boost::system::error_code;

Listener::Listener(std::shared_ptr<Environment> environment, FindPeer find_peer)
    : environment_(std::move(environment)),
      find_peer_(std::move(find_peer)),
      acceptor_(environment_->io),
      retry_timer_(environment_->io),
      deadline_timer_(environment_->io) {}

void Listener::start(const asio::ip::tcp::endpoint& endpoint) {
  acceptor_.open(endpoint.protocol());
  acceptor_.set_option(asio::ip::tcp::acceptor::reuse_address(true));
  if (endpoint.address().is_v6()) acceptor_.set_option(asio::ip::v6_only(true));
  acceptor_.bind(endpoint);
  acceptor_.listen();
  accept();
}

void Listener::stop() {
  error_code ignored;
  acceptor_.close(ignored);
  retry_timer_.cancel();
  deadline_timer_.cancel();
  for (auto& pending : pending_) pending.connection->close();
  pending_.clear();
}

void Listener::accept() {
  acceptor_.async_accept(
      [weak = weak_from_this()](const error_code& error, asio::ip::tcp::socket socket) {
        const auto self = weak.lock();
        if (!self || !self->acceptor_.is_open()) return;
        if (!error) {
          self->accepted(std::move(socket));
          self->accept();
          return;
        }
        // Most likely there are no descriptors left: connections stay in the backlog in the
        // meantime.
        self->retry_timer_.expires_after(std::chrono::milliseconds(100));
        self->retry_timer_.async_wait([weak](const error_code& cancelled) {
          const auto again = weak.lock();
          if (again && !cancelled && again->acceptor_.is_open()) again->accept();
        });
      });
}

void Listener::accepted(asio::ip::tcp::socket socket) {
  error_code error;
  const auto remote = socket.remote_endpoint(error);
  if (!error) configure_socket(socket, error);
  if (error) return;  // gone already
  if (pending_.size() == limits::kMaxPendingHandshakes) {
    environment_->log_broken_peer(pending_.front().connection->remote(),
                                  "too many connections that say nothing");
    drop(pending_.begin());
  }
  auto connection = std::make_shared<Connection>(
      environment_->io.get_executor(), environment_->make_stream(std::move(socket), std::string()),
      *this, to_string(remote));
  pending_.push_back(
      {.connection = connection,
       .deadline_ms = environment_->now_ms() + environment_->config.timing.handshake_ms,
       .acceptance = {}});
  connection->start();
  watch();
}

// All have the same time limit, so the first one's deadline is the next.
void Listener::watch() {
  if (watching_ || pending_.empty()) return;
  watching_ = true;
  deadline_timer_.expires_at(std::chrono::steady_clock::time_point(
      std::chrono::milliseconds(pending_.front().deadline_ms)));
  deadline_timer_.async_wait([weak = weak_from_this()](const error_code& cancelled) {
    const auto self = weak.lock();
    if (!self || cancelled) return;
    self->watching_ = false;
    const auto now_ms = self->environment_->now_ms();
    while (!self->pending_.empty() && now_ms >= self->pending_.front().deadline_ms) {
      self->environment_->log_broken_peer(self->pending_.front().connection->remote(),
                                          "no greeting in time");
      self->drop(self->pending_.begin());
    }
    self->watch();
  });
}

std::list<Listener::Pending>::iterator Listener::find(const Connection& connection) {
  const auto found = std::ranges::find_if(
      pending_, [&](const Pending& pending) { return pending.connection.get() == &connection; });
  NB_CHECK(found != pending_.end());
  return found;
}

void Listener::drop(std::list<Pending>::iterator pending) {
  pending->connection->close();
  pending_.erase(pending);
}

void Listener::opened(Connection& /*connection*/) {}
void Listener::heard(Connection& /*connection*/) {}

FrameOutcome Listener::frame_arrived(Connection& connection, Frame frame,
                                     std::uint64_t /*payload_bytes*/) {
  const auto pending = find(connection);
  const auto* hello = std::get_if<frame::Hello>(&frame);
  const auto* answer = std::get_if<frame::Answer>(&frame);
  const bool awaits_answer = pending->acceptance.host().has_value();
  if (awaits_answer ? answer == nullptr : hello == nullptr) {
    pending->refused = true;
    environment_->log_broken_peer(connection.remote(), awaits_answer
                                                           ? "not an answer to a challenge"
                                                           : "the first frame is not a greeting");
    return {.next = FrameOutcome::Next::kStop, .destination = {}};
  }
  const Acceptance::Step step =
      awaits_answer ? answered(*pending, *answer) : greeted(*pending, *hello);
  if (const auto* challenge = std::get_if<frame::Challenge>(&step)) {
    connection.write(make_control_frame(*challenge));
    return {};
  }
  if (const auto* why = std::get_if<frame::Refuse>(&step)) {
    const frame::Hello& said = awaits_answer ? pending->acceptance.hello() : *hello;
    environment_->log_broken_peer(connection.remote(),
                                  "refused host " + std::to_string(said.host.value()) + " '" +
                                      said.host_name + "': " + why->detail);
    return refuse(*pending, *why);
  }
  const Pending accepted = std::move(*pending);
  pending_.erase(pending);
  find_peer_(*accepted.acceptance.host())->accept(accepted.connection, accepted.acceptance);
  return {};
}

Acceptance::Step Listener::greeted(Pending& pending, const frame::Hello& hello) {
  PeerLink* peer = find_peer_(hello.host);
  if (peer == nullptr) {
    return frame::Refuse{
        .reason = RefuseReason::kUnknownHost,
        .detail = "no host " + std::to_string(hello.host.value()) + " is configured here"};
  }
  if (auto why = peer->refusal(*pending.connection)) return *std::move(why);
  return pending.acceptance.greeted(peer->session(), hello);
}

Acceptance::Step Listener::answered(Pending& pending, const frame::Answer& answer) {
  return pending.acceptance.answered(find_peer_(*pending.acceptance.host())->session(), answer);
}

FrameOutcome Listener::refuse(Pending& pending, const frame::Refuse& why) {
  pending.refused = true;
  pending.connection->write(make_control_frame(why));
  return {.next = FrameOutcome::Next::kStop, .destination = {}};
}

FrameOutcome Listener::payload_arrived(Connection& /*connection*/) {
  NB_CHECK(false);  // nothing with a payload is accepted here
  return {};
}

void Listener::settle(Connection& connection) {
  const auto pending = find(connection);
  if (pending->refused) drop(pending);
}

std::shared_ptr<const OutgoingFrame> Listener::next_frame(Connection& /*connection*/) {
  return nullptr;
}

void Listener::failed(Connection& connection, const std::string& reason, bool broke_protocol) {
  if (broke_protocol) {
    environment_->log_broken_peer(connection.remote(), reason);
  } else if (!connection.opened()) {
    environment_->log_broken_peer(connection.remote(), "refused: the TLS handshake failed: " + reason);
  }
  drop(find(connection));
}

}  // namespace netbinder::tcp
