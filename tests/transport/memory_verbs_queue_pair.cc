// SPDX-License-Identifier: Apache-2.0
//
// Queue pairs of the device made of memory.
#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "tests/transport/memory_verbs_state.h"

namespace netbinder::rdma {
namespace {

constexpr std::uint32_t kPacketNumbers = 1U << 24;

std::uint64_t total(std::span<const Gather> gather) {
  std::uint64_t bytes = 0;
  for (const Gather& piece : gather) {
    bytes += piece.bytes;
  }
  return bytes;
}

// Whether the responder's queue pair fails together with the requester's.
bool concerns_the_peer(CompletionStatus status) {
  return status == CompletionStatus::kRemoteAccess || status == CompletionStatus::kOther;
}

}  // namespace

MemoryQueuePair::MemoryQueuePair(MemoryDomain& domain, const QueuePairLimits& limits,
                                 QueuePairNumber number)
    : domain_(domain),
      fabric_(*domain.device.fabric),
      limits_(limits),
      number_(number),
      first_packet_(static_cast<std::uint32_t>(fabric_.random() % kPacketNumbers)) {
  ++domain_.queue_pairs;
  ++fabric_.usage.queue_pairs;
  fabric_.queue_pairs.push_back(this);
}

MemoryQueuePair::~MemoryQueuePair() {
  domain_.device.forget(this);
  std::erase(fabric_.queue_pairs, this);
  --domain_.queue_pairs;
  --fabric_.usage.queue_pairs;
}

QueuePairAddress MemoryQueuePair::address() const {
  return {.gid = domain_.device.gid,
          .lid = 0,
          .number = number_,
          .first_packet = first_packet_,
          .mtu_bytes = fabric_.options.mtu_bytes};
}

std::expected<void, std::string> MemoryQueuePair::connect(const QueuePairAddress& peer) {
  constexpr std::array<std::uint32_t, 5> kMtus{256, 512, 1024, 2048, 4096};
  require(state_ != State::kConnected, "connected twice");
  if (peer.number.value() >= kPacketNumbers || peer.first_packet >= kPacketNumbers) {
    return std::unexpected("the peer's queue pair or packet number has more than 24 bits");
  }
  if (std::ranges::find(kMtus, peer.mtu_bytes) == kMtus.end()) {
    return std::unexpected("the peer's MTU is " + std::to_string(peer.mtu_bytes));
  }
  if (peer.gid == Gid{}) {
    return std::unexpected("the peer has no gid");
  }
  if (state_ == State::kInitial) {
    state_ = State::kConnected;
  }
  peer_ = peer;
  for (MemoryQueuePair* pair : fabric_.queue_pairs) {
    pair->peer_may_be_there();
  }
  fabric_.changed();
  return {};
}

int MemoryQueuePair::post_receive(WorkId id, std::span<std::byte> memory, LocalKey key) {
  if (const int error = domain_.device.take_post_error(); error != 0) {
    return error;
  }
  if (receives_unknown_ >= limits_.receives) {
    return -ENOMEM;
  }
  ++receives_unknown_;
  receives_.push_back({id, memory, key});
  if (state_ == State::kFailed) {
    push_receive(CompletionStatus::kFlushed, 0);
  }
  fabric_.changed();
  return 0;
}

int MemoryQueuePair::post_send(std::span<const SendRequest> requests) {
  int result = domain_.device.take_post_error();
  ++domain_.device.posted.doorbells;
  domain_.device.posted.requests += requests.size();
  for (std::size_t i = 0; i < requests.size() && result == 0; ++i) {
    result = post_one(requests[i]);
  }
  fabric_.changed();
  return result;
}

int MemoryQueuePair::post_one(const SendRequest& request) {
  const std::uint64_t bytes = total(request.gather);
  if (state_ == State::kInitial || request.gather.size() > limits_.gather ||
      bytes > fabric_.options.max_message_bytes ||
      (request.inline_data && bytes > limits_.inline_bytes)) {
    return -EINVAL;
  }
  if (posted_ - known_ >= limits_.sends) {
    return -ENOMEM;
  }
  Send send{.request = request,
            .gather = {request.gather.begin(), request.gather.end()},
            .bytes = {},
            .sequence = posted_++};
  send.request.gather = {};
  if (request.inline_data || local_memory_is_good(send)) {
    send.bytes = current_bytes(send);
  }
  if (request.inline_data) {
    send.gather.clear();
  }
  if (state_ == State::kFailed) {
    push_send(send, CompletionStatus::kFlushed);
  } else {
    sends_.push_back(std::move(send));
  }
  return 0;
}

bool MemoryQueuePair::can_execute() const {
  return state_ == State::kConnected && executed_ < sends_.size() &&
         (wait_ == Wait::kNothing || tried_in_ != fabric_.round);
}

bool MemoryQueuePair::has_work() const {
  return can_complete() ||
         (state_ == State::kConnected && executed_ < sends_.size() && wait_ != Wait::kConnection);
}

void MemoryQueuePair::peer_may_be_there() {
  if (wait_ == Wait::kConnection) {
    wait_ = Wait::kNothing;
  }
}

// The path, and whether the peer takes packets of this queue pair for its own.
bool MemoryQueuePair::reaches(const MemoryQueuePair& peer) const {
  return domain_.device.port_is_up && peer.domain_.device.port_is_up &&
         peer.state_ == State::kConnected && peer.peer_.number == number_ &&
         peer.peer_.gid == domain_.device.gid && peer.peer_.first_packet == first_packet_ &&
         peer_.first_packet == peer.first_packet_;
}

bool MemoryQueuePair::local_memory_is_good(const Send& send) const {
  return std::ranges::all_of(send.gather, [&](const Gather& piece) {
    return piece.bytes == 0 || domain_.allows(piece.key, piece.data, piece.bytes);
  });
}

std::vector<std::byte> MemoryQueuePair::current_bytes(const Send& send) const {
  std::vector<std::byte> bytes;
  bytes.reserve(total(send.gather));
  for (const Gather& piece : send.gather) {
    bytes.insert(bytes.end(), piece.data, piece.data + piece.bytes);
  }
  return bytes;
}

bool MemoryQueuePair::waited_enough(CompletionStatus status) {
  wait_ = Wait::kNextRound;
  tried_in_ = fabric_.round;
  if (++attempts_ > fabric_.options.retries || fabric_.expired) {
    fail_current(status);
    return true;
  }
  return false;
}

void MemoryQueuePair::execute() {
  const Send& send = sends_[executed_];
  if (!send.request.inline_data && !local_memory_is_good(send)) {
    fail_current(CompletionStatus::kLocal);
    return;
  }
  MemoryQueuePair* peer = fabric_.find(peer_.gid, peer_.number);
  if (peer != nullptr && peer->state_ == State::kInitial && !fabric_.expired) {
    wait_ = Wait::kConnection;
    tried_in_ = fabric_.round;
    return;
  }
  if (peer == nullptr || !reaches(*peer)) {
    waited_enough(CompletionStatus::kRetriesExceeded);
    return;
  }
  if (send.request.kind == SendRequest::Kind::kSend && peer->receives_.empty()) {
    waited_enough(CompletionStatus::kReceiverNotReady);
    return;
  }
  attempts_ = 0;
  wait_ = Wait::kNothing;
  const auto failure = domain_.device.take_send_failure(send.request.kind);
  if (!failure || failure->executed) {
    deliver(send, *peer);
  }
  if (failure && state_ == State::kConnected) {
    if (failure->executed) {
      --executed_;
    }
    fail_current(failure->status);
    if (concerns_the_peer(failure->status)) {
      peer->fail();
    }
  }
}

void MemoryQueuePair::deliver(const Send& send, MemoryQueuePair& peer) {
  // As on a real device, the bytes that are there by now count, not those at the time of posting.
  const std::vector<std::byte> bytes = send.request.inline_data ? send.bytes : current_bytes(send);
  if (send.request.kind == SendRequest::Kind::kSend) {
    deliver_send(bytes, peer);
  } else {
    deliver_write(send, bytes, peer);
  }
}

void MemoryQueuePair::deliver_send(const std::vector<std::byte>& bytes, MemoryQueuePair& peer) {
  const Receive& receive = peer.receives_.front();
  std::optional<CompletionStatus> failure =
      std::exchange(peer.domain_.device.fail_receive, std::nullopt);
  if (bytes.size() > receive.memory.size() ||
      (!bytes.empty() && !peer.domain_.allows(receive.key, receive.memory.data(), bytes.size()))) {
    failure = CompletionStatus::kLocal;
  }
  if (failure) {
    peer.push_receive(*failure, 0);
    peer.fail();
    fail_current(CompletionStatus::kOther);
    return;
  }
  std::ranges::copy(bytes, receive.memory.begin());
  ++executed_;
  peer.push_receive(CompletionStatus::kSuccess, static_cast<std::uint32_t>(bytes.size()));
}

void MemoryQueuePair::deliver_write(const Send& send, const std::vector<std::byte>& bytes,
                                    MemoryQueuePair& peer) {
  if (!bytes.empty() && !peer.domain_.allows_write(send.request.remote_key,
                                                   send.request.remote_address, bytes.size())) {
    ++fabric_.misuse.uncovered_writes;
    fail_current(CompletionStatus::kRemoteAccess);
    peer.fail();
    return;
  }
  std::ranges::copy(bytes, reinterpret_cast<std::byte*>(send.request.remote_address));
  ++executed_;
}

void MemoryQueuePair::complete() {
  const MemoryQueuePair* peer = fabric_.find(peer_.gid, peer_.number);
  if (peer == nullptr && fabric_.lazy() && fabric_.random() % 2 == 0) {
    // The acknowledgement was lost, and nobody is left to repeat it.
    executed_ = 0;
    fail_current(CompletionStatus::kRetriesExceeded);
    return;
  }
  const Send send = std::move(sends_.front());
  sends_.pop_front();
  --executed_;
  if (!send.request.inline_data && local_memory_is_good(send) &&
      current_bytes(send) != send.bytes) {
    ++fabric_.misuse.changed_sends;
  }
  if (send.request.signalled) {
    push_send(send, CompletionStatus::kSuccess);
  }
}

void MemoryQueuePair::fail_current(CompletionStatus status) {
  while (executed_ > 0) {
    complete();
    if (state_ != State::kConnected) {
      return;
    }
  }
  push_send(sends_.front(), status);
  sends_.pop_front();
  fail();
}

void MemoryQueuePair::fail() {
  if (state_ == State::kDead) {
    return;
  }
  state_ = State::kFailed;
  executed_ = 0;
  attempts_ = 0;
  for (; !sends_.empty(); sends_.pop_front()) {
    push_send(sends_.front(), CompletionStatus::kFlushed);
  }
  while (!receives_.empty()) {
    push_receive(CompletionStatus::kFlushed, 0);
  }
}

void MemoryQueuePair::die() {
  state_ = State::kDead;
  executed_ = 0;
  attempts_ = 0;
}

bool MemoryQueuePair::uses(const RegisteredMemory& region) const {
  if (state_ == State::kDead) {
    return false;
  }
  const auto needs = [&](const Gather& piece) {
    return piece.bytes > 0 && piece.key == region.local_key();
  };
  return std::ranges::any_of(
             sends_, [&](const Send& send) { return std::ranges::any_of(send.gather, needs); }) ||
         std::ranges::any_of(
             receives_, [&](const Receive& receive) { return receive.key == region.local_key(); });
}

void MemoryQueuePair::sends_known(std::uint64_t up_to) { known_ = std::max(known_, up_to + 1); }

void MemoryQueuePair::push_send(const Send& send, CompletionStatus status) {
  domain_.device.push(
      domain_.device.sends,
      {.completion = {.queue_pair = number_, .id = send.request.id, .status = status, .bytes = 0},
       .owner = this,
       .sequence = send.sequence});
}

// Completes the oldest receive that was posted.
void MemoryQueuePair::push_receive(CompletionStatus status, std::uint32_t bytes) {
  domain_.device.push(domain_.device.receives, {.completion = {.queue_pair = number_,
                                                               .id = receives_.front().id,
                                                               .status = status,
                                                               .bytes = bytes},
                                                .owner = this,
                                                .sequence = 0});
  receives_.pop_front();
}

}  // namespace netbinder::rdma
