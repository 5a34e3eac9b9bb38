// SPDX-License-Identifier: Apache-2.0
//
// An RDMA endpoint and a peer that sends any segments: headers, messages, payloads in pieces,
// credit, requests for leases and payloads in them. The devices are made of memory. Whatever
// arrives, a message is handed over once, whole and with all of its payload; what breaks a rule
// ends the endpoint once; and what the endpoint lent and registered is given back.
//
// The input is a row of steps (Steps::step).
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <map>

#include "core/base/check.h"
#include "tests/fuzz/expectations.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/seeds.h"
#include "tests/fuzz/some_frames.h"
#include "tests/transport/hand_made_peer.h"
#include "tests/transport/rdma_cluster.h"
#include "tests/transport/recorder.h"
#include "transport/log.h"
#include "transport/rdma/endpoint.h"

namespace netbinder::fuzz {
namespace {

using rdma::SegmentHeader;
using rdma::SegmentKind;

// In the place of a link: takes what the endpoint hands over.
class Owner : public rdma::EndpointOwner {
 public:
  std::shared_ptr<rdma::Endpoint> endpoint;
  std::deque<std::shared_ptr<const OutgoingFrame>> to_send;

  void endpoint_sends() override {}
  std::shared_ptr<const OutgoingFrame> next_message() override {
    if (to_send.empty()) return nullptr;
    auto frame = std::move(to_send.front());
    to_send.pop_front();
    return frame;
  }
  void endpoint_heard() override {}
  FrameOutcome message_arrived(Frame frame, std::uint64_t payload_bytes, LeaseId lease) override {
    NB_CHECK(!failed_ && !arriving_);
    NB_CHECK(payload_bytes == payload_of(frame));
    if (lease != LeaseId{}) {
      const auto found = leases_.find(lease);
      NB_CHECK(found != leases_.end() && payload_bytes <= found->second.size());
      leases_.erase(found);
      arriving_ = true;
      return {.next = FrameOutcome::Next::kPayload, .destination = {}};
    }
    if (payload_bytes == 0) return {};
    arriving_ = true;
    // A large one is nowhere to be put, as when there is no room for it.
    if (payload_bytes > kMostKept) {
      place_.reset();
      return {.next = FrameOutcome::Next::kPayload, .destination = {}};
    }
    place_ = std::make_shared<std::vector<std::byte>>(payload_bytes, kUnwritten);
    return {.next = FrameOutcome::Next::kPayload,
            .destination = {.bytes = *place_, .owner = place_}};
  }
  FrameOutcome message_payload_arrived() override {
    NB_CHECK(std::exchange(arriving_, false));
    return {};
  }
  std::optional<LeasedPlace> lease_wanted(const LeaseRequest& request) override {
    NB_CHECK(request.bytes <= limits::kMaxPayloadBytes);
    if (request.bytes == 0 || request.bytes > arena_->size() - next_) return std::nullopt;
    const LeaseId id(++given_);
    const auto place = std::span(*arena_).subspan(next_, request.bytes);
    next_ += request.bytes;
    leases_[id] = place;
    return LeasedPlace{.id = id,
                       .process = ProcessId(1),
                       .place = {.bytes = place, .owner = arena_},
                       .arena = *arena_};
  }
  void lease_ended(LeaseId lease) override { leases_.erase(lease); }
  void endpoint_settled() override { endpoint->pump(); }
  void endpoint_failed(const std::string& reason, bool) override {
    NB_CHECK(!std::exchange(failed_, true) && !reason.empty());
    endpoint->close(rdma::Endpoint::Tell::kOwner);
    NB_CHECK(leases_.empty());
  }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool has_leases() const { return !leases_.empty(); }

 private:
  static constexpr std::uint64_t kMostKept = 65536;

  bool failed_ = false;
  bool arriving_ = false;
  std::shared_ptr<std::vector<std::byte>> place_;
  std::map<LeaseId, std::span<std::byte>> leases_;
  std::uint64_t given_ = 0;
  std::size_t next_ = 0;
  std::shared_ptr<std::vector<std::byte>> arena_ =
      std::make_shared<std::vector<std::byte>>(std::size_t{128} << 10);
};

enum Step : std::uint8_t {
  kAny,      // a number, and so many bytes as a segment
  kFrame,    // numbers: words of the message, bytes of the payload, lease; then the message
  kRest,     // a number, and so many bytes
  kCredit,   // a number of segments
  kWanted,   // a request for a lease
  kMessage,  // a number of bytes: a whole message with a payload, in as many segments as it takes
  kInLease,  // the same, its payload in a lease
  kGrant,    // a lease, as the endpoint asked for it or not
  kQueue,    // the endpoint has a message to send
  kSwitch,   // the peer's messages come here from now on
  kSteps,
};

class Steps {
 public:
  explicit Steps(Input input) : input_(input) {
    rdma::must<void>(adapter_->open());
    owner_.endpoint = rdma::must(rdma::Endpoint::create(adapter_, staging_, owner_));
    peer_.emplace(verbs_, rdma::kReceives, rdma::kSegmentBytes);
    rdma::must<void>(owner_.endpoint->connect(peer_->offer()));
    peer_->connect(owner_.endpoint->offer());
    NB_CHECK(owner_.endpoint->peer_ready());
    turn();
    NB_CHECK(owner_.endpoint->sending());
  }

  void run() {
    for (int steps = 0; steps < 64 && !input_.empty() && !owner_.failed(); ++steps) {
      step();
      turn();
    }
    owner_.endpoint->close(rdma::Endpoint::Tell::kOwner);
    owner_.endpoint.reset();
    NB_CHECK(!owner_.has_leases());
    NB_CHECK(adapter_->registered_bytes() == 0);
    NB_CHECK(verbs_.usage().queue_pairs == 1 && verbs_.usage().domains == 1);  // the peer's
    const auto misuse = verbs_.misuse();
    NB_CHECK(misuse.changed_sends == 0 && misuse.unregistered_in_use == 0);
  }

 private:
  void step() {
    switch (input_.below(kSteps)) {
      case kAny: {
        const auto bytes = input_.take(input_.number<std::uint16_t>() % rdma::kSegmentBytes);
        peer_->send(std::vector<std::byte>(bytes.begin(), bytes.end()));
        return;
      }
      case kFrame: {
        const std::uint32_t words = input_.number<std::uint16_t>();
        const std::uint64_t payload = input_.any_size();
        const std::uint64_t lease = input_.byte();
        const auto body =
            input_.take(std::min<std::size_t>(std::size_t{words} * 8 + payload % 64, kMostBody));
        peer_->send(SegmentHeader{.kind = SegmentKind::kFrame,
                                  .message_bytes = words * 8,
                                  .payload_bytes = payload,
                                  .lease = lease},
                    body);
        return;
      }
      case kRest:
        peer_->send(SegmentHeader{.kind = SegmentKind::kRest},
                    input_.take(input_.number<std::uint16_t>() % kMostBody));
        return;
      case kCredit:
        peer_->give_credit(input_.byte());
        return;
      case kWanted:
        peer_->send(frame::LeaseWanted{
            .number = ++asked_,
            .request = {.recipient = NodeNumber(3),
                        .bytes = input_.any_size() % (limits::kMaxPayloadBytes + 1),
                        .context_bytes = 0,
                        .oneway = input_.one_in(2),
                        .ahead = false}});
        return;
      case kMessage:
        whole_message(LeaseId{});
        return;
      case kInLease:
        whole_message(LeaseId(1 + input_.below(8)));
        return;
      case kGrant:
        peer_->send(peer_->grant(1 + input_.below(8), LeaseId(input_.below(4)),
                                 input_.any_size() % rdma::HandMadePeer::kArenaBytes));
        return;
      case kQueue:
        queue(input_.any_size() % 20'000);
        return;
      default:
        (void)owner_.endpoint->switched();
        return;
    }
  }

  void whole_message(LeaseId lease) {
    const Received call = numbered_call(++sequence_, input_.any_size() % 30'000);
    auto rest = rdma::message_of(frame::Message{Sequence(sequence_), Sequence(0), call.message},
                                 call.payload.size());
    SegmentHeader header{.kind = SegmentKind::kFrame,
                         .message_bytes = static_cast<std::uint32_t>(rest.size()),
                         .payload_bytes = call.payload.size(),
                         .lease = lease.value()};
    if (lease == LeaseId{}) rest.insert(rest.end(), call.payload.begin(), call.payload.end());
    const std::size_t most = 1 + input_.any_size() % kMostBody;
    for (std::span<const std::byte> left = rest; !left.empty() && !owner_.failed();) {
      const auto body =
          left.first(std::min({left.size(), std::max<std::size_t>(most, 512), kMostBody}));
      left = left.subspan(body.size());
      peer_->send(header, body);
      turn();
      header = {.kind = SegmentKind::kRest};
    }
  }

  void queue(std::uint64_t bytes) {
    const Received call = numbered_call(++queued_, bytes);
    auto frame = std::make_shared<OutgoingFrame>();
    rdma::must<void>(encode_message(Sequence(queued_), Sequence(0), call.message,
                                    call.payload.size(), frame->head));
    frame->recipient = payload_recipient(call.message);
    if (call.payload.empty()) {
      frame->payload = {};
    } else if (auto place = staging_->allocate(call.payload.size())) {
      frame->payload = std::move(*place);
      std::ranges::copy(call.payload, frame->payload.data());
    } else {
      return;
    }
    owner_.to_send.push_back(std::move(frame));
    owner_.endpoint->pump();
  }

  void turn() {
    for (int idle = 0; idle < 2; ++idle) {
      if (adapter_->poll()) idle = 0;
      if (io_.poll() > 0) idle = 0;
      if (peer_->poll()) idle = 0;
    }
  }

  static constexpr std::size_t kMostBody = rdma::kSegmentBytes - sizeof(SegmentHeader);

  Input input_;
  boost::asio::io_context io_;
  rdma::MemoryVerbs verbs_{{.max_inline_bytes = 512}};
  std::shared_ptr<rdma::Adapter> adapter_ = std::make_shared<rdma::Adapter>(
      io_, std::make_unique<SharedVerbs>(verbs_), rdma::DeviceChoice{}, std::uint64_t{64} << 20);
  std::shared_ptr<rdma::Staging> staging_ = std::make_shared<rdma::Staging>(std::size_t{1} << 20);
  Owner owner_;
  std::optional<rdma::HandMadePeer> peer_;
  std::uint64_t asked_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t queued_ = 0;
};

// Its size in the form of Input::any_size().
Seed& size(Seed& seed, std::uint64_t bytes) {
  if (bytes < 128) return seed.byte(static_cast<std::uint8_t>(bytes));
  return seed.byte(0xE1).number(bytes);
}

void add(Seed& seed, const Frame& frame) {
  const std::uint64_t payload_bytes = payload_of(frame);
  const auto message = rdma::message_of(frame, payload_bytes);
  seed.byte(kFrame).number(static_cast<std::uint16_t>(message.size() / 8));
  size(seed, payload_bytes).byte(0).raw(message);
  if (payload_bytes % 64 > 0) seed.raw(std::vector<std::byte>(payload_bytes % 64));
  if (payload_bytes < 64) return;
  const std::vector<std::byte> rest(payload_bytes / 64 * 64);
  seed.byte(kRest).number(static_cast<std::uint16_t>(rest.size())).raw(rest);
}

}  // namespace

std::vector<Seed> make_seeds() {
  std::vector<Seed> seeds;
  for (const auto& [name, frame] : some_frames()) {
    Seed seed{.name = name, .bytes = {kSwitch}};
    add(seed, frame);
    seeds.push_back(seed);
  }
  Seed leased{.name = "leased", .bytes = {kSwitch, kWanted}};
  size(leased, 5000).byte(0).byte(kInLease).byte(0);
  size(leased, 4900).byte(0);
  add(leased, frame::LeaseReturned{LeaseId(1)});
  seeds.push_back(leased);
  Seed pieces{.name = "pieces", .bytes = {kMessage}};
  size(pieces, 20'000).byte(0).byte(kSwitch).byte(kCredit).byte(1).byte(kMessage);
  size(pieces, 40).byte(0);
  seeds.push_back(pieces);
  Seed sends{.name = "sends", .bytes = {kSwitch, kQueue}};
  size(sends, 6000).byte(kGrant).byte(0).byte(1);
  size(sends, 6000).byte(kQueue).byte(60);
  seeds.push_back(sends);
  Seed any{.name = "any", .bytes = {kSwitch, kAny}};
  const SegmentHeader probe{.kind = SegmentKind::kProbe};
  any.number(static_cast<std::uint16_t>(sizeof probe)).raw(std::as_bytes(std::span(&probe, 1)));
  seeds.push_back(any);
  return seeds;
}

}  // namespace netbinder::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace netbinder::fuzz;
  abort_at_failures();
  static const bool quiet = (netbinder::log::start("fuzz", "off"), true);
  (void)quiet;
  Steps(Input({data, size})).run();
  return 0;
}
