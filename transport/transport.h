// SPDX-License-Identifier: Apache-2.0
//
// The one interface between an agent and the network: ordered, exactly-once messages to each host
// of the cluster over a session per pair of agents. Implementations: tcp/ (this machine's and real
// networks, with rdma/ beside them), sim/ (a network in memory, for tests), and any other that
// passes the conformance suite in tests/transport.
//
// Thread: everything here runs on the agent's data-plane thread, events included. A transport
// calls PeerEvents only from the event loop, never from inside send().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/wire/lease.h"
#include "core/wire/payload.h"
#include "core/wire/peer_message.h"
#include "core/wire/version.h"

namespace netbinder {

// The place for the bytes of an arriving payload. `bytes` has exactly the payload's size and stays
// valid while `owner` is held, whatever happens to the process it belongs to. If `owner` is empty
// and a payload is to come, the payload is discarded.
struct PayloadDestination {
  std::span<std::byte> bytes;
  std::shared_ptr<void> owner;
};

// Space for a payload that the peer's device writes by itself.
struct LeasedPlace {
  LeaseId id;
  ProcessId process;           // whose arena it is
  PayloadDestination place;    // as many bytes as were asked for
  std::span<std::byte> arena;  // the memory `place` is in, all of it
};

// The agent's view of its peers. Messages of a session arrive between its established and its lost
// event, in the order in which the peer sent them, each once.
class PeerEvents {
 public:
  virtual ~PeerEvents() = default;
  // Only what `version` has may be sent.
  virtual void session_established(HostId peer, Incarnation incarnation, WireVersion version) = 0;
  // The session is over for good on both sides; a later session is a new one.
  virtual void session_lost(HostId peer) = 0;
  // A Call or Reply begins to arrive. Only these have a payload, and they always have one, perhaps
  // of 0 bytes. Next comes either `message_arrived`, when the payload is in its place, or
  // `payload_abandoned`, when the link or the session was lost before: nothing is written to the
  // destination any more, and if the session lives on, the message arrives again from the start.
  // A `lease` is one that was given to this peer and has not ended: the payload is there already,
  // and the lease ends with this call. The destination is then that place, or empty if the message
  // is not for it; the rest of the space becomes free again.
  virtual PayloadDestination payload_arriving(HostId peer, const PeerMessage& message,
                                              std::uint64_t payload_bytes, LeaseId lease) = 0;
  virtual void payload_abandoned(HostId peer, const PeerMessage& message) = 0;
  virtual void message_arrived(HostId peer, PeerMessage message) = 0;
  // The peer asks for space. Nothing means that its message is to bring its payload along.
  virtual std::optional<LeasedPlace> lease_wanted(HostId /*peer*/,
                                                  const LeaseRequest& /*request*/) {
    return std::nullopt;
  }
  // The lease will not be used, and nobody can write to it any more. For a lease that has ended
  // already this has no meaning.
  virtual void lease_ended(HostId /*peer*/, LeaseId /*lease*/) {}
};

// For status displays.
struct LinkStatus {
  HostId peer;
  std::string name;
  std::string address;
  std::string transport;         // of messages: "tcp", "tcp+tls", "rdma", "sim"
  std::string transport_reason;  // why that one, in words; empty where there is no choice
  std::uint32_t version = 0;     // of the session; 0: there is none
  std::string state;  // "established", "connecting", "suspended" (session alive, link down)
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t messages_sent = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t reconnects = 0;     // of the session: links that resumed one
  std::uint64_t sessions = 0;       // that have begun
  std::uint64_t sessions_lost = 0;
  std::uint64_t retransmitted = 0;  // segments, by the kernel's TCP
  std::uint64_t unacknowledged_bytes = 0;
  std::string last_failure;             // why the last link ended, or none could be made; in words
  std::uint64_t up_for_ms = 0;          // of the present link; 0: there is none
  std::uint64_t round_trip_us = 0;      // likewise, as far as it is known
  // How far the peer's clock is ahead of this host's (negative: behind), within half a round trip; as far
  // as it is known.
  std::optional<std::int64_t> clock_ahead_ms = {};
  std::int64_t certificate_end_s = 0;   // of the peer's certificate, since 1970; 0: there is none
  // Payload bytes that went over RDMA, by what this host's processors did with them. Written: by
  // the device, from where they were staged to where they are read.
  std::uint64_t payload_bytes_written = 0;
  std::uint64_t payload_bytes_copied = 0;  // into segments
  std::uint64_t payload_bytes_written_here = 0;
  std::uint64_t payload_bytes_copied_here = 0;  // out of segments
};

class Transport {
 public:
  virtual ~Transport() = default;
  // Starts to listen and to connect. Throws std::system_error if the address cannot be used.
  virtual void start() = 0;
  // Memory for the payload of a message to `peer`, of the kind that is best for the way there.
  [[nodiscard]] virtual Payload new_payload(HostId /*peer*/, std::uint64_t bytes) {
    return Payload::allocate(bytes);
  }
  // Queues a message for the session with `peer`; without one it is dropped (its references die
  // with the session anyway). The payload is held until the peer has acknowledged the message.
  // Back-pressure: only a limited amount is on its way at a time, and the rest waits here, as
  // `status()` shows. The session is given up if too much waits (transport/limits.h), if a message
  // is over a limit of the codec, or if its payload does not have the size of its shape.
  virtual void send(HostId peer, PeerMessage message, Payload payload) = 0;
  // Writes out everything queued since the last flush. Called once per turn of the event loop.
  virtual void flush() = 0;
  // Looks for arrivals, where they are likely. True if there were any. Called in each turn of the
  // event loop; `now_ns` is the monotonic clock's.
  virtual bool poll(std::uint64_t /*now_ns*/) { return false; }
  // Called before the loop sleeps: from here on arrivals wake it. False if something arrived in the
  // meantime; it has been handled.
  virtual bool arm() { return true; }
  // The memory of an arena ends: no payload destination will be in it any more.
  virtual void memory_ends(std::span<std::byte> /*arena*/) {}
  // Ends the session with a peer that broke the protocol; session_lost follows from the loop.
  virtual void give_up(HostId peer, const std::string& reason) = 0;
  [[nodiscard]] virtual std::vector<LinkStatus> status() const = 0;
};

}  // namespace netbinder
