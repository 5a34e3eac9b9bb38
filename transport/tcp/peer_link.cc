// SPDX-License-Identifier: Apache-2.0
#include "transport/tcp/peer_link.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "core/base/check.h"
#include "transport/log.h"

namespace netbinder::tcp {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// A link that was up for this long was a good one: the next wait starts from the shortest again.
constexpr std::uint64_t kGoodLinkMs = 1000;

std::uint64_t random_number() {
  std::random_device device;
  std::uint64_t number = 0;
  while (number == 0) number = (std::uint64_t{device()} << 32) | device();
  return number;
}

std::uint64_t wall_clock_ms() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count();
  return ms > 0 ? static_cast<std::uint64_t>(ms) : 0;
}

}  // namespace

PeerLink::PeerLink(std::shared_ptr<Environment> environment, const PeerConfig& peer,
                   Address address, PeerEvents& events)
    : environment_(std::move(environment)),
      peer_(peer),
      address_(std::move(address)),
      session_(SessionIdentity::of(environment_->config, peer), environment_->config.timing,
               environment_->config.limits, events, random_number),
      resolver_(environment_->io),
      timer_(environment_->io),
      events_(events),
      rdma_reason_(environment_->no_adapter) {
  session_.set_wall_clock(wall_clock_ms);
}

void PeerLink::start() {
  if (session_.identity().dials()) dialing_ = Waiting{.until_ms = environment_->now_ms()};
  arm_timer();
}

void PeerLink::stop() {
  stopped_ = true;
  ++dial_number_;
  dialing_ = Resting{};
  timer_.cancel();
  resolver_.cancel();
  end_endpoint(rdma::Endpoint::Tell::kNobody);
  environment_->hot.remove(*this);
  if (!connection_) return;
  session_.give_up(GoodbyeReason::kShutdown, "the agent ends");
  connection_->pump();
  connection_->close();
  connection_.reset();
}

void PeerLink::retire(const std::string& reason) {
  session_.give_up(GoodbyeReason::kGivenUp, reason);
  if (connection_) drop(reason);
  if (session_.live()) (void)session_.tick(environment_->now_ms());
  log_session();
  stop();
}

void PeerLink::renew() {
  if (connection_ && session_.link_up()) drop("it is made anew");
}

void PeerLink::set_address(const std::string& text, Address address) {
  if (text == peer_.address) return;
  peer_.address = text;
  address_ = std::move(address);
  if (!connection_ && !std::holds_alternative<Resting>(dialing_)) {
    ++dial_number_;
    dialing_ = Waiting{.until_ms = environment_->now_ms()};
    arm_timer();
  }
}

// --- Dialing

void PeerLink::dial() {
  ++dial_number_;
  log::transport.trace("connecting to host {} '{}' at {}", peer_.id.value(), peer_.name,
                       peer_.address);
  dialing_ =
      Connecting{.deadline_ms = environment_->now_ms() + environment_->config.timing.handshake_ms,
                 .socket = nullptr};
  if (const auto endpoint = address_.endpoint()) {
    connect(*endpoint);
  } else {
    resolve();
  }
}

void PeerLink::resolve() {
  resolver_.async_resolve(
      address_.host, std::to_string(address_.port),
      [weak = weak_from_this(), number = dial_number_](
          const error_code& error, const asio::ip::tcp::resolver::results_type& results) {
        const auto self = weak.lock();
        if (!self || number != self->dial_number_) return;
        if (error || results.empty()) {
          self->dial_failed(self->address_.host + ": " + error.message(), Met::kNobody);
          return;
        }
        const auto endpoint = results.begin()->endpoint();
        if (!self->environment_->allowed(endpoint.address())) {
          self->dial_failed(self->address_.host + " is " + endpoint.address().to_string() +
                            ", which is not a loopback address: that needs certificates, or "
                            "insecure = true",
                            Met::kNobody);
          return;
        }
        self->connect(endpoint);
      });
}

void PeerLink::connect(const asio::ip::tcp::endpoint& endpoint) {
  auto& connecting = std::get<Connecting>(dialing_);
  connecting.socket = std::make_unique<asio::ip::tcp::socket>(environment_->io);
  connecting.socket->async_connect(
      endpoint, [weak = weak_from_this(), number = dial_number_,
                 remote = to_string(endpoint)](const error_code& error) {
        const auto self = weak.lock();
        if (!self || number != self->dial_number_) return;
        auto socket = std::move(*std::get<Connecting>(self->dialing_).socket);
        std::get<Connecting>(self->dialing_).socket.reset();
        error_code failure = error;
        if (!failure) configure_socket(socket, failure);
        if (failure) {
          self->dial_failed(remote + ": " + failure.message(), Met::kNobody);
          return;
        }
        self->connected(std::move(socket), remote);
      });
}

void PeerLink::connected(asio::ip::tcp::socket socket, const std::string& remote) {
  connection_ = std::make_shared<Connection>(
      environment_->io.get_executor(), environment_->make_stream(std::move(socket), peer_.name),
      *this, remote);
  connection_->start();
}

void PeerLink::dial_failed(const std::string& reason, Met met) {
  last_failure_ = reason;
  if (reason != logged_failure_) {
    logged_failure_ = reason;
    // Somebody who is there and refuses is no matter of waiting.
    if (met == Met::kSomebody) {
      log::transport.warn("no link to host {} '{}': {}", peer_.id.value(), peer_.name, reason);
    } else {
      log::transport.info("no link to host {} '{}' yet: {}", peer_.id.value(), peer_.name, reason);
    }
  }
  wait_and_dial();
  arm_timer();
}

void PeerLink::wait_and_dial() {
  ++dial_number_;
  const auto& config = environment_->config;
  wait_ms_ =
      std::clamp<std::uint64_t>(2 * wait_ms_, config.reconnect_min_ms, config.reconnect_max_ms);
  dialing_ = Waiting{.until_ms = environment_->now_ms() + wait_ms_};
  log::transport.trace("host {} '{}' is tried again in {} ms", peer_.id.value(), peer_.name,
                       wait_ms_);
}

// --- The connection

void PeerLink::opened(Connection& connection) {
  if (!connection.peer_is(peer_.name)) {
    drop("the certificate there is not that of host '" + peer_.name + "'");
    return;
  }
  dialing_ = Resting{};
  log::transport.debug("connected with host {} '{}' at {}", peer_.id.value(), peer_.name,
                       connection.remote());
  const auto now_ms = environment_->now_ms();
  if (session_.tick(now_ms)) NB_CHECK(false);  // without a link there is none to close
  log_session();
  session_.connected(now_ms);
  arm_timer();
}

std::optional<frame::Refuse> PeerLink::refusal(const Connection& connection) const {
  if (connection.peer_is(peer_.name)) return std::nullopt;
  return frame::Refuse{.reason = RefuseReason::kCertificate,
                       .detail = "the certificate is not that of host '" + peer_.name + "'"};
}

void PeerLink::accept(std::shared_ptr<Connection> connection, const Acceptance& acceptance) {
  if (connection_) drop("the peer has connected again");
  const auto now_ms = environment_->now_ms();
  connection_ = std::move(connection);
  log::transport.debug("host {} '{}' has connected from {}", peer_.id.value(), peer_.name,
                       connection_->remote());
  connection_->set_owner(*this);
  connection_->allow_session_frames();
  up_since_ms_ = now_ms;
  session_.accept(acceptance.hello(), acceptance.challenge(), now_ms);
  log_session();
}

void PeerLink::heard(Connection& /*connection*/) {
  session_.heard(environment_->now_ms());
  environment_->hot.touch(*this);
}

bool PeerLink::polls(Connection& /*connection*/) { return environment_->hot.polls(*this); }

bool PeerLink::poll(std::uint64_t now_ms) {
  const auto connection = connection_;  // it may be dropped for what arrives
  const Moment moment(*environment_, now_ms);
  return connection && connection->poll();
}

FrameOutcome PeerLink::frame_arrived(Connection& connection, Frame frame,
                                     std::uint64_t payload_bytes) {
  const auto now_ms = environment_->now_ms();
  const bool was_up = session_.link_up();
  if (was_up && handle_rdma(connection, frame)) {
    return {.next = session_.ending() ? FrameOutcome::Next::kStop : FrameOutcome::Next::kReadOn,
            .destination = {}};
  }
  auto outcome = session_.frame_arrived(std::move(frame), payload_bytes, now_ms);
  if (!was_up && session_.link_up()) {
    connection.allow_session_frames();
    up_since_ms_ = now_ms;
    logged_failure_.clear();
  }
  return outcome;
}

FrameOutcome PeerLink::payload_arrived(Connection& /*connection*/) {
  return session_.payload_arrived(environment_->now_ms());
}

std::shared_ptr<const OutgoingFrame> PeerLink::next_frame(Connection& /*connection*/) {
  const auto now_ms = environment_->now_ms();
  const bool messages_elsewhere = endpoint_ && endpoint_->sending();
  auto frame = messages_elsewhere ? session_.next_control(now_ms) : session_.next_frame(now_ms);
  if (frame && !messages_elsewhere) environment_->hot.touch(*this);
  return frame;
}

void PeerLink::settle(Connection& /*connection*/) { settle(); }

void PeerLink::failed(Connection& connection, const std::string& reason, bool broke_protocol) {
  if (broke_protocol) {
    environment_->log_broken_peer(connection.remote(), reason);
    session_.give_up(GoodbyeReason::kProtocolError, reason);
  }
  drop(reason);
}

void PeerLink::drop(const std::string& reason) {
  const auto now_ms = environment_->now_ms();
  const bool was_up = session_.link_up();
  // Keeps it, because its name is needed until everything has been logged about it.
  const auto connection = std::move(connection_);
  environment_->hot.remove(*this);
  // This may write a goodbye. If there is a queue pair, no messages: those come after the ones it
  // lost.
  connection->pump();
  past_retransmitted_ += connection->facts().tcp.retransmitted;
  connection->close();
  end_endpoint(rdma::Endpoint::Tell::kOwner);
  endpoint_tried_ = false;
  refused_without_one_ = false;
  peer_offered_ = false;
  past_.bytes_sent += connection->counters().bytes_sent;
  past_.bytes_received += connection->counters().bytes_received;
  if (!session_.link_down()) session_.disconnected(now_ms);
  last_failure_ = reason;
  if (was_up && session_.live()) {
    log::transport.info("the link to host {} '{}' is lost: {}", peer_.id.value(), peer_.name, reason);
  }
  log_session();
  if (session_.identity().dials()) {
    if (was_up && now_ms - up_since_ms_ >= kGoodLinkMs) wait_ms_ = 0;
    if (was_up) {
      wait_and_dial();
    } else {
      dial_failed(connection->remote() + ": " + reason, Met::kSomebody);
    }
  }
  arm_timer();
}

// Does what is due, and writes what is queued.
void PeerLink::settle() {
  if (auto reason = session_.tick(environment_->now_ms())) {
    drop(*reason);
    return;
  }
  log_session();
  pump();
  if (environment_->now_ms() >= rdma_due_ms()) offer_rdma();
  arm_timer();
}

// Messages go first: they carry an acknowledgement as well.
void PeerLink::pump() {
  if (endpoint_) endpoint_->pump();
  if (connection_) connection_->pump();
}

void PeerLink::flush() {
  const Moment moment(*environment_);
  pump();
}

void PeerLink::log_session() {
  const auto& counters = session_.counters();
  if (counters.lost != logged_lost_) {
    logged_lost_ = counters.lost;
    log::transport.warn("the session with host {} '{}' is over: {}", peer_.id.value(), peer_.name,
              session_.loss_reason());
  }
  if (counters.established != logged_established_) {
    logged_established_ = counters.established;
    log::transport.info("session with host {} '{}' established", peer_.id.value(), peer_.name);
  }
  if (counters.resumed != logged_resumed_) {
    logged_resumed_ = counters.resumed;
    log::transport.debug("the session with host {} '{}' goes on over a new link, its number {}",
                         peer_.id.value(), peer_.name, counters.resumed + 1);
  }
}

// --- The agent

void PeerLink::send(const PeerMessage& message, Payload payload) {
  session_.send(message, std::move(payload));
  if (session_.ending()) arm_timer();
}

void PeerLink::give_up(const std::string& reason) {
  session_.give_up(GoodbyeReason::kGivenUp, reason);
  arm_timer();
}

LinkStatus PeerLink::status() const {
  rdma::EndpointCounters rdma = past_rdma_;
  if (endpoint_) rdma += endpoint_->counters();
  LinkStatus status = session_.status(peer_);
  status.transport = environment_->config.tls.enabled() ? "tcp+tls" : "tcp";
  status.transport_reason = rdma_reason_;
  status.bytes_sent = past_.bytes_sent + rdma.bytes_sent;
  status.bytes_received = past_.bytes_received + rdma.bytes_received;
  status.payload_bytes_written = rdma.payload_bytes_written;
  status.payload_bytes_copied = rdma.payload_bytes_copied;
  status.payload_bytes_written_here = rdma.payload_bytes_written_here;
  status.payload_bytes_copied_here = rdma.payload_bytes_copied_here;
  status.last_failure = last_failure_;
  const StreamFacts facts = connection_ ? connection_->facts() : StreamFacts{};
  status.retransmitted = past_retransmitted_ + facts.tcp.retransmitted;
  if (connection_ && session_.link_up()) {
    status.up_for_ms = environment_->now_ms() - up_since_ms_;
    status.round_trip_us = facts.tcp.round_trip_us;
    status.certificate_end_s = facts.certificate_end_s;
    if (const auto ahead_ms = session_.clock_ahead_ms()) {
      // It was on its way for half a round trip.
      status.clock_ahead_ms = *ahead_ms + static_cast<std::int64_t>(facts.tcp.round_trip_us / 2000);
    }
  }
  if (connection_) {
    status.bytes_sent += connection_->counters().bytes_sent;
    status.bytes_received += connection_->counters().bytes_received;
  }
  if (endpoint_ && endpoint_->sending()) status.transport = "rdma";
  return status;
}

// --- Time. The timer is set again only for an earlier time than it is set for: deadlines mostly
// move away while messages flow, and a timer that fires for nothing costs less than setting it. The
// session's deadlines are put off to times that all links have in common.

void PeerLink::arm_timer() {
  if (stopped_) return;
  std::uint64_t due_ms = environment_->config.timing.common_time_ms(session_.next_tick_ms());
  if (const auto* waiting = std::get_if<Waiting>(&dialing_)) {
    due_ms = std::min(due_ms, waiting->until_ms);
  } else if (const auto* connecting = std::get_if<Connecting>(&dialing_)) {
    due_ms = std::min(due_ms, connecting->deadline_ms);
  }
  due_ms = std::min(due_ms, rdma_due_ms());
  if (due_ms >= armed_ms_) return;
  armed_ms_ = due_ms;
  timer_.expires_at(std::chrono::steady_clock::time_point(std::chrono::milliseconds(due_ms)));
  timer_.async_wait([weak = weak_from_this()](const error_code& cancelled) {
    const auto self = weak.lock();
    if (self && !cancelled) self->timer_expired();
  });
}

void PeerLink::timer_expired() {
  if (stopped_) return;
  armed_ms_ = Session::kNever;
  const auto now_ms = environment_->now_ms();
  if (const auto* waiting = std::get_if<Waiting>(&dialing_)) {
    if (now_ms >= waiting->until_ms) dial();
  } else if (const auto* connecting = std::get_if<Connecting>(&dialing_)) {
    if (now_ms >= connecting->deadline_ms) {
      if (connection_) {
        drop("no answer in time");
      } else {
        dial_failed(peer_.address + ": no answer in time", Met::kNobody);
      }
    }
  }
  settle();
}

}  // namespace netbinder::tcp
