// SPDX-License-Identifier: Apache-2.0
//
// The receiving half of an endpoint: segments, the frames they make up, requests for leases.

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "transport/codec.h"
#include "transport/log.h"
#include "transport/rdma/endpoint.h"

namespace netbinder::rdma {

bool Endpoint::broken(const std::string& rule) {
  failure_ = "the peer broke the protocol: " + rule;
  broke_protocol_ = true;
  return false;
}

// Frames may arrive before the peer announces on the connection that it has switched.
bool Endpoint::waits(const Arrived& arrived) {
  if (receiving_ || arrived.bytes < sizeof(SegmentHeader)) return false;
  SegmentHeader header;
  std::memcpy(&header, slot(arrived.slot).data(), sizeof header);
  return header.kind == SegmentKind::kFrame || header.kind == SegmentKind::kRest;
}

bool Endpoint::serve(const Arrived& arrived) {
  const std::span<const std::byte> segment = slot(arrived.slot).first(arrived.bytes);
  SegmentHeader header;
  if (segment.size() < sizeof header) return broken("a segment without a header");
  std::memcpy(&header, segment.data(), sizeof header);
  const auto body = segment.subspan(sizeof header);
  if (header.credits > max_credits_ - credits_) return broken("credit for what was not sent");
  credits_ += header.credits;
  if (header.kind != SegmentKind::kCredit) ++owed_;
  if (header.reserved != 0) return broken("an unknown header");
  if (header.kind == SegmentKind::kFrame) return frame_begins(header, body);
  if (header.message_bytes != 0 || header.payload_bytes != 0 || header.lease != 0) {
    return broken("a header of no frame that describes one");
  }
  switch (header.kind) {
    case SegmentKind::kRest:
      return frame_goes_on(body);
    case SegmentKind::kProbe:
    case SegmentKind::kCredit:
      return body.empty() || broken("bytes in a segment that has none");
    case SegmentKind::kFrame:
      break;
  }
  return broken("an unknown kind of segment");
}

bool Endpoint::frame_begins(const SegmentHeader& header, std::span<const std::byte> body) {
  if (incomplete_) return broken("a frame inside a frame");
  if (header.message_bytes == 0 || header.message_bytes % 8 != 0 ||
      header.message_bytes > limits::kMaxMessageBytes) {
    return broken("a message of an impossible size");
  }
  if (header.payload_bytes > limits::kMaxPayloadBytes) return broken("payload too long");
  if (header.lease != 0) {
    const auto given = given_.find(LeaseId(header.lease));
    if (given == given_.end()) return broken("a payload in a lease it does not have");
    if (header.payload_bytes == 0 || header.payload_bytes > given->second.place.bytes.size()) {
      return broken("a payload larger than its lease");
    }
  }
  incomplete_ = Incomplete{.header = header, .message = {}, .destination = {}};
  return frame_goes_on(body);
}

bool Endpoint::frame_goes_on(std::span<const std::byte> body) {
  if (!incomplete_) return broken("the rest of no frame");
  if (body.empty()) return broken("a segment of nothing");
  Incomplete& frame = *incomplete_;
  if (!frame.message_complete) {
    const std::size_t wanted = frame.header.message_bytes - frame.message.size();
    const auto part = body.first(std::min(body.size(), wanted));
    body = body.subspan(part.size());
    const bool in_one_piece = part.size() == frame.header.message_bytes;
    if (!in_one_piece) frame.message.insert(frame.message.end(), part.begin(), part.end());
    if (part.size() < wanted) return true;
    frame.message_complete = true;
    if (!frame_complete(in_one_piece ? part : std::span<const std::byte>(frame.message))) {
      return false;
    }
    if (stopped_) return true;
  }
  if (!take_payload(body)) return false;
  if (frame.payload_left == 0) incomplete_.reset();
  return true;
}

bool Endpoint::take_payload(std::span<const std::byte> body) {
  Incomplete& frame = *incomplete_;
  if (body.size() > frame.payload_left) return broken("bytes behind a frame");
  if (body.empty()) return true;
  if (!frame.destination.bytes.empty()) {
    std::memcpy(frame.destination.bytes.last(frame.payload_left).data(), body.data(), body.size());
    counters_.payload_bytes_copied_here += body.size();
  }
  frame.payload_left -= body.size();
  if (frame.payload_left > 0) return true;
  frame.destination = {};
  stopped_ = owner_.message_payload_arrived().next == FrameOutcome::Next::kStop;
  return true;
}

bool Endpoint::frame_complete(std::span<const std::byte> message) {
  auto frame = decode_frame(message, incomplete_->header.payload_bytes);
  if (!frame) return broken(frame.error());
  if (std::holds_alternative<frame::Message>(*frame)) return message_arrived(std::move(*frame));
  if (incomplete_->header.lease != 0) return broken("a lease for no message");
  if (const auto* wanted = std::get_if<frame::LeaseWanted>(&*frame)) return handle(*wanted);
  if (const auto* granted = std::get_if<frame::LeaseGranted>(&*frame)) return handle(*granted);
  if (const auto* returned = std::get_if<frame::LeaseReturned>(&*frame)) return handle(*returned);
  return broken("a frame that belongs to the connection");
}

bool Endpoint::message_arrived(Frame frame) {
  const SegmentHeader header = incomplete_->header;
  const LeaseId lease(header.lease);
  auto outcome = owner_.message_arrived(std::move(frame), header.payload_bytes, lease);
  stopped_ = outcome.next == FrameOutcome::Next::kStop;
  if (lease == LeaseId{}) {
    if (outcome.next == FrameOutcome::Next::kPayload) {
      incomplete_->payload_left = header.payload_bytes;
      incomplete_->destination = std::move(outcome.destination);
    }
    return true;
  }
  const auto given = given_.find(lease);
  NB_CHECK(given != given_.end());
  arenas_->lease_ended(given->second.arena);
  given_.erase(given);
  owner_.lease_ended(lease);  // if the message was not let to use it
  if (stopped_) return true;
  counters_.payload_bytes_written_here += header.payload_bytes;
  stopped_ = owner_.message_payload_arrived().next == FrameOutcome::Next::kStop;
  return true;
}

bool Endpoint::handle(const frame::LeaseWanted& wanted) {
  if (unanswered_ == kMaxUnanswered)
    return broken("requests for leases, and no credit for answers");
  frame::LeaseGranted answer;
  answer.number = wanted.number;
  answer.bytes = wanted.request.bytes;
  std::optional<LeasedPlace> place;
  if (given_.size() < kMaxGiven) place = owner_.lease_wanted(wanted.request);
  if (place) {
    const auto key = arenas_->lend(place->arena, place->place.owner);
    if (key) {
      answer.lease = place->id;
      answer.process = place->process;
      answer.address = reinterpret_cast<std::uintptr_t>(place->place.bytes.data());
      answer.key = *key;
      given_.emplace(place->id, Given{.place = std::move(place->place), .arena = place->arena});
    } else {
      // Logged once for each reason.
      if (std::exchange(cannot_lend_, key.error()) != key.error()) {
        log::rdma.warn("payloads to a program come in segments: {}", key.error());
      }
      owner_.lease_ended(place->id);
    }
  }
  control(answer, true);
  return true;
}

bool Endpoint::handle(const frame::LeaseGranted& granted) {
  if (asked_.empty() || asked_.front().wanted.number != granted.number) {
    return broken("a lease that was not asked for");
  }
  const Asked asked = std::move(asked_.front());
  asked_.pop_front();
  const LeaseRequest& request = asked.wanted.request;
  std::optional<HeldLease> lease;
  if (granted.lease != LeaseId{}) {
    if (granted.bytes != request.bytes) return broken("a lease of another size");
    lease = HeldLease{.id = granted.lease,
                      .address = granted.address,
                      .key = granted.key,
                      .bytes = granted.bytes};
    if (const auto* node = std::get_if<NodeNumber>(&request.recipient)) {
      held_.learn(*node, {granted.process, request.oneway}, Adapter::now_ms());
    }
  }
  if (asked.ahead_for) {
    held_.answered(*asked.ahead_for);
    if (lease) {
      held_.add({granted.process, request.oneway}, *lease, Adapter::now_ms());
      watch_idle_leases();
    }
    return true;
  }
  const auto waiting = std::ranges::find_if(prepared_, [&](const Prepared& prepared) {
    const auto* awaits = std::get_if<AwaitsLease>(&prepared.payload);
    return awaits != nullptr && awaits->number == granted.number;
  });
  NB_CHECK(waiting != prepared_.end());  // messages wait for their answer
  if (lease) {
    waiting->payload = *lease;
  } else {
    waiting->payload = ByCopy{};
  }
  return true;
}

bool Endpoint::handle(const frame::LeaseReturned& returned) {
  const auto given = given_.find(returned.lease);
  if (given == given_.end()) return broken("a lease given back that it does not have");
  arenas_->lease_ended(given->second.arena);
  given_.erase(given);
  owner_.lease_ended(returned.lease);
  return true;
}

}  // namespace netbinder::rdma
