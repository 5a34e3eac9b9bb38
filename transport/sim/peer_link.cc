// SPDX-License-Identifier: Apache-2.0
#include "transport/sim/peer_link.h"

#include <algorithm>

#include "core/base/check.h"
#include "transport/codec.h"
#include "transport/limits.h"

namespace netbinder::sim {

namespace {

std::expected<Frame, std::string> decode(const OutgoingFrame& frame) {
  const auto prefix = decode_prefix(frame.head, limits::kMaxMessageBytes);
  if (!prefix) return std::unexpected(prefix.error());
  if (prefix->message_bytes + kFramePrefixBytes != frame.head.size() ||
      prefix->payload_bytes != frame.payload.size()) {
    return std::unexpected("a frame of another size than its prefix says");
  }
  return decode_frame(std::span(frame.head).subspan(kFramePrefixBytes), prefix->payload_bytes);
}

}  // namespace

PeerLink::PeerLink(Environment& environment, const PeerConfig& peer)
    : environment_(environment),
      peer_(peer),
      session_(SessionIdentity::of(environment.config, peer), environment.config.timing,
               environment.config.limits, environment.events,
               [&environment] { return environment.network.random().next() | 1; }) {}

void PeerLink::start() {
  if (session_.identity().dials()) dial_later();
}

void PeerLink::stop() {
  if (!connection_) return;
  session_.give_up(GoodbyeReason::kShutdown, "the agent ends");
  pump();
  environment_.network.close(connection_, side_);
  device_.reset();
  connection_.reset();
}

// ---- connections ----

void PeerLink::dial_later() {
  const TransportConfig& config = environment_.config;
  wait_ms_ =
      std::clamp<std::uint64_t>(2 * wait_ms_, config.reconnect_min_ms, config.reconnect_max_ms);
  environment_.network.clock().after(wait_ms_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->environment_.network.dial(self->environment_.config.host, self->peer_.id);
    }
  });
}

void PeerLink::open(const ConnectionPtr& connection, std::size_t side) {
  connection_ = connection;
  side_ = side;
  device_ = std::make_shared<LinkDevice>(environment_, peer_.id, connection, side);
}

void PeerLink::dialled(const ConnectionPtr& connection) {
  if (connection == nullptr) {
    dial_later();
    return;
  }
  const std::uint64_t now_ms = environment_.now_ms();
  if (session_.tick(now_ms)) NB_CHECK(false);  // without a link there is none to close
  open(connection, 0);
  session_.connected(now_ms);
  settle();
}

void PeerLink::handshake_arrived(const ConnectionPtr& connection, std::size_t side,
                                 const Frame& frame) {
  std::erase_if(pending_, [](const Pending& each) { return !each.connection->open[1]; });
  const auto pending = std::ranges::find(pending_, connection, &Pending::connection);
  const auto* hello = std::get_if<frame::Hello>(&frame);
  const auto* answer = std::get_if<frame::Answer>(&frame);
  Acceptance::Step step;
  if (pending == pending_.end() && hello != nullptr) {
    Acceptance acceptance;
    step = acceptance.greeted(session_, *hello);
    if (std::holds_alternative<frame::Challenge>(step)) {
      if (pending_.size() == kMaxPending) {
        const ConnectionPtr oldest = pending_.front().connection;
        pending_.erase(pending_.begin());
        environment_.network.close(oldest, 1);
      }
      pending_.push_back({.connection = connection, .acceptance = acceptance});
    }
  } else if (pending != pending_.end() && answer != nullptr) {
    step = pending->acceptance.answered(session_, *answer);
  } else {
    protocol_broken(connection, side, "a connection that does not begin with a handshake");
    return;
  }
  if (const auto* challenge = std::get_if<frame::Challenge>(&step)) {
    environment_.network.write(connection, side, make_control_frame(*challenge));
    return;
  }
  Acceptance acceptance;
  if (pending != pending_.end()) {
    acceptance = pending->acceptance;
    pending_.erase(pending);
  }
  if (const auto* why = std::get_if<frame::Refuse>(&step)) {
    refuse(connection, side, *why);
  } else {
    accept(connection, side, acceptance);
  }
}

void PeerLink::refuse(const ConnectionPtr& connection, std::size_t side,
                      const frame::Refuse& why) {
  environment_.network.write(connection, side, make_control_frame(why));
  environment_.network.close(connection, side);
}

void PeerLink::accept(const ConnectionPtr& connection, std::size_t side,
                      const Acceptance& acceptance) {
  if (connection_) drop();
  open(connection, side);
  session_.accept(acceptance.hello(), acceptance.challenge(), environment_.now_ms());
  settle();
}

bool PeerLink::head_arrived(const ConnectionPtr& connection, std::size_t side,
                            const OutgoingFrame& frame, LeaseId lease) {
  auto decoded = decode(frame);
  if (!decoded) {
    protocol_broken(connection, side, decoded.error());
    return false;
  }
  bytes_received_ += frame.head.size();
  if (connection_ != connection) {
    handshake_arrived(connection, side, *decoded);
    return false;
  }
  if (lease != LeaseId{}) {
    if (!device_->lends(lease)) {
      protocol_broken(connection, side, "a payload in a lease it does not have");
    } else {
      leased_message_arrived(*std::move(decoded), frame.payload.size(), lease);
      settle();
    }
    return false;
  }
  auto outcome =
      session_.frame_arrived(*std::move(decoded), frame.payload.size(), environment_.now_ms());
  const bool wants_payload = outcome.next == FrameOutcome::Next::kPayload;
  if (wants_payload) destination_ = std::move(outcome.destination);
  settle();
  return wants_payload && connection_ == connection;
}

void PeerLink::leased_message_arrived(Frame message, std::uint64_t payload_bytes, LeaseId lease) {
  const auto outcome =
      session_.frame_arrived(std::move(message), payload_bytes, environment_.now_ms(), lease);
  device_->end_lease(lease);  // if the message was not let to use it
  if (outcome.next != FrameOutcome::Next::kPayload) return;
  bytes_received_ += payload_bytes;
  payload_bytes_written_here_ += payload_bytes;
  (void)session_.payload_arrived(environment_.now_ms());
}

void PeerLink::payload_arrived(const ConnectionPtr& connection, const OutgoingFrame& frame) {
  NB_CHECK(connection_ == connection);
  bytes_received_ += frame.payload.size();
  if (!destination_.bytes.empty()) {
    std::ranges::copy(frame.payload.bytes(), destination_.bytes.begin());
  }
  (void)session_.payload_arrived(environment_.now_ms());
  destination_ = {};
  settle();
}

void PeerLink::broken(const ConnectionPtr& connection, std::size_t side) {
  if (connection_ == connection) {
    drop();
  } else {
    environment_.network.close(connection, side);
  }
}

void PeerLink::writable(const ConnectionPtr& connection) {
  if (connection_ == connection) pump();
}

void PeerLink::protocol_broken(const ConnectionPtr& connection, std::size_t side,
                               const std::string& how) {
  environment_.observer.protocol_broken(peer_.id, how);
  if (connection_ == connection) session_.give_up(GoodbyeReason::kProtocolError, how);
  broken(connection, side);
}

void PeerLink::drop() {
  NB_CHECK(connection_);
  const bool was_up = session_.link_up();
  environment_.observer.link_lost(peer_.id);
  pump();  // a goodbye, perhaps
  environment_.network.close(connection_, side_);
  connection_.reset();
  payload_bytes_written_ += device_->bytes_written();
  std::exchange(device_, nullptr)->end_leases();
  destination_ = {};
  if (!session_.link_down()) session_.disconnected(environment_.now_ms());
  if (session_.identity().dials()) {
    if (was_up) wait_ms_ = 0;
    dial_later();
  }
  arm_timer();
}

// ---- the device ----

void PeerLink::device_says(const ConnectionPtr& connection, const DeviceMessage& message) {
  if (connection_ != connection) return;
  if (const auto* wanted = std::get_if<frame::LeaseWanted>(&message)) {
    // The peer may consider the link up before this end does.
    device_->wanted(*wanted, session_.link_up() && !session_.ending());
  } else if (const auto* granted = std::get_if<frame::LeaseGranted>(&message)) {
    if (auto ready = device_->granted(*granted)) write(std::move(ready->frame), ready->lease);
  } else {
    device_->returned(std::get<frame::LeaseReturned>(message));
  }
  settle();
}

void PeerLink::device_writes(const ConnectionPtr& connection, LeaseId lease,
                             std::span<const std::byte> bytes) {
  if (connection_ == connection) device_->peer_writes(lease, bytes);
}

// ---- the session ----

void PeerLink::settle() {
  if (environment_.stalled) return;
  if (session_.tick(environment_.now_ms())) {
    drop();
    return;
  }
  pump();
  arm_timer();
}

// Frames other than Messages overtake one that waits for space.
void PeerLink::pump() {
  if (!connection_ || environment_.stalled) return;
  const std::uint64_t now_ms = environment_.now_ms();
  while (environment_.network.room(*connection_, side_)) {
    if (auto control = session_.next_control(now_ms)) {
      write(std::move(control), {});
      continue;
    }
    if (device_->holds_a_message()) return;
    auto message = session_.next_message(now_ms);
    if (message == nullptr) return;
    if (!device_->takes(*message)) {
      write(std::move(message), {});
    } else if (auto ready = device_->send(std::move(message))) {
      write(std::move(ready->frame), ready->lease);
    }
  }
}

void PeerLink::write(std::shared_ptr<const OutgoingFrame> frame, LeaseId lease) {
  bytes_sent_ += frame->size();
  environment_.network.write(connection_, side_, std::move(frame), lease);
}

void PeerLink::arm_timer() {
  if (session_.next_tick_ms() == Session::kNever) return;
  const std::uint64_t due_ms = std::max(session_.next_tick_ms(), environment_.now_ms());
  if (due_ms >= armed_ms_) return;
  armed_ms_ = due_ms;
  environment_.network.clock().at(due_ms, [weak = weak_from_this(), due_ms] {
    const auto self = weak.lock();
    if (!self) return;
    if (self->armed_ms_ == due_ms) self->armed_ms_ = Session::kNever;
    self->settle();
  });
}

// ---- the agent ----

void PeerLink::send(const PeerMessage& message, Payload payload) {
  session_.send(message, std::move(payload));
  if (session_.ending()) arm_timer();
}

void PeerLink::give_up(const std::string& reason) {
  session_.give_up(GoodbyeReason::kGivenUp, reason);
  arm_timer();
}

void PeerLink::memory_ends(std::span<std::byte> arena) {
  if (device_) device_->memory_ends(arena);
}

LinkStatus PeerLink::status() const {
  LinkStatus status = session_.status(peer_);
  status.transport = "sim";
  status.bytes_sent = bytes_sent_;
  status.bytes_received = bytes_received_;
  status.payload_bytes_written = payload_bytes_written_;
  status.payload_bytes_written_here = payload_bytes_written_here_;
  if (device_) status.payload_bytes_written += device_->bytes_written();
  return status;
}

}  // namespace netbinder::sim
