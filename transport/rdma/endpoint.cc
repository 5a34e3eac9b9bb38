// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/endpoint.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "core/base/check.h"

namespace netbinder::rdma {

namespace {

constexpr std::uint64_t kReceiveBytes = std::uint64_t{kReceives} * kSegmentBytes;
constexpr std::uint32_t kMinPeerSegmentBytes = 1024;
constexpr std::uint32_t kMaxPeerReceives = 0xFFFF;  // what SegmentHeader::credits can say

}  // namespace

Endpoint::Endpoint(std::shared_ptr<Adapter> adapter, std::shared_ptr<Staging> staging,
                   EndpointOwner& owner)
    : adapter_(std::move(adapter)),
      staging_(std::move(staging)),
      owner_(owner),
      receive_memory_(kReceiveBytes),
      idle_timer_(adapter_->io()) {}

Endpoint::~Endpoint() { NB_CHECK(closed_); }

std::expected<std::shared_ptr<Endpoint>, std::string> Endpoint::create(
    std::shared_ptr<Adapter> adapter, std::shared_ptr<Staging> staging, EndpointOwner& owner) {
  std::shared_ptr<Endpoint> endpoint(new Endpoint(std::move(adapter), std::move(staging), owner));
  if (auto done = endpoint->set_up(); !done) {
    endpoint->close(Tell::kNobody);
    return std::unexpected(done.error());
  }
  return endpoint;
}

std::expected<void, std::string> Endpoint::set_up() {
  const std::uint64_t bytes =
      kReceiveBytes + SendQueue::kRegisteredBytes + staging_->memory().size();
  if (!adapter_->reserve(bytes)) {
    return std::unexpected("more than rdma.max_registered_bytes would be registered");
  }
  reserved_bytes_ = bytes;
  auto domain = adapter_->device().create_protection_domain();
  if (!domain) return std::unexpected(domain.error());
  domain_ = std::move(*domain);
  auto receive_region = domain_->register_memory(receive_memory_, Access::kLocal);
  if (!receive_region) return std::unexpected(receive_region.error());
  receive_region_ = std::move(*receive_region);
  auto staging_region = domain_->register_memory(staging_->memory(), Access::kLocal);
  if (!staging_region) return std::unexpected(staging_region.error());
  staging_region_ = std::move(*staging_region);
  arenas_ = std::make_unique<RegisteredArenas>(*adapter_, *domain_);
  auto queue_pair = domain_->create_queue_pair({.sends = kSendRequests,
                                                .receives = kReceives,
                                                .gather = kMaxGather,
                                                .inline_bytes = kInlineBytes});
  if (!queue_pair) return std::unexpected(queue_pair.error());
  queue_pair_ = std::move(*queue_pair);
  adapter_->add(queue_pair_->number(), *this);
  auto send_queue = SendQueue::create(*domain_, *queue_pair_);
  if (!send_queue) return std::unexpected(send_queue.error());
  send_queue_ = std::move(*send_queue);
  for (std::uint32_t number = 0; number < kReceives; ++number) {
    if (const int error = post_receive(number); error != 0) {
      return std::unexpected("cannot post a receive: error " + std::to_string(-error));
    }
  }
  return {};
}

void Endpoint::close(Tell tell) {
  if (std::exchange(closed_, true)) return;
  idle_timer_.cancel();
  if (queue_pair_) adapter_->remove(queue_pair_->number());
  // This comes first: from here on nobody writes to the memory.
  queue_pair_.reset();
  for (const auto& [lease, given] : given_) arenas_->lease_ended(given.arena);
  arenas_.reset();
  send_queue_.reset();
  staging_region_.reset();
  receive_region_.reset();
  domain_.reset();
  adapter_->release(std::exchange(reserved_bytes_, 0));
  incomplete_.reset();
  const auto given = std::exchange(given_, {});
  if (tell == Tell::kNobody) return;
  for (const auto& [lease, place] : given) owner_.lease_ended(lease);
}

std::span<std::byte> Endpoint::slot(std::uint32_t number) {
  return std::span(receive_memory_).subspan(std::size_t{number} * kSegmentBytes, kSegmentBytes);
}

int Endpoint::post_receive(std::uint32_t number) {
  return queue_pair_->post_receive(WorkId(number), slot(number), receive_region_->local_key());
}

// ---- The handshake ----

frame::RdmaOffer Endpoint::offer() const {
  return {
      .queue_pair = queue_pair_->address(), .receives = kReceives, .segment_bytes = kSegmentBytes};
}

std::expected<void, std::string> Endpoint::connect(const frame::RdmaOffer& peer) {
  NB_CHECK(state_ == State::kOffered);
  if (peer.receives <= 2 * kReservedReceives || peer.receives > kMaxPeerReceives ||
      peer.segment_bytes < kMinPeerSegmentBytes) {
    return std::unexpected("it offers too few receives, or too small ones");
  }
  if (auto connected = queue_pair_->connect(peer.queue_pair); !connected) return connected;
  max_credits_ = credits_ = peer.receives - kReservedReceives;
  segment_bytes_ = std::min(peer.segment_bytes, kSegmentBytes);
  state_ = State::kConnected;
  return {};
}

bool Endpoint::peer_ready() {
  if (state_ != State::kConnected) return false;
  state_ = State::kProbing;
  peer_ready_ = true;
  --credits_;
  (void)send_queue_->send({.kind = SegmentKind::kProbe}, {}, {}, std::nullopt);
  send_queue_->signal_last();
  probe_ = send_queue_->last();
  (void)post();
  return true;
}

bool Endpoint::switched() {
  if (receiving_ || state_ == State::kOffered) return false;
  receiving_ = true;
  // Segments that wait are served from the event loop, like anything that arrives.
  boost::asio::post(adapter_->io(), [self = shared_from_this()] { self->process(); });
  return true;
}

// ---- Completions ----

void Endpoint::receive_done(const Completion& completion) {
  if (completion.status != CompletionStatus::kSuccess) {
    // The completion that made the queue pair fail says more than those that follow from it.
    if (failure_.empty())
      failure_ = std::string("a receive failed: ") + to_string(completion.status);
    return;
  }
  NB_CHECK(completion.id.value() < kReceives && completion.bytes <= kSegmentBytes);
  heard_ = true;
  counters_.bytes_received += completion.bytes;
  arrived_.push_back(
      {.slot = static_cast<std::uint32_t>(completion.id.value()), .bytes = completion.bytes});
}

void Endpoint::send_done(const Completion& completion) {
  if (completion.status != CompletionStatus::kSuccess) {
    if (failure_.empty() || completion.status != CompletionStatus::kFlushed) {
      failure_ = std::string("a send failed: ") + to_string(completion.status);
    }
    return;
  }
  send_queue_->completed(completion.id);
  while (!being_read_.empty() && being_read_.front().last <= completion.id) being_read_.pop_front();
  if (state_ == State::kProbing && completion.id >= probe_) {
    state_ = State::kSending;
    probed_ = true;
  }
}

void Endpoint::device_lost(const std::string& reason) {
  if (closed_) return;
  failure_ = "the device is lost: " + reason;
  report_failure();
}

void Endpoint::process() {
  if (closed_) return;
  const auto self = shared_from_this();
  const bool heard = std::exchange(heard_, false);
  if (heard) owner_.endpoint_heard();
  bool served = false;
  while (failure_.empty() && !arrived_.empty() && !waits(arrived_.front())) {
    const Arrived arrived = arrived_.front();
    arrived_.pop_front();
    served = true;
    if (!stopped_ && !serve(arrived)) break;
    if (const int error = post_receive(arrived.slot); error != 0) {
      failure_ = "cannot post a receive: error " + std::to_string(-error);
    }
  }
  if (!failure_.empty()) {
    report_failure();
    return;
  }
  if (std::exchange(probed_, false)) owner_.endpoint_sends();
  if (served) {
    owner_.endpoint_settled();  // which pumps
  } else {
    pump();
  }
}

void Endpoint::report_failure() {
  if (closed_) return;
  owner_.endpoint_failed(failure_, broke_protocol_);
}

}  // namespace netbinder::rdma
