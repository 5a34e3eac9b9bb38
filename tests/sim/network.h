// SPDX-License-Identifier: Apache-2.0
//
// A network in memory: connections of two byte queues each, which hold encoded frames until they
// are due. A frame's payload arrives after its head, so a connection can end between the two.
//
// Faults: a *cut* from one host to another stops what flows that way (both ways cut is a partition;
// one way, a one-sided one), until it is healed or the ends lose patience; a *clogged* or *stalled*
// host reads nothing; a connection *breaks* for both ends at once, with what was under way, or for
// one end only, so that the other finds out for itself.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "core/ids.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/random.h"
#include "transport/frame.h"

namespace netbinder::sim {

struct Connection {
  struct Packet {
    std::shared_ptr<const OutgoingFrame> frame;  // null: the end of the stream
    std::uint64_t due_ms = 0;
    bool head_taken = false;
  };
  struct Pipe {
    std::deque<Packet> packets;
    std::uint64_t bytes = 0;
    std::uint64_t last_due_ms = 0;
    bool scheduled = false;
  };
  std::uint64_t number = 0;
  std::array<HostId, 2> hosts;  // the dialer, the acceptor
  std::array<std::uint64_t, 2> lives{};
  std::array<bool, 2> open{true, true};
  std::array<Pipe, 2> pipes;  // by the side that writes
};
using ConnectionPtr = std::shared_ptr<Connection>;

// A host, as the network sees it.
class NetworkHost {
 public:
  virtual ~NetworkHost() = default;
  [[nodiscard]] virtual std::uint64_t life() const = 0;
  // Null: it failed.
  virtual void dialled(HostId peer, const ConnectionPtr& connection) = 0;
  // True: its payload is wanted next.
  virtual bool head_arrived(const ConnectionPtr& connection, std::size_t side,
                            const OutgoingFrame& frame) = 0;
  virtual void payload_arrived(const ConnectionPtr& connection, std::size_t side,
                               const OutgoingFrame& frame) = 0;
  virtual void broken(const ConnectionPtr& connection, std::size_t side) = 0;
  virtual void writable(const ConnectionPtr& connection, std::size_t side) = 0;
};

struct NetworkSettings {
  std::uint64_t max_delay_ms = 5;
  std::uint64_t pipe_bytes = 64 * 1024;
};

class Network {
 public:
  Network(EventQueue& clock, Random& random, NetworkSettings settings)
      : clock_(clock), random_(random), settings_(settings) {}

  // The host as it is now; null while it is down.
  void set_host(HostId id, NetworkHost* host);

  void dial(HostId from, HostId to);
  [[nodiscard]] bool room(const Connection& connection, std::size_t side) const {
    return connection.open[side] && connection.pipes[side].bytes < settings_.pipe_bytes;
  }
  void write(const ConnectionPtr& connection, std::size_t side,
             std::shared_ptr<const OutgoingFrame> frame);
  // What was written still arrives, then the end of the stream.
  void close(const ConnectionPtr& connection, std::size_t side);

  // ---- faults ----
  void cut(HostId from, HostId to) { cuts_.insert({from, to}); }
  void heal(HostId from, HostId to);
  void clog(HostId host, bool clogged);
  [[nodiscard]] bool clogged(HostId host) const { return clogged_.contains(host); }
  [[nodiscard]] bool is_cut(HostId from, HostId to) const { return cuts_.contains({from, to}); }
  void heal_everything();
  // Some connection; null if there is none.
  ConnectionPtr any_connection();
  void break_both(const ConnectionPtr& connection);
  // This end is told; the other finds out, by an end of stream or not even by that.
  void break_one(const ConnectionPtr& connection, std::size_t side, bool with_end_of_stream);
  // A host ends: with its kernel (no end of stream), or its process only.
  void host_gone(HostId host, bool with_end_of_stream);

  [[nodiscard]] std::uint64_t frames() const { return frames_; }

 private:
  NetworkHost* end(const Connection& connection, std::size_t side) const;
  [[nodiscard]] bool blocked(const Connection& connection, std::size_t writer) const;
  void schedule(const ConnectionPtr& connection, std::size_t writer);
  void schedule_all();
  void deliver(const ConnectionPtr& connection, std::size_t writer);
  void forget_closed();
  void push(const ConnectionPtr& connection, std::size_t side,
            std::shared_ptr<const OutgoingFrame> frame);

  EventQueue& clock_;
  Random& random_;
  NetworkSettings settings_;
  std::vector<NetworkHost*> hosts_;  // by id
  std::set<std::pair<HostId, HostId>> cuts_;
  std::set<HostId> clogged_;
  std::vector<ConnectionPtr> connections_;
  std::uint64_t next_connection_ = 1;
  std::uint64_t frames_ = 0;
};

}  // namespace netbinder::sim
