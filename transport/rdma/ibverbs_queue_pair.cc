// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/ibverbs_queue_pair.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

namespace netbinder::rdma {
namespace {

using Failure = std::unexpected<std::string>;

constexpr std::uint32_t kPacketNumbers = 1U << 24;
// 4.096 us * 2^15 is 0.13 s; with 6 retries a peer that is gone is noticed after a second, or after
// four on devices that round up. Soft-RoCE takes 7 retries to mean "for ever".
constexpr std::uint8_t kTimeout = 15;
constexpr std::uint8_t kRetries = 6;
// A peer's credit covers only posted receives, so these are for accidents: 3 times 41 ms.
constexpr std::uint8_t kReceiverRetries = 3;
constexpr std::uint8_t kReceiverTimer = 24;
constexpr std::uint8_t kHops = 64;

// Requests and pieces posted at a time; they lie on the stack.
constexpr std::size_t kRequests = 64;
constexpr std::size_t kPieces = 4 * kRequests;

std::uint32_t random_packet() {
  std::uint32_t value = 0;
  // Only if there is no entropy yet, long before an agent runs. The number is no secret from peers.
  if (getrandom(&value, sizeof(value), GRND_NONBLOCK) != sizeof(value)) {
    value = 1;
  }
  return value % kPacketNumbers;
}

// The MTU with this size, or 0 if there is none.
ibv_mtu mtu_of(std::uint32_t bytes) {
  for (const ibv_mtu mtu : {IBV_MTU_256, IBV_MTU_512, IBV_MTU_1024, IBV_MTU_2048, IBV_MTU_4096}) {
    if (bytes_of(mtu) == bytes) {
      return mtu;
    }
  }
  return ibv_mtu{};
}

}  // namespace

std::expected<std::unique_ptr<QueuePair>, std::string> IbvQueuePair::create(
    const IbvPort& port, IbvQueues& queues, ibv_pd* domain, const QueuePairLimits& limits) {
  const auto most = static_cast<std::uint32_t>(port.device.max_qp_wr);
  if (limits.sends == 0 || limits.receives == 0 || limits.gather == 0) {
    return Failure("a queue pair without room for requests");
  }
  if (limits.sends > most || limits.receives > most) {
    return Failure(port.name + " allows " + std::to_string(most) + " requests in a queue, not " +
                   std::to_string(std::max(limits.sends, limits.receives)));
  }
  const auto pieces = std::min(static_cast<std::size_t>(port.device.max_sge), kPieces);
  if (limits.gather > pieces) {
    return Failure(port.name + " gathers " + std::to_string(pieces) + " pieces of memory, not " +
                   std::to_string(limits.gather));
  }
  std::unique_ptr<IbvQueuePair> pair(new IbvQueuePair(port, queues, limits));
  auto made = pair->make(domain);
  if (made) {
    made = pair->initialise();
  }
  if (!made) {
    return Failure(port.name + ": " + made.error());
  }
  return pair;
}

std::expected<void, std::string> IbvQueuePair::make(ibv_pd* domain) {
  ibv_qp_init_attr attributes{};
  for (std::uint32_t inline_bytes = limits_.inline_bytes;; inline_bytes /= 2) {
    attributes = {};
    attributes.send_cq = queues_.sends();
    attributes.recv_cq = queues_.receives();
    attributes.cap.max_send_wr = limits_.sends;
    attributes.cap.max_recv_wr = limits_.receives;
    attributes.cap.max_send_sge = limits_.gather;
    attributes.cap.max_recv_sge = 1;
    attributes.cap.max_inline_data = inline_bytes;
    attributes.qp_type = IBV_QPT_RC;
    pair_.reset(ibv_create_qp(domain, &attributes));
    if (pair_) {
      break;
    }
    if (inline_bytes == 0) {
      return Failure(ibv_failure("cannot create a queue pair", errno));
    }
  }
  // Devices round up, and there may be as many completions as requests.
  limits_.sends = std::max(limits_.sends, attributes.cap.max_send_wr);
  limits_.receives = std::max(limits_.receives, attributes.cap.max_recv_wr);
  limits_.inline_bytes = std::min(limits_.inline_bytes, attributes.cap.max_inline_data);
  auto reserved = queues_.reserve(limits_.sends, limits_.receives);
  reserved_ = reserved.has_value();
  return reserved;
}

// From here on receives can be posted.
std::expected<void, std::string> IbvQueuePair::initialise() {
  first_packet_ = random_packet();
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_INIT;
  attributes.pkey_index = 0;
  attributes.port_num = port_.number;
  attributes.qp_access_flags = IBV_ACCESS_REMOTE_WRITE;
  if (const int error =
          ibv_modify_qp(pair_.get(), &attributes,
                        IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS)) {
    return Failure(ibv_failure("cannot initialise a queue pair", error));
  }
  return {};
}

IbvQueuePair::~IbvQueuePair() {
  if (!pair_) {
    return;
  }
  const QueuePairNumber old = number();
  pair_.reset();
  queues_.forget(old);
  if (reserved_) {
    queues_.release(limits_.sends, limits_.receives);
  }
}

QueuePairAddress IbvQueuePair::address() const {
  return {.gid = port_.gid,
          .lid = port_.attributes.lid,
          .number = number(),
          .first_packet = first_packet_,
          .mtu_bytes = bytes_of(port_.attributes.active_mtu)};
}

std::expected<void, std::string> IbvQueuePair::check(const QueuePairAddress& peer) const {
  if (peer.number.value() >= kPacketNumbers || peer.first_packet >= kPacketNumbers) {
    return Failure("the peer's queue pair or packet number has more than 24 bits");
  }
  if (mtu_of(peer.mtu_bytes) == ibv_mtu{}) {
    return Failure("the peer's MTU is " + std::to_string(peer.mtu_bytes));
  }
  if (peer.gid == Gid{} && (port_.is_ethernet() || peer.lid == 0)) {
    return Failure("the peer has no address");
  }
  if (peer.gid[0] == 0xff) {
    return Failure("the peer's gid is one of many hosts");
  }
  return {};
}

std::expected<void, std::string> IbvQueuePair::connect(const QueuePairAddress& peer) {
  if (auto checked = check(peer); !checked) {
    return checked;
  }
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_RTR;
  attributes.path_mtu = std::min(mtu_of(peer.mtu_bytes), port_.attributes.active_mtu);
  attributes.dest_qp_num = peer.number.value();
  attributes.rq_psn = peer.first_packet;
  attributes.max_dest_rd_atomic = 0;  // nobody reads
  attributes.min_rnr_timer = kReceiverTimer;
  attributes.ah_attr.port_num = port_.number;
  attributes.ah_attr.dlid = peer.lid;
  if (peer.gid != Gid{}) {
    attributes.ah_attr.is_global = 1;
    std::memcpy(attributes.ah_attr.grh.dgid.raw, peer.gid.data(), peer.gid.size());
    attributes.ah_attr.grh.sgid_index = port_.gid_index;
    attributes.ah_attr.grh.hop_limit = kHops;
  }
  if (const int error =
          ibv_modify_qp(pair_.get(), &attributes,
                        IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
                            IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER)) {
    return Failure(ibv_failure(port_.name + ": cannot reach the peer", error));
  }
  attributes = {};
  attributes.qp_state = IBV_QPS_RTS;
  attributes.timeout = kTimeout;
  attributes.retry_cnt = kRetries;
  attributes.rnr_retry = kReceiverRetries;
  attributes.sq_psn = first_packet_;
  attributes.max_rd_atomic = 0;
  if (const int error =
          ibv_modify_qp(pair_.get(), &attributes,
                        IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
                            IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC)) {
    return Failure(ibv_failure(port_.name + ": cannot start sending to the peer", error));
  }
  return {};
}

int IbvQueuePair::post_receive(WorkId id, std::span<std::byte> memory, LocalKey key) {
  if (memory.size() > std::numeric_limits<std::uint32_t>::max()) {
    return -EINVAL;
  }
  ibv_sge piece{.addr = reinterpret_cast<std::uint64_t>(memory.data()),
                .length = static_cast<std::uint32_t>(memory.size()),
                .lkey = key.value()};
  ibv_recv_wr request{.wr_id = id.value(), .next = nullptr, .sg_list = &piece, .num_sge = 1};
  ibv_recv_wr* bad = nullptr;
  return -ibv_post_recv(pair_.get(), &request, &bad);
}

bool IbvQueuePair::is_possible(const SendRequest& request) const {
  std::uint64_t bytes = 0;
  for (const Gather& piece : request.gather) {
    bytes += piece.bytes;
  }
  return request.gather.size() <= limits_.gather && bytes <= port_.attributes.max_msg_sz &&
         (!request.inline_data || bytes <= limits_.inline_bytes);
}

int IbvQueuePair::post_send(std::span<const SendRequest> requests) {
  if (!std::ranges::all_of(requests,
                           [&](const SendRequest& request) { return is_possible(request); })) {
    return -EINVAL;
  }
  int error = 0;
  while (!requests.empty() && error == 0) {
    requests = requests.subspan(fill_and_post(requests, error));
  }
  return -error;
}

// Posts as many as fit on the stack. Returns how many those are.
std::size_t IbvQueuePair::fill_and_post(std::span<const SendRequest> requests, int& error) {
  std::array<ibv_send_wr, kRequests> raw;
  std::array<ibv_sge, kPieces> pieces;
  std::size_t count = 0;
  std::size_t used = 0;
  for (const SendRequest& request : requests) {
    if (count == raw.size() || used + request.gather.size() > pieces.size()) {
      break;
    }
    ibv_send_wr& to = raw[count];
    to = {};
    to.wr_id = request.id.value();
    to.sg_list = &pieces[used];
    to.num_sge = static_cast<int>(request.gather.size());
    to.opcode = request.kind == SendRequest::Kind::kWrite ? IBV_WR_RDMA_WRITE : IBV_WR_SEND;
    if (request.signalled) {
      to.send_flags |= IBV_SEND_SIGNALED;
    }
    if (request.inline_data) {
      to.send_flags |= IBV_SEND_INLINE;
    }
    to.wr.rdma.remote_addr = request.remote_address;
    to.wr.rdma.rkey = request.remote_key.value();
    for (const Gather& piece : request.gather) {
      pieces[used++] = {.addr = reinterpret_cast<std::uint64_t>(piece.data),
                        .length = piece.bytes,
                        .lkey = piece.key.value()};
    }
    if (count > 0) {
      raw[count - 1].next = &to;
    }
    ++count;
  }
  ibv_send_wr* bad = nullptr;
  error = ibv_post_send(pair_.get(), raw.data(), &bad);
  return count;
}

}  // namespace netbinder::rdma
