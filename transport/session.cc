// SPDX-License-Identifier: Apache-2.0
#include "transport/session.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "transport/codec.h"

namespace netbinder {
namespace {

std::string_view name(GoodbyeReason reason) {
  switch (reason) {
    case GoodbyeReason::kShutdown:
      return "shutdown";
    case GoodbyeReason::kGivenUp:
      return "given up";
    case GoodbyeReason::kProtocolError:
      return "protocol error";
    case GoodbyeReason::kOverflow:
      return "overflow";
  }
  return "unknown";
}

}  // namespace

SessionIdentity SessionIdentity::of(const TransportConfig& config, const PeerConfig& peer) {
  return {.cluster = config.cluster,
          .host = config.host,
          .host_name = config.host_name,
          .incarnation = config.incarnation,
          .peer = peer.id,
          .peer_name = peer.name};
}

Session::Session(SessionIdentity identity, const SessionTiming& timing, const SessionLimits& limits,
                 PeerEvents& events, std::function<std::uint64_t()> new_session_id)
    : identity_(std::move(identity)),
      timing_(timing),
      limits_(limits),
      events_(events),
      new_session_id_(std::move(new_session_id)) {
  NB_CHECK(identity_.host.value() != 0 && identity_.peer.value() != 0);
  NB_CHECK(identity_.host != identity_.peer && identity_.incarnation.value() != 0);
}

// --- Beginning and end of a session

void Session::establish(SessionId id, Incarnation peer_incarnation, std::uint64_t now_ms) {
  NB_CHECK(!live());
  if (peer_incarnation_ != peer_incarnation) {
    if (peer_incarnation_.value() != 0) {
      dead_incarnations_.push_back(peer_incarnation_);
      if (dead_incarnations_.size() > limits::kMaxDeadIncarnations) dead_incarnations_.pop_front();
    }
    peer_incarnation_ = peer_incarnation;
    peer_attempt_ = 0;
  }
  session_ = Live{.id = id,
                  .peer_incarnation = peer_incarnation,
                  .window = SendWindow(limits_),
                  .suspended_ms = now_ms,
                  .payload = {}};
  ++counters_.established;
}

void Session::lose(std::string reason) {
  auto& live = std::get<Live>(session_);
  NB_CHECK(std::holds_alternative<std::monostate>(live.payload));
  session_ = None{};
  ending_.reset();
  ack_due_ms_ = kNever;
  ack_wanted_ = false;
  loss_reason_ = std::move(reason);
  ++counters_.lost;
  events_.session_lost(identity_.peer);
}

bool Session::dead(Incarnation incarnation) const {
  return std::ranges::find(dead_incarnations_, incarnation) != dead_incarnations_.end();
}

bool Session::expired(std::uint64_t now_ms) const {
  const auto* live = std::get_if<Live>(&session_);
  return live != nullptr && !link_up() && now_ms >= live->suspended_ms + timing_.timeout_ms;
}

void Session::give_up(GoodbyeReason reason, std::string detail) {
  if (!live() || ending_) return;
  ending_ = Ending{.reason = reason, .detail = std::move(detail)};
  if (link_up()) {
    queue(frame::Goodbye{.reason = reason, .detail = ending_->detail});
  }
}

FrameOutcome Session::violation(std::string detail) {
  if (live()) {
    give_up(GoodbyeReason::kProtocolError, std::move(detail));
  } else {
    close_reason_ = std::move(detail);
  }
  return {.next = FrameOutcome::Next::kStop, .destination = {}};
}

FrameOutcome Session::useless_link(std::string detail) {
  close_reason_ = std::move(detail);
  return {.next = FrameOutcome::Next::kStop, .destination = {}};
}

// --- The link

void Session::connected(std::uint64_t now_ms) {
  NB_CHECK(identity_.dials() && link_down() && !ending_);
  const auto* live = std::get_if<Live>(&session_);
  link_ = Greeting{.since_ms = now_ms};
  last_heard_ms_ = last_sent_ms_ = last_tick_ms_ = now_ms;
  queue(frame::Hello{
      .cluster = identity_.cluster,
      .host = identity_.host,
      .host_name = identity_.host_name,
      .incarnation = identity_.incarnation,
      .peer = identity_.peer,
      .peer_incarnation = live != nullptr ? live->peer_incarnation : Incarnation(0),
      .session = live != nullptr ? live->id : SessionId(0),
      .received = Sequence(live != nullptr ? live->received : 0),
      .attempt = ++attempt_,
  });
}

std::optional<frame::Refuse> Session::refusal(const frame::Hello& hello) const {
  const auto refuse = [](RefuseReason reason, std::string detail) {
    return frame::Refuse{.reason = reason, .detail = std::move(detail)};
  };
  if (hello.protocol_version != kProtocolVersion) {
    return refuse(RefuseReason::kVersion,
                  "protocol version " + std::to_string(kProtocolVersion) + " is spoken here");
  }
  if (hello.cluster != identity_.cluster) {
    return refuse(RefuseReason::kCluster, "this is cluster '" + identity_.cluster + "'");
  }
  if (hello.host != identity_.peer || hello.peer != identity_.host) {
    return refuse(RefuseReason::kUnknownHost,
                  "this is host " + std::to_string(identity_.host.value()));
  }
  if (hello.host_name != identity_.peer_name) {
    return refuse(RefuseReason::kHostName, "host " + std::to_string(identity_.peer.value()) +
                                               " is called '" + identity_.peer_name + "' here");
  }
  if (identity_.dials()) return refuse(RefuseReason::kDirection, "the higher host dials");
  if (hello.incarnation.value() == 0 || dead(hello.incarnation)) {
    return refuse(RefuseReason::kStaleIncarnation, "another agent has been this host since");
  }
  if (hello.incarnation == peer_incarnation_ && hello.attempt <= peer_attempt_) {
    return refuse(RefuseReason::kStaleAttempt, "a later connection was here before");
  }
  return std::nullopt;
}

void Session::accept(const frame::Hello& hello, std::uint64_t now_ms) {
  NB_CHECK(link_down() && !refusal(hello));
  if (ending_) lose(ending_->detail);
  if (expired(now_ms)) lose("no link within the session timeout");

  auto* live = std::get_if<Live>(&session_);
  const bool resume =
      live != nullptr && hello.session == live->id && hello.incarnation == live->peer_incarnation &&
      hello.peer_incarnation == identity_.incarnation && live->window.rewind(hello.received);
  if (!resume) {
    if (live != nullptr) {
      lose(hello.incarnation != live->peer_incarnation ? "the peer was restarted"
                                                       : "the peer has given the session up");
    }
    establish(SessionId(new_session_id_()), hello.incarnation, now_ms);
    live = &std::get<Live>(session_);
    NB_CHECK(live->id.value() != 0);
  } else {
    ++counters_.resumed;
  }
  peer_attempt_ = hello.attempt;
  link_ = Up{};
  last_heard_ms_ = last_sent_ms_ = last_tick_ms_ = now_ms;
  queue(frame::Welcome{.host = identity_.host,
                       .host_name = identity_.host_name,
                       .incarnation = identity_.incarnation,
                       .session = live->id,
                       .received = Sequence(live->received)},
        Sequence(live->received));
  if (!resume) events_.session_established(identity_.peer, hello.incarnation);
}

FrameOutcome Session::welcome_arrived(const frame::Welcome& welcome, std::uint64_t now_ms) {
  if (welcome.host != identity_.peer || welcome.host_name != identity_.peer_name) {
    return useless_link("host " + std::to_string(welcome.host.value()) + " '" + welcome.host_name +
                        "' answers there");
  }
  if (welcome.incarnation.value() == 0 || dead(welcome.incarnation) ||
      welcome.session.value() == 0) {
    return useless_link("an earlier agent of the host answers");
  }
  auto* live = std::get_if<Live>(&session_);
  if (live != nullptr && welcome.session == live->id) {
    if (welcome.incarnation != live->peer_incarnation || !live->window.rewind(welcome.received)) {
      return violation("welcome to the session that does not fit it");
    }
    live->told = live->received;  // Hello said so
    live->untold_bytes = 0;
    link_ = Up{};
    ++counters_.resumed;
    return {};
  }
  if (welcome.received.value() != 0) return useless_link("welcome to an unknown session");
  if (live != nullptr) {
    lose(welcome.incarnation != live->peer_incarnation ? "the peer was restarted"
                                                       : "the peer has given the session up");
  }
  establish(welcome.session, welcome.incarnation, now_ms);
  link_ = Up{};
  events_.session_established(identity_.peer, welcome.incarnation);
  return {.next = ending_ ? FrameOutcome::Next::kStop : FrameOutcome::Next::kReadOn,
          .destination = {}};
}

void Session::disconnected(std::uint64_t now_ms) {
  NB_CHECK(!link_down());
  const bool was_up = link_up();
  link_ = Down{};
  control_.clear();
  close_reason_.reset();
  ack_due_ms_ = kNever;
  ack_wanted_ = false;
  auto* live = std::get_if<Live>(&session_);
  if (live == nullptr) return;
  // A failed handshake does not count as having had a link.
  if (was_up) live->suspended_ms = now_ms;
  abandon_payload(*live);
  if (ending_) lose(ending_->detail);
}

void Session::abandon_payload(Live& live) {
  auto payload = std::exchange(live.payload, std::monostate{});
  if (const auto* arriving = std::get_if<Arriving>(&payload)) {
    events_.payload_abandoned(identity_.peer, arriving->content);
  }
}

FrameOutcome Session::frame_arrived(Frame frame, std::uint64_t payload_bytes, std::uint64_t now_ms,
                                    LeaseId lease) {
  NB_CHECK(!link_down());
  heard(now_ms);
  if (ending_ || close_reason_) return {.next = FrameOutcome::Next::kStop, .destination = {}};

  if (std::holds_alternative<Greeting>(link_)) {
    if (const auto* welcome = std::get_if<frame::Welcome>(&frame)) {
      return welcome_arrived(*welcome, now_ms);
    }
    if (const auto* refuse = std::get_if<frame::Refuse>(&frame)) {
      return useless_link("refused: " + refuse->detail);
    }
    return useless_link("not an answer to a greeting");
  }

  NB_CHECK(live());
  if (auto* message = std::get_if<frame::Message>(&frame)) {
    return message_arrived(std::move(*message), payload_bytes, lease, now_ms);
  }
  if (const auto* ack = std::get_if<frame::Ack>(&frame)) {
    if (!acknowledged(ack->received)) return violation("acknowledgement of what was not sent");
    return {};
  }
  if (const auto* heartbeat = std::get_if<frame::Heartbeat>(&frame)) {
    if (!acknowledged(heartbeat->received)) {
      return violation("acknowledgement of what was not sent");
    }
    return {};
  }
  if (const auto* goodbye = std::get_if<frame::Goodbye>(&frame)) {
    ending_ = Ending{.reason = goodbye->reason,
                     .detail = "the peer said goodbye (" + std::string(name(goodbye->reason)) +
                               "): " + goodbye->detail};
    return {.next = FrameOutcome::Next::kStop, .destination = {}};
  }
  return violation("a handshake inside a session");
}

FrameOutcome Session::message_arrived(frame::Message message, std::uint64_t payload_bytes,
                                      LeaseId lease, std::uint64_t now_ms) {
  auto& live = std::get<Live>(session_);
  NB_CHECK(std::holds_alternative<std::monostate>(live.payload));
  if (!acknowledged(message.received)) return violation("acknowledgement of what was not sent");

  if (message.sequence.value() <= live.received) {
    ++counters_.duplicates;
    if (payload_bytes == 0) return {};
    live.payload = Duplicate{};
    return {.next = FrameOutcome::Next::kPayload, .destination = {}};
  }
  if (message.sequence.value() != live.received + 1) {
    return violation("message " + std::to_string(message.sequence.value()) + " after " +
                     std::to_string(live.received));
  }
  if (!has_payload(message.content)) {
    return deliver(message.sequence, std::move(message.content), 0, now_ms);
  }
  auto& arriving = live.payload.emplace<Arriving>(
      Arriving{message.sequence, std::move(message.content), payload_bytes});
  auto destination =
      events_.payload_arriving(identity_.peer, arriving.content, payload_bytes, lease);
  NB_CHECK(destination.bytes.empty() || destination.bytes.size() == payload_bytes);
  if (ending_) return {.next = FrameOutcome::Next::kStop, .destination = {}};
  if (payload_bytes == 0) return payload_arrived(now_ms);
  return {.next = FrameOutcome::Next::kPayload, .destination = std::move(destination)};
}

FrameOutcome Session::payload_arrived(std::uint64_t now_ms) {
  heard(now_ms);
  auto& live = std::get<Live>(session_);
  if (ending_) return {.next = FrameOutcome::Next::kStop, .destination = {}};
  auto payload = std::exchange(live.payload, std::monostate{});
  NB_CHECK(!std::holds_alternative<std::monostate>(payload));
  if (auto* arriving = std::get_if<Arriving>(&payload)) {
    return deliver(arriving->sequence, std::move(arriving->content), arriving->bytes, now_ms);
  }
  return {};
}

FrameOutcome Session::deliver(Sequence sequence, PeerMessage content, std::uint64_t bytes,
                              std::uint64_t now_ms) {
  auto& live = std::get<Live>(session_);
  NB_CHECK(sequence.value() == live.received + 1);
  live.received = sequence.value();
  live.untold_bytes += bytes;
  ++counters_.messages_received;
  owe_acknowledgement(now_ms);
  events_.message_arrived(identity_.peer, std::move(content));
  return {.next = ending_ ? FrameOutcome::Next::kStop : FrameOutcome::Next::kReadOn,
          .destination = {}};
}

bool Session::acknowledged(Sequence received) {
  return std::get<Live>(session_).window.acknowledge(received);
}

void Session::owe_acknowledgement(std::uint64_t now_ms) {
  const auto& live = std::get<Live>(session_);
  if (live.received - live.told >= limits::kAckEveryMessages ||
      live.untold_bytes >= limits::kAckEveryBytes) {
    ack_wanted_ = true;
  } else if (ack_due_ms_ == kNever) {
    ack_due_ms_ = now_ms + timing_.ack_delay_ms;
  }
}

// --- Outgoing

void Session::queue(const Frame& frame, Sequence received) {
  auto out = make_control_frame(frame);
  out->received = received;
  control_.push_back(std::move(out));
}

void Session::send(const PeerMessage& message, Payload payload) {
  auto* live = std::get_if<Live>(&session_);
  if (live == nullptr || ending_) return;
  auto out = std::make_shared<OutgoingFrame>();
  out->sequence = live->window.next_sequence();
  out->received = Sequence(live->received);
  const auto encoded =
      encode_message(out->sequence, out->received, message, payload.size(), out->head);
  if (!encoded) {
    give_up(GoodbyeReason::kGivenUp, "a message that cannot be sent: " + encoded.error());
    return;
  }
  out->recipient = payload_recipient(message);
  out->payload = std::move(payload);
  if (!live->window.has_room(out->size())) {
    give_up(GoodbyeReason::kOverflow,
            std::to_string(live->window.messages()) + " messages wait for the peer");
    return;
  }
  live->window.push(std::move(out));
  ++counters_.messages_sent;
}

bool Session::has_frame() const {
  if (link_down()) return false;
  if (!control_.empty()) return true;
  return link_up() && !ending_ && (ack_wanted_ || std::get<Live>(session_).window.has_next());
}

std::shared_ptr<const OutgoingFrame> Session::next_frame(std::uint64_t now_ms) {
  if (auto frame = next_control(now_ms)) return frame;
  return next_message(now_ms);
}

std::shared_ptr<const OutgoingFrame> Session::next_control(std::uint64_t now_ms) {
  if (!has_frame()) return nullptr;
  if (control_.empty() && ack_wanted_) {
    const Sequence received(std::get<Live>(session_).received);
    queue(frame::Ack{.received = received}, received);
  }
  if (control_.empty()) return nullptr;
  const auto frame = std::move(control_.front());
  control_.pop_front();
  last_sent_ms_ = now_ms;
  told(*frame);
  return frame;
}

std::shared_ptr<const OutgoingFrame> Session::next_message(std::uint64_t now_ms) {
  if (!link_up() || ending_) return nullptr;
  auto frame = std::get<Live>(session_).window.next();
  if (!frame) return nullptr;
  last_sent_ms_ = now_ms;
  told(*frame);
  return frame;
}

// A message that was only queued acknowledges nothing yet. Otherwise two ends could wait forever
// for each other's acknowledgement, each inside a message which waits for it.
void Session::told(const OutgoingFrame& frame) {
  auto* live = std::get_if<Live>(&session_);
  if (live == nullptr || frame.received.value() <= live->told) return;
  live->told = frame.received.value();
  if (live->told == live->received) {
    live->untold_bytes = 0;
    ack_due_ms_ = kNever;
    ack_wanted_ = false;
  }
}

LinkStatus Session::status(const PeerConfig& peer) const {
  LinkStatus status;
  status.peer = peer.id;
  status.name = peer.name;
  status.address = peer.address;
  status.state = !live() ? "connecting" : link_up() ? "established" : "suspended";
  status.messages_sent = counters_.messages_sent;
  status.messages_received = counters_.messages_received;
  status.reconnects = counters_.resumed;
  status.unacknowledged_bytes = backlog_bytes();
  return status;
}

SessionId Session::id() const {
  const auto* live = std::get_if<Live>(&session_);
  return live != nullptr ? live->id : SessionId(0);
}

std::uint64_t Session::backlog_bytes() const {
  const auto* live = std::get_if<Live>(&session_);
  return live != nullptr ? live->window.bytes() : 0;
}

// --- Time

std::optional<std::string> Session::tick(std::uint64_t now_ms) {
  const bool stalled = now_ms - last_tick_ms_ > timing_.suspect_ms / 2;
  last_tick_ms_ = now_ms;

  if (ending_) {
    if (!link_down()) return ending_->detail;
    lose(ending_->detail);
    return std::nullopt;
  }
  if (close_reason_) return close_reason_;
  if (expired(now_ms)) {
    const bool greeting = !link_down();
    lose("no link within the session timeout");
    // The greeting asked for a session that has ended.
    if (greeting) return "the session timed out during the handshake";
    return std::nullopt;
  }
  if (const auto* greeting = std::get_if<Greeting>(&link_)) {
    if (now_ms >= greeting->since_ms + timing_.handshake_ms) return "no answer to the greeting";
    return std::nullopt;
  }
  if (!link_up()) return std::nullopt;

  if (now_ms >= last_heard_ms_ + timing_.suspect_ms) {
    if (!stalled) return "nothing heard for the suspicion time";
    last_heard_ms_ = now_ms;
  }
  if (now_ms >= ack_due_ms_) {
    ack_due_ms_ = kNever;
    ack_wanted_ = true;
  }
  if (now_ms >= last_sent_ms_ + timing_.heartbeat_ms) {
    // Counts as sent even if the link takes nothing, so that a full link is not asked more often.
    last_sent_ms_ = now_ms;
    if (!has_frame()) {
      const Sequence received(std::get<Live>(session_).received);
      queue(frame::Heartbeat{.received = received}, received);
    }
  }
  return std::nullopt;
}

std::uint64_t Session::next_tick_ms() const {
  if (ending_ || close_reason_) return 0;
  std::uint64_t next = kNever;
  if (link_up()) {
    next = std::min(
        {last_sent_ms_ + timing_.heartbeat_ms, last_heard_ms_ + timing_.suspect_ms, ack_due_ms_});
  } else if (const auto* live = std::get_if<Live>(&session_)) {
    next = live->suspended_ms + timing_.timeout_ms;
  }
  if (const auto* greeting = std::get_if<Greeting>(&link_)) {
    next = std::min(next, greeting->since_ms + timing_.handshake_ms);
  }
  return next;
}

}  // namespace netbinder
