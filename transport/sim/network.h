// SPDX-License-Identifier: Apache-2.0
//
// A network in memory, in the time of an EventQueue. Between hosts that have a device it also
// carries the messages of the devices, and their writes into each other's memory.
//
// Faults: a *cut* from one host to another stops everything that flows that way, until it is healed
// or the ends lose patience (a partition is a cut both ways); a *clogged* host reads nothing; a
// connection *breaks* for both ends at once, and loses what was under way, or for one end only, so
// that the other has to find out; or it is *half open*: nothing arrives any more.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/ids.h"
#include "transport/frame.h"
#include "transport/sim/connection.h"
#include "transport/sim/event_queue.h"
#include "transport/sim/random.h"

namespace netbinder::sim {

// Messages of devices to each other, sent beside the connection and in no order with it.
using DeviceMessage = std::variant<frame::LeaseWanted, frame::LeaseGranted, frame::LeaseReturned>;

// A host, as the network sees it. `side` is the host's own side of the connection.
class NetworkHost {
 public:
  virtual ~NetworkHost() = default;
  // `connection` is null if dialling failed.
  virtual void dialled(HostId peer, const ConnectionPtr& connection) = 0;
  // True if its payload is wanted next. With a `lease` the payload is there already.
  virtual bool head_arrived(const ConnectionPtr& connection, std::size_t side,
                            const OutgoingFrame& frame, LeaseId lease) = 0;
  virtual void payload_arrived(const ConnectionPtr& connection, std::size_t side,
                               const OutgoingFrame& frame) = 0;
  virtual void broken(const ConnectionPtr& connection, std::size_t side) = 0;
  virtual void writable(const ConnectionPtr& connection, std::size_t side) = 0;
  virtual void device_says(const ConnectionPtr& connection, std::size_t side,
                           const DeviceMessage& message) = 0;
  // The peer's device writes to this host's memory.
  virtual void device_writes(const ConnectionPtr& connection, std::size_t side, LeaseId lease,
                             std::span<const std::byte> bytes) = 0;
};

struct NetworkSettings {
  std::uint64_t max_delay_ms = 5;
  std::uint64_t pipe_bytes = 64 * 1024;
};

class Network {
 public:
  Network(EventQueue& clock, Random& random, NetworkSettings settings)
      : clock_(clock), random_(random), settings_(settings) {}
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  [[nodiscard]] EventQueue& clock() { return clock_; }
  [[nodiscard]] Random& random() { return random_; }

  // A new incarnation of the host begins.
  void attach(HostId id, NetworkHost& host, bool has_device);
  // The incarnation ends; its connections are closed or gone already.
  void detach(HostId id, const NetworkHost& host);
  [[nodiscard]] bool has_device(HostId id) const;

  void dial(HostId from, HostId to);
  [[nodiscard]] bool room(const Connection& connection, std::size_t side) const {
    return connection.open[side] && connection.pipes[side].bytes < settings_.pipe_bytes;
  }
  void write(const ConnectionPtr& connection, std::size_t side,
             std::shared_ptr<const OutgoingFrame> frame, LeaseId lease = {});
  // Bytes already written still arrive, followed by the end of the stream.
  void close(const ConnectionPtr& connection, std::size_t side);
  // The message arrives unless an end loses the connection before.
  void say_by_device(const ConnectionPtr& connection, std::size_t side, DeviceMessage message);
  // Takes effect at once; without effect if the other end has lost the connection.
  void write_by_device(const ConnectionPtr& connection, std::size_t side, LeaseId lease,
                       std::span<const std::byte> bytes);

  // ---- faults ----
  void cut(HostId from, HostId to) { cuts_.insert({from, to}); }
  void heal(HostId from, HostId to);
  void clog(HostId host, bool clogged);
  void heal_everything();
  // Some connection; null if there is none.
  ConnectionPtr any_connection();
  void break_both(const ConnectionPtr& connection);
  // Breaks this end; the other finds out by an end of stream, or without even that.
  void break_one(const ConnectionPtr& connection, std::size_t side, bool with_end_of_stream);
  // Breaks the connection, for both ends, that would carry the last of so many further bytes.
  void break_after(std::uint64_t bytes) { bytes_to_break_ = bytes; }
  // Leaves the connections that were made to this host half open.
  void leave_half_open(HostId acceptor);
  // A host ends: with its kernel (no end of stream), or only its process.
  void host_gone(HostId host, bool with_end_of_stream);

  // How many connections have been made to this host.
  [[nodiscard]] std::uint64_t connections_to(HostId acceptor) const;

 private:
  struct Attached {
    NetworkHost* host = nullptr;  // null while it is down
    std::uint64_t life = 0;
    bool has_device = false;
    std::uint64_t connections = 0;  // made to it, in all its lives
  };

  Attached& at(HostId id);
  [[nodiscard]] NetworkHost* end(const Connection& connection, std::size_t side) const;
  [[nodiscard]] bool is_cut(HostId from, HostId to) const { return cuts_.contains({from, to}); }
  [[nodiscard]] bool blocked(const Connection& connection, std::size_t writer) const;
  void schedule(const ConnectionPtr& connection, std::size_t writer);
  void schedule_all();
  void deliver(const ConnectionPtr& connection, std::size_t writer);
  void deliver_by_device(const ConnectionPtr& connection, std::size_t writer, DeviceMessage message,
                         std::uint64_t delay_ms);
  void tell_writer(const ConnectionPtr& connection, std::size_t writer);
  // Counts bytes; true if the connection breaks here.
  bool breaks(std::uint64_t bytes);
  void forget_closed();
  void push(const ConnectionPtr& connection, std::size_t side,
            std::shared_ptr<const OutgoingFrame> frame, LeaseId lease);

  EventQueue& clock_;
  Random& random_;
  const NetworkSettings settings_;
  std::vector<Attached> hosts_;  // by id
  std::set<std::pair<HostId, HostId>> cuts_;
  std::set<HostId> clogged_;
  std::vector<ConnectionPtr> connections_;
  std::uint64_t bytes_to_break_ = std::numeric_limits<std::uint64_t>::max();
};

}  // namespace netbinder::sim
