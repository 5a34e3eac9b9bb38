// SPDX-License-Identifier: Apache-2.0
//
// The sending half of an endpoint: messages go in their order, each when its payload has a place.
// Frames about leases go before them.
#include <algorithm>
#include <boost/asio/post.hpp>

#include "core/base/check.h"
#include "transport/codec.h"
#include "transport/rdma/endpoint.h"

namespace netbinder::rdma {

namespace {

// How much to ask for ahead: the next payload may be a little larger.
std::uint64_t bytes_ahead(std::uint64_t bytes) {
  constexpr std::uint64_t kPage = 4096;
  return std::min((bytes + bytes / 8 + kPage - 1) / kPage * kPage, limits::kMaxPayloadBytes);
}

}  // namespace

void Endpoint::pump() {
  if (closed_ || !peer_ready_ || !failure_.empty()) return;
  prepare_messages();
  while (sending_ || next_frame()) {
    if (!continue_frame()) break;
    prepare_messages();
  }
  return_credit();
  (void)post();
}

bool Endpoint::post() {
  const int error = send_queue_->post();
  until_posted_.clear();
  if (error == 0) return true;
  if (failure_.empty()) {
    failure_ = "cannot post a send: error " + std::to_string(-error);
    boost::asio::post(adapter_->io(), [self = shared_from_this()] { self->report_failure(); });
  }
  return false;
}

// ---- Messages ----

void Endpoint::prepare_messages() {
  while (state_ == State::kSending && prepared_.size() < kMaxPrepared) {
    auto frame = owner_.next_message();
    if (!frame) return;
    prepared_.push_back(prepare(std::move(frame)));
  }
}

Endpoint::Prepared Endpoint::prepare(std::shared_ptr<const OutgoingFrame> frame) {
  const std::uint64_t bytes = frame->payload.size();
  const bool by_copy = bytes < kLeasedPayloadBytes || !frame->recipient ||
                       !staging_->holds(frame->payload.bytes()) || writes_for(bytes) >= kMaxChain;
  const auto recipient = by_copy ? std::nullopt : frame->recipient;
  Prepared prepared{.frame = std::move(frame), .payload = ByCopy{}, .ask_after = {}};
  if (by_copy) return prepared;

  const auto use = held_.use_of(*recipient);
  std::optional<HeldLease> lease;
  std::optional<Asked> ahead;
  if (use) {
    lease = held_.take(*use, bytes);
    if (asked_.size() < kMaxAsked && held_.ask_ahead(*use, Adapter::now_ms())) {
      ahead = Asked{.wanted = {.number = 0, .request = recipient->request}, .ahead_for = use};
      ahead->wanted.request.bytes = bytes_ahead(bytes);
      ahead->wanted.request.ahead = true;
    }
  }
  if (lease) {
    prepared.payload = *lease;
    // The call being answered identifies the process only until the answer has arrived.
    const bool reply = std::holds_alternative<CallId>(recipient->request.recipient);
    if (ahead && reply) {
      ask(std::move(*ahead));
    } else {
      prepared.ask_after = std::move(ahead);
    }
    return prepared;
  }
  prepared.payload = AwaitsLease{.number = next_number_};
  ask({.wanted = {.number = 0, .request = recipient->request}, .ahead_for = {}});
  if (ahead) ask(std::move(*ahead));
  return prepared;
}

void Endpoint::ask(Asked asked) {
  asked.wanted.number = next_number_++;
  control(asked.wanted);
  asked_.push_back(std::move(asked));
}

// ---- Frames ----

void Endpoint::control(const Frame& frame, bool answer) {
  control_.push_back({.frame = make_control_frame(frame), .answer = answer});
  if (answer) ++unanswered_;
}

// Begins the next frame, if one can go.
bool Endpoint::next_frame() {
  if (!control_.empty()) {
    Control& next = control_.front();
    if (next.answer) --unanswered_;
    sending_.emplace(Sending{.frame = std::move(next.frame), .lease = {}, .ask_after = {}});
    control_.pop_front();
    return true;
  }
  if (prepared_.empty() || std::holds_alternative<AwaitsLease>(prepared_.front().payload)) {
    return false;
  }
  Prepared& next = prepared_.front();
  sending_.emplace(
      Sending{.frame = std::move(next.frame), .lease = {}, .ask_after = std::move(next.ask_after)});
  if (const auto* lease = std::get_if<HeldLease>(&next.payload)) sending_->lease = *lease;
  prepared_.pop_front();
  return true;
}

// True when all of the frame is in the chain. False if credit or room is lacking, or the queue pair
// has failed.
bool Endpoint::continue_frame() {
  Sending& sending = *sending_;
  const OutgoingFrame& frame = *sending.frame;
  const auto message = std::span<const std::byte>(frame.head).subspan(kFramePrefixBytes);
  const std::span<const std::byte> whole_payload = frame.payload.bytes();
  const auto payload = sending.lease ? std::span<const std::byte>{} : whole_payload;
  const bool registered = staging_->holds(payload);
  const std::uint64_t total = message.size() + payload.size();
  while (sending.sent < total) {
    const std::size_t writes =
        sending.lease && !sending.begun ? writes_for(whole_payload.size()) : 0;
    if (!send_queue_->has_room(SendQueue::Use::kFrame, writes)) {
      if (!post() || !send_queue_->has_room(SendQueue::Use::kFrame, writes)) return false;
    }
    if (credits_ == 0) return false;
    if (writes > 0) write_payload(whole_payload, *sending.lease);

    SegmentHeader header{.kind = SegmentKind::kRest, .credits = take_owed()};
    if (!sending.begun) {
      header.kind = SegmentKind::kFrame;
      header.message_bytes = static_cast<std::uint32_t>(message.size());
      header.payload_bytes = whole_payload.size();
      header.lease = sending.lease ? sending.lease->id.value() : 0;
    }
    std::uint64_t room = segment_bytes_ - sizeof header;
    const auto message_part =
        message.subspan(std::min<std::uint64_t>(sending.sent, message.size()));
    const auto message_now = message_part.first(std::min<std::uint64_t>(room, message_part.size()));
    room -= message_now.size();
    const std::uint64_t payload_sent =
        sending.sent > message.size() ? sending.sent - message.size() : 0;
    const auto payload_part = payload.subspan(payload_sent);
    const auto payload_now = payload_part.first(std::min<std::uint64_t>(room, payload_part.size()));
    counters_.payload_bytes_copied +=
        send_queue_->send(header, message_now, payload_now,
                          registered ? std::optional(staging_region_->local_key()) : std::nullopt);
    counters_.bytes_sent += sizeof header + message_now.size() + payload_now.size();
    if (until_posted_.empty() || until_posted_.back() != sending.frame) {
      until_posted_.push_back(sending.frame);
    }
    --credits_;
    sending.begun = true;
    sending.sent += message_now.size() + payload_now.size();
  }
  if (sending.lease || registered) {
    send_queue_->signal_last();
    being_read_.push_back({.last = send_queue_->last(), .frame = sending.frame});
  }
  auto ask_after = std::move(sending.ask_after);
  sending_.reset();
  if (ask_after) ask(std::move(*ask_after));
  return true;
}

std::size_t Endpoint::writes_for(std::uint64_t bytes) const {
  const std::uint64_t most =
      std::min<std::uint64_t>(kMaxWriteBytes, adapter_->device().max_message_bytes());
  return (bytes + most - 1) / most;
}

void Endpoint::write_payload(std::span<const std::byte> payload, const HeldLease& lease) {
  const std::uint64_t most =
      std::min<std::uint64_t>(kMaxWriteBytes, adapter_->device().max_message_bytes());
  for (std::uint64_t done = 0; done < payload.size(); done += most) {
    const auto part = payload.subspan(done).first(std::min(most, payload.size() - done));
    send_queue_->write(part, staging_region_->local_key(), lease.address + done, lease.key);
  }
  counters_.bytes_sent += payload.size();
  counters_.payload_bytes_written += payload.size();
}

// ---- Credit ----

std::uint16_t Endpoint::take_owed() { return static_cast<std::uint16_t>(std::exchange(owed_, 0)); }

void Endpoint::return_credit() {
  if (owed_ < kCreditReturn) return;
  if (!send_queue_->has_room(SendQueue::Use::kCredit) &&
      (!post() || !send_queue_->has_room(SendQueue::Use::kCredit))) {
    return;  // completions are under way, and bring us back here
  }
  (void)send_queue_->send({.kind = SegmentKind::kCredit, .credits = take_owed()}, {}, {},
                          std::nullopt);
}

// ---- Idle leases ----

void Endpoint::watch_idle_leases() {
  if (idle_watched_ || held_.size() == 0) return;
  idle_watched_ = true;
  idle_timer_.expires_after(std::chrono::milliseconds(kLeaseIdleMs));
  idle_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!self || error || self->closed_) return;
    self->idle_watched_ = false;
    for (const LeaseId lease : self->held_.take_idle(Adapter::now_ms())) {
      self->control(frame::LeaseReturned{lease});
    }
    self->pump();
    self->watch_idle_leases();
  });
}

}  // namespace netbinder::rdma
