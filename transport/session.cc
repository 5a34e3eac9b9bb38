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
          .peer_name = peer.name,
          .key = ClusterKey(config.cluster_key),
          .newest = config.newest_version};
}

Session::Session(SessionIdentity identity, const SessionTiming& timing, const SessionLimits& limits,
                 PeerEvents& events, std::function<std::uint64_t()> random)
    : identity_(std::move(identity)),
      timing_(timing),
      limits_(limits),
      events_(events),
      random_(std::move(random)),
      proposed_(identity_.newest) {
  NB_CHECK(is_spoken(identity_.newest));
  NB_CHECK(identity_.host.value() != 0 && identity_.peer.value() != 0);
  NB_CHECK(identity_.host != identity_.peer && identity_.incarnation.value() != 0);
}

// --- Beginning and end of a session

void Session::establish(SessionId id, Incarnation peer_incarnation, WireVersion version,
                        std::uint64_t now_ms) {
  NB_CHECK(!live());
  session_ = Live{.id = id,
                  .peer_incarnation = peer_incarnation,
                  .version = version,
                  .window = SendWindow(limits_),
                  .suspended_ms = now_ms,
                  .payload = {}};
  proposed_ = version;
  ++counters_.established;
}

void Session::lose(std::string reason) {
  auto& live = std::get<Live>(session_);
  NB_CHECK(std::holds_alternative<std::monostate>(live.payload));
  session_ = None{};
  proposed_ = identity_.newest;
  ending_.reset();
  ack_due_ms_ = kNever;
  ack_wanted_ = false;
  loss_reason_ = std::move(reason);
  ++counters_.lost;
  events_.session_lost(identity_.peer);
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

  if (std::holds_alternative<Greeting>(link_)) return greeted(frame, now_ms);

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
    if (heartbeat->clock_ms != 0 && wall_clock_ms_) {
      // A peer may say any number; a thousand years are as good as any more.
      constexpr std::int64_t kMost = 1'000LL * 366 * 24 * 60 * 60 * 1000;
      const auto ahead = static_cast<std::int64_t>(heartbeat->clock_ms - wall_clock_ms_());
      clock_ahead_ms_ = std::clamp(ahead, -kMost, kMost);
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
  if (first_version_of(message.content) > live.version) {
    return violation("a message that version " + std::to_string(live.version.value()) +
                     " does not have");
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
  NB_CHECK(first_version_of(message) <= live->version);
  std::shared_ptr<OutgoingFrame> out = live->window.fresh_frame();
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
  const auto* session = std::get_if<Live>(&session_);
  status.version = session != nullptr ? session->version.value() : 0;
  status.state = !live() ? "connecting" : link_up() ? "established" : "suspended";
  status.messages_sent = counters_.messages_sent;
  status.messages_received = counters_.messages_received;
  status.reconnects = counters_.resumed;
  status.sessions = counters_.established;
  status.sessions_lost = counters_.lost;
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
      queue(
          frame::Heartbeat{.received = received, .clock_ms = wall_clock_ms_ ? wall_clock_ms_() : 0},
          received);
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
