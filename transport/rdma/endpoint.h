// SPDX-License-Identifier: Apache-2.0
//
// One end of the queue pair of a link. It carries a session's messages, with credit, and writes
// payloads directly to where they are read (see RDMA in transport/protocol.capnp).
//
// States.  Offered    receives are posted, our offer is on its way
//          Connected  we can send; this has been reported to the peer
//          Probing    the peer is connected, too: a probe is under way
//          Sending    our messages go over the queue pair
//
//   Offered ── the peer's offer ──→ Connected ── the peer is ready ──→ Probing
//   Probing ── the probe has arrived ──→ Sending
//   any ── a failed request, a broken rule, the device is lost ──→ failed: the owner closes it
//
//   Receiving has a state of its own: segments that arrive wait until switched().
//
// After close() nobody writes to the memory of any lease, no key given to the peer is valid, and
// the owner is not called any more.
//
// Owned by a peer's link by shared_ptr. Thread: the data-plane thread.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "transport/frame.h"
#include "transport/rdma/adapter.h"
#include "transport/rdma/held_leases.h"
#include "transport/rdma/registered_arenas.h"
#include "transport/rdma/segment.h"
#include "transport/rdma/send_queue.h"
#include "transport/rdma/staging.h"
#include "transport/session.h"
#include "transport/transport.h"

namespace netbinder::rdma {

// The calls of an endpoint to its link. None of these may end the endpoint, but after settle() and
// endpoint_failed() it may be ended.
class EndpointOwner {
 public:
  virtual ~EndpointOwner() = default;
  // The probe has arrived: from here on pump() asks for messages, once the switch has been
  // announced.
  virtual void endpoint_sends() = 0;
  virtual std::shared_ptr<const OutgoingFrame> next_message() = 0;
  virtual void endpoint_heard() = 0;
  virtual FrameOutcome message_arrived(Frame frame, std::uint64_t payload_bytes, LeaseId lease) = 0;
  virtual FrameOutcome message_payload_arrived() = 0;
  virtual std::optional<LeasedPlace> lease_wanted(const LeaseRequest& request) = 0;
  virtual void lease_ended(LeaseId lease) = 0;
  // Everything that has arrived was handed over.
  virtual void endpoint_settled() = 0;
  // The endpoint cannot be used any more: a request failed, or the peer broke the protocol. Called
  // once, and never from inside pump().
  virtual void endpoint_failed(const std::string& reason, bool broke_protocol) = 0;
};

struct EndpointCounters {
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t payload_bytes_written = 0;
  std::uint64_t payload_bytes_copied = 0;
  std::uint64_t payload_bytes_written_here = 0;
  std::uint64_t payload_bytes_copied_here = 0;

  EndpointCounters& operator+=(const EndpointCounters& other) {
    bytes_sent += other.bytes_sent;
    bytes_received += other.bytes_received;
    payload_bytes_written += other.payload_bytes_written;
    payload_bytes_copied += other.payload_bytes_copied;
    payload_bytes_written_here += other.payload_bytes_written_here;
    payload_bytes_copied_here += other.payload_bytes_copied_here;
    return *this;
  }
};

class Endpoint : public CompletionSink, public std::enable_shared_from_this<Endpoint> {
 public:
  // `staging` holds the payloads for this peer.
  static std::expected<std::shared_ptr<Endpoint>, std::string> create(
      std::shared_ptr<Adapter> adapter, std::shared_ptr<Staging> staging, EndpointOwner& owner);
  ~Endpoint() override;

  [[nodiscard]] frame::RdmaOffer offer() const;
  // Takes the peer's offer. To be called once.
  std::expected<void, std::string> connect(const frame::RdmaOffer& peer);
  // The peer reports that it has connected. False if that is impossible now.
  [[nodiscard]] bool peer_ready();
  // The peer sends its messages here from now on. False if it did so already.
  [[nodiscard]] bool switched();

  [[nodiscard]] bool offered() const { return state_ == State::kOffered; }
  [[nodiscard]] bool sending() const { return state_ == State::kSending; }
  [[nodiscard]] bool receiving() const { return receiving_; }
  // Sends as much as possible.
  void pump();
  // An arena of this host ends.
  void memory_ends(std::span<std::byte> arena) { arenas_->arena_ends(arena); }
  // Ends the endpoint. Reports to the owner that its leases end, unless the owner ends as well.
  enum class Tell { kOwner, kNobody };
  void close(Tell tell);

  [[nodiscard]] const EndpointCounters& counters() const { return counters_; }

  void receive_done(const Completion& completion) override;
  void send_done(const Completion& completion) override;
  void process() override;
  void device_lost(const std::string& reason) override;

 private:
  enum class State { kOffered, kConnected, kProbing, kSending };

  // A segment that was received and not served yet.
  struct Arrived {
    std::uint32_t slot = 0;
    std::uint32_t bytes = 0;
  };
  // A frame that continues in the next segment.
  struct Incomplete {
    SegmentHeader header;
    bool message_complete = false;
    std::vector<std::byte> message;  // as far as it has come, if it comes in pieces
    std::uint64_t payload_left = 0;  // once the message is complete
    PayloadDestination destination;
  };
  struct Given {
    PayloadDestination place;
    std::span<std::byte> arena;
  };
  // A request of the peer for a lease.
  struct Asked {
    frame::LeaseWanted wanted;
    std::optional<LeaseUse> ahead_for;
  };
  // The way in which a message's payload is sent.
  struct ByCopy {};
  struct AwaitsLease {
    std::uint64_t number = 0;
  };
  struct Prepared {
    std::shared_ptr<const OutgoingFrame> frame;
    std::variant<ByCopy, AwaitsLease, HeldLease> payload;
    std::optional<Asked> ask_after;
  };
  // The frame being sent.
  struct Sending {
    std::shared_ptr<const OutgoingFrame> frame;
    std::optional<HeldLease> lease;
    std::optional<Asked> ask_after;
    std::uint64_t sent = 0;  // of message and payload
    bool begun = false;
  };

  Endpoint(std::shared_ptr<Adapter> adapter, std::shared_ptr<Staging> staging,
           EndpointOwner& owner);
  std::expected<void, std::string> set_up();
  [[nodiscard]] std::span<std::byte> slot(std::uint32_t number);
  int post_receive(std::uint32_t slot);
  void report_failure();

  // endpoint_receive.cc: receiving. These return false after a failure.
  [[nodiscard]] bool waits(const Arrived& arrived);
  bool serve(const Arrived& arrived);
  bool frame_begins(const SegmentHeader& header, std::span<const std::byte> body);
  bool frame_goes_on(std::span<const std::byte> body);
  bool take_payload(std::span<const std::byte> body);
  bool frame_complete(std::span<const std::byte> message);
  bool message_arrived(Frame frame);
  bool handle(const frame::LeaseWanted& wanted);
  bool handle(const frame::LeaseGranted& granted);
  bool handle(const frame::LeaseReturned& returned);
  bool broken(const std::string& rule);

  // endpoint_send.cc: sending.
  void prepare_messages();
  Prepared prepare(std::shared_ptr<const OutgoingFrame> frame);
  void ask(Asked asked);
  bool next_frame();
  bool continue_frame();
  void write_payload(std::span<const std::byte> payload, const HeldLease& lease);
  void return_credit();
  void control(const Frame& frame, bool answer = false);
  [[nodiscard]] std::size_t writes_for(std::uint64_t bytes) const;
  [[nodiscard]] std::uint16_t take_owed();
  bool post();
  void watch_idle_leases();

  std::shared_ptr<Adapter> adapter_;
  std::shared_ptr<Staging> staging_;
  EndpointOwner& owner_;
  State state_ = State::kOffered;
  bool receiving_ = false;
  bool stopped_ = false;  // the owner wants nothing more
  bool closed_ = false;
  bool heard_ = false;   // a segment has arrived since it was last asked
  bool probed_ = false;  // the probe has arrived
  std::string failure_;
  bool broke_protocol_ = false;
  EndpointCounters counters_;
  std::uint64_t reserved_bytes_ = 0;

  // Members are destroyed in the order of close().
  std::unique_ptr<ProtectionDomain> domain_;
  std::vector<std::byte> receive_memory_;
  std::unique_ptr<MemoryRegion> receive_region_;
  std::unique_ptr<MemoryRegion> staging_region_;
  std::unique_ptr<RegisteredArenas> arenas_;
  std::unique_ptr<SendQueue> send_queue_;
  std::unique_ptr<QueuePair> queue_pair_;

  // Receiving.
  std::deque<Arrived> arrived_;
  std::optional<Incomplete> incomplete_;
  std::uint32_t owed_ = 0;  // credit to give back
  boost::unordered_flat_map<LeaseId, Given, std::hash<LeaseId>> given_;
  std::string cannot_lend_;  // why, the last time an arena could not be registered

  // Sending.
  std::uint32_t credits_ = 0;
  std::uint32_t max_credits_ = 0;
  std::uint32_t segment_bytes_ = 0;  // of ours
  bool peer_ready_ = false;
  WorkId probe_;
  struct Control {
    std::shared_ptr<const OutgoingFrame> frame;
    bool answer = false;  // to a request for a lease
  };
  std::deque<Control> control_;
  std::size_t unanswered_ = 0;  // answers in there
  std::deque<Prepared> prepared_;
  std::optional<Sending> sending_;
  std::vector<std::shared_ptr<const OutgoingFrame>> until_posted_;
  // The device reads the payloads of these frames until the requests are complete.
  struct Read {
    WorkId last;
    std::shared_ptr<const OutgoingFrame> frame;
  };
  std::deque<Read> being_read_;
  HeldLeases held_;
  std::deque<Asked> asked_;
  std::uint64_t next_number_ = 1;
  boost::asio::steady_timer idle_timer_;
  bool idle_watched_ = false;
};

}  // namespace netbinder::rdma
