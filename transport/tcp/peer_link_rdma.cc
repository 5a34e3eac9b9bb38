// SPDX-License-Identifier: Apache-2.0
//
// The queue pair of a link. It is offered when the link is up and used for messages once both ends
// have shown that it works; if it fails, the link ends. The next link begins without one.

#include <algorithm>

#include "core/base/check.h"
#include "transport/codec.h"
#include "transport/log.h"
#include "transport/rdma/limits.h"
#include "transport/tcp/peer_link.h"

namespace netbinder::tcp {

// ---- The handshake ----

std::uint64_t PeerLink::rdma_due_ms() const {
  const bool due = environment_->adapter && session_.link_up() && !session_.ending() &&
                   (!endpoint_tried_ || refused_without_one_);
  return due ? rdma_retry_ms_ : Session::kNever;
}

void PeerLink::offer_rdma() {
  if (const auto created = create_endpoint(); !created) {
    rdma_failed(created.error());
    return;
  }
  if (refused_without_one_) {
    // The peer has already used its one offer on this link.
    drop("RDMA is possible now");
    return;
  }
  endpoint_tried_ = true;
  rdma_reason_ = "the queue pair is being connected";
  log::rdma.trace("a queue pair is offered to host {} '{}'", peer_.id.value(), peer_.name);
  send_control(endpoint_->offer());
}

std::expected<void, std::string> PeerLink::create_endpoint() {
  if (!environment_->adapter) return std::unexpected(environment_->no_adapter);
  if (auto opened = environment_->adapter->open(); !opened) return opened;
  if (!staging_) {
    staging_ = std::make_shared<rdma::Staging>(environment_->config.rdma.staging_bytes);
  }
  auto created = rdma::Endpoint::create(environment_->adapter, staging_, *this);
  if (!created) return std::unexpected(created.error());
  endpoint_ = std::move(*created);
  return {};
}

bool PeerLink::handle_rdma(Connection& connection, const Frame& frame) {
  const auto broken = [&](const char* rule) {
    environment_->log_broken_peer(connection.remote(), rule);
    session_.give_up(GoodbyeReason::kProtocolError, rule);
  };
  if (std::holds_alternative<frame::Message>(frame)) {
    // It could arrive in the middle of a message that the queue pair brings.
    if (!endpoint_ || !endpoint_->receiving()) return false;
    broken("a message over the connection behind the switch");
    return true;
  }
  if (const auto* offer = std::get_if<frame::RdmaOffer>(&frame)) {
    if (std::exchange(peer_offered_, true)) {
      broken("a second queue pair on one link");
      return true;
    }
    if (!endpoint_) {
      // Either ours was given up before this arrived, or none can be made now.
      const auto created = endpoint_tried_ ? std::unexpected(rdma_reason_) : create_endpoint();
      refused_without_one_ = !created && !endpoint_tried_;
      endpoint_tried_ = true;
      if (!created) {
        refuse_rdma(created.error());
        return true;
      }
      send_control(endpoint_->offer());
    }
    if (const auto connected = endpoint_->connect(*offer); !connected) {
      refuse_rdma(connected.error());
      return true;
    }
    log::rdma.trace("the queue pair with host {} '{}' is connected, and is tried now",
                    peer_.id.value(), peer_.name);
    send_control(frame::RdmaReady{});
    return true;
  }
  if (const auto* refuse = std::get_if<frame::RdmaRefuse>(&frame)) {
    if (endpoint_ && (endpoint_->sending() || endpoint_->receiving())) {
      broken("a queue pair refused that was accepted");
      return true;
    }
    end_endpoint(rdma::Endpoint::Tell::kOwner);
    endpoint_tried_ = true;
    rdma_failed("host '" + peer_.name + "': " + refuse->reason);
    return true;
  }
  if (std::holds_alternative<frame::RdmaReady>(frame)) {
    // Our offer may have been refused in the meantime.
    if (endpoint_ && !endpoint_->peer_ready()) broken("ready before it was connected");
    return true;
  }
  if (std::holds_alternative<frame::RdmaSwitch>(frame)) {
    if (!endpoint_ || !endpoint_->switched()) {
      broken("a switch to no queue pair");
    } else {
      log::rdma.debug("host {} '{}' sends its messages over RDMA from now on", peer_.id.value(),
                      peer_.name);
    }
    return true;
  }
  return false;
}

void PeerLink::refuse_rdma(const std::string& reason) {
  end_endpoint(rdma::Endpoint::Tell::kOwner);
  rdma_failed(reason);
  send_control(frame::RdmaRefuse{reason});
}

void PeerLink::send_control(const Frame& frame) { connection_->write(make_control_frame(frame)); }

// ---- Failure ----

void PeerLink::rdma_failed(const std::string& reason) {
  if (reason != rdma_reason_) {
    log::rdma.info("no RDMA with host {} '{}': {}", peer_.id.value(), peer_.name, reason);
  }
  rdma_reason_ = reason;
  const auto& config = environment_->config.rdma;
  const auto now_ms = environment_->now_ms();
  if (rdma_since_ms_ != 0 && now_ms >= rdma_since_ms_ + rdma::kGoodMs) rdma_wait_ms_ = 0;
  rdma_since_ms_ = 0;
  rdma_wait_ms_ =
      std::clamp<std::uint64_t>(2 * rdma_wait_ms_, config.retry_min_ms, config.retry_max_ms);
  rdma_retry_ms_ = now_ms + rdma_wait_ms_;
  log::rdma.trace("RDMA with host {} '{}' is tried again in {} ms", peer_.id.value(), peer_.name,
                  rdma_wait_ms_);
}

void PeerLink::end_endpoint(rdma::Endpoint::Tell tell) {
  if (!endpoint_) return;
  past_rdma_ += endpoint_->counters();
  log::rdma.debug("the queue pair with host {} '{}' ends", peer_.id.value(), peer_.name);
  // The calls for ending leases come from inside close(); they may send.
  const auto endpoint = std::exchange(endpoint_, nullptr);
  endpoint->close(tell);
}

void PeerLink::endpoint_failed(const std::string& of_endpoint, bool broke_protocol) {
  const auto self = shared_from_this();
  const std::string reason = of_endpoint;  // which does not outlive drop()
  rdma_failed(reason);
  if (broke_protocol) {
    environment_->log_broken_peer(connection_->remote(), reason);
    session_.give_up(GoodbyeReason::kProtocolError, reason);
  }
  drop(reason);
}

// ---- The endpoint's needs ----

void PeerLink::endpoint_sends() {
  rdma_reason_ = environment_->adapter->device().description();
  rdma_since_ms_ = environment_->now_ms();
  log::rdma.info("RDMA with host {} '{}': {}", peer_.id.value(), peer_.name, rdma_reason_);
  // This goes after the messages that the connection already has.
  send_control(frame::RdmaSwitch{});
}

std::shared_ptr<const OutgoingFrame> PeerLink::next_message() {
  return session_.next_message(environment_->now_ms());
}

void PeerLink::endpoint_heard() { session_.heard(environment_->now_ms()); }

FrameOutcome PeerLink::message_arrived(Frame frame, std::uint64_t payload_bytes, LeaseId lease) {
  return session_.frame_arrived(std::move(frame), payload_bytes, environment_->now_ms(), lease);
}

FrameOutcome PeerLink::message_payload_arrived() {
  return session_.payload_arrived(environment_->now_ms());
}

std::optional<LeasedPlace> PeerLink::lease_wanted(const LeaseRequest& request) {
  return events_.lease_wanted(peer_.id, request);
}

void PeerLink::lease_ended(LeaseId lease) { events_.lease_ended(peer_.id, lease); }

// ---- Memory ----

Payload PeerLink::new_payload(std::uint64_t bytes) {
  if (bytes >= rdma::kLeasedPayloadBytes && endpoint_ && endpoint_->sending()) {
    if (auto staged = staging_->allocate(bytes)) return *std::move(staged);
  }
  return environment_->small_payloads.allocate(bytes);
}

void PeerLink::memory_ends(std::span<std::byte> arena) {
  if (endpoint_) endpoint_->memory_ends(arena);
}

}  // namespace netbinder::tcp
