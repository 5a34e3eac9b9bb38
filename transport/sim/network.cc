// SPDX-License-Identifier: Apache-2.0
#include "transport/sim/network.h"

#include <algorithm>

#include "core/base/check.h"

namespace netbinder::sim {

namespace {

constexpr std::uint64_t kDeviceRetryMs = 5;

}  // namespace

// ---- hosts ----

Network::Attached& Network::at(HostId id) {
  if (hosts_.size() <= id.value()) hosts_.resize(id.value() + 1);
  return hosts_[id.value()];
}

void Network::attach(HostId id, NetworkHost& host, bool has_device) {
  Attached& attached = at(id);
  NB_CHECK(attached.host == nullptr);
  attached.host = &host;
  attached.has_device = has_device;
  ++attached.life;
}

void Network::detach(HostId id, const NetworkHost& host) {
  Attached& attached = at(id);
  if (attached.host == &host) attached.host = nullptr;
}

bool Network::has_device(HostId id) const {
  return id.value() < hosts_.size() && hosts_[id.value()].has_device;
}

std::uint64_t Network::connections_to(HostId acceptor) const {
  return acceptor.value() < hosts_.size() ? hosts_[acceptor.value()].connections : 0;
}

NetworkHost* Network::end(const Connection& connection, std::size_t side) const {
  const Attached& attached = hosts_[connection.hosts[side].value()];
  const bool there = connection.open[side] && attached.life == connection.lives[side];
  return there ? attached.host : nullptr;
}

// ---- connections ----

void Network::dial(HostId from, HostId to) {
  const std::uint64_t life = at(from).life;
  clock_.after(1 + random_.below(settings_.max_delay_ms + 1), [this, from, to, life] {
    const Attached dialer = at(from);
    if (dialer.host == nullptr || dialer.life != life) return;
    Attached& acceptor = at(to);
    if (acceptor.host == nullptr || is_cut(from, to) || is_cut(to, from)) {
      dialer.host->dialled(to, nullptr);
      return;
    }
    ++acceptor.connections;
    auto connection = std::make_shared<Connection>();
    connection->hosts = {from, to};
    connection->lives = {life, acceptor.life};
    connections_.push_back(connection);
    dialer.host->dialled(to, connection);
  });
}

void Network::push(const ConnectionPtr& connection, std::size_t side,
                   std::shared_ptr<const OutgoingFrame> frame, LeaseId lease) {
  Connection::Pipe& pipe = connection->pipes[side];
  const std::uint64_t due = clock_.now_ms() + random_.below(settings_.max_delay_ms + 1);
  pipe.last_due_ms = std::max(pipe.last_due_ms, due);
  pipe.packets.push_back({.frame = std::move(frame), .lease = lease, .due_ms = pipe.last_due_ms});
  pipe.bytes += pipe.packets.back().bytes();
  schedule(connection, side);
}

void Network::write(const ConnectionPtr& connection, std::size_t side,
                    std::shared_ptr<const OutgoingFrame> frame, LeaseId lease) {
  if (connection->open[side]) push(connection, side, std::move(frame), lease);
}

void Network::close(const ConnectionPtr& connection, std::size_t side) {
  if (!connection->open[side]) return;
  connection->open[side] = false;
  connection->pipes[1 - side].packets.clear();
  push(connection, side, nullptr, {});
  forget_closed();
}

bool Network::blocked(const Connection& connection, std::size_t writer) const {
  return connection.half_open || is_cut(connection.hosts[writer], connection.hosts[1 - writer]) ||
         clogged_.contains(connection.hosts[1 - writer]);
}

void Network::schedule(const ConnectionPtr& connection, std::size_t writer) {
  Connection::Pipe& pipe = connection->pipes[writer];
  if (pipe.scheduled || pipe.packets.empty() || blocked(*connection, writer)) return;
  pipe.scheduled = true;
  clock_.at(pipe.packets.front().due_ms, [this, connection, writer] {
    connection->pipes[writer].scheduled = false;
    deliver(connection, writer);
  });
}

// The host that is called may close the connection, which empties the pipe.
void Network::deliver(const ConnectionPtr& connection, std::size_t writer) {
  Connection::Pipe& pipe = connection->pipes[writer];
  const std::size_t reader = 1 - writer;
  while (!pipe.packets.empty() && pipe.packets.front().due_ms <= clock_.now_ms() &&
         !blocked(*connection, writer)) {
    NetworkHost* host = end(*connection, reader);
    if (host == nullptr) {
      tell_writer(connection, writer);
      return;
    }
    const Connection::Packet packet = pipe.packets.front();
    if (packet.frame == nullptr) {
      pipe.packets.clear();
      host->broken(connection, reader);
      return;
    }
    if (breaks(packet.head_taken ? packet.frame->payload.size() : packet.frame->head.size())) {
      break_both(connection);
      return;
    }
    if (packet.head_taken) {
      host->payload_arrived(connection, reader, *packet.frame);
    } else if (host->head_arrived(connection, reader, *packet.frame, packet.lease)) {
      if (pipe.packets.empty()) return;
      pipe.packets.front().head_taken = true;
      pipe.packets.front().due_ms = clock_.now_ms() + random_.below(3);
      pipe.last_due_ms = std::max(pipe.last_due_ms, pipe.packets.front().due_ms);
      continue;
    }
    if (pipe.packets.empty()) return;
    pipe.packets.pop_front();
    pipe.bytes -= packet.bytes();
    if (NetworkHost* sender = end(*connection, writer)) sender->writable(connection, writer);
  }
  schedule(connection, writer);
}

// Nobody is there: the writer is notified, if the way back is not cut.
void Network::tell_writer(const ConnectionPtr& connection, std::size_t writer) {
  Connection::Pipe& pipe = connection->pipes[writer];
  pipe.packets.clear();
  pipe.bytes = 0;
  if (is_cut(connection->hosts[1 - writer], connection->hosts[writer])) return;
  clock_.after(random_.below(settings_.max_delay_ms + 1), [this, connection, writer] {
    if (NetworkHost* told = end(*connection, writer)) told->broken(connection, writer);
  });
}

void Network::schedule_all() {
  for (const ConnectionPtr& connection : connections_) {
    schedule(connection, 0);
    schedule(connection, 1);
  }
}

void Network::forget_closed() {
  std::erase_if(connections_, [](const ConnectionPtr& connection) {
    const bool nothing_comes = connection->half_open || (connection->pipes[0].packets.empty() &&
                                                         connection->pipes[1].packets.empty());
    return !connection->open[0] && !connection->open[1] && nothing_comes;
  });
}

// ---- devices ----

void Network::say_by_device(const ConnectionPtr& connection, std::size_t side,
                            DeviceMessage message) {
  deliver_by_device(connection, side, std::move(message),
                    random_.below(settings_.max_delay_ms + 1));
}

void Network::deliver_by_device(const ConnectionPtr& connection, std::size_t writer,
                                DeviceMessage message, std::uint64_t delay_ms) {
  clock_.after(delay_ms, [this, connection, writer, message = std::move(message)]() mutable {
    NetworkHost* host = end(*connection, 1 - writer);
    if (host == nullptr || !connection->open[writer]) return;
    if (blocked(*connection, writer)) {
      deliver_by_device(connection, writer, std::move(message), kDeviceRetryMs);
      return;
    }
    host->device_says(connection, 1 - writer, message);
  });
}

void Network::write_by_device(const ConnectionPtr& connection, std::size_t side, LeaseId lease,
                              std::span<const std::byte> bytes) {
  NetworkHost* host = end(*connection, 1 - side);
  if (host != nullptr) host->device_writes(connection, 1 - side, lease, bytes);
}

// ---- faults ----

void Network::heal(HostId from, HostId to) {
  cuts_.erase({from, to});
  schedule_all();
}

void Network::clog(HostId host, bool clogged) {
  if (clogged) {
    clogged_.insert(host);
  } else {
    clogged_.erase(host);
    schedule_all();
  }
}

void Network::heal_everything() {
  cuts_.clear();
  clogged_.clear();
  schedule_all();
}

ConnectionPtr Network::any_connection() {
  forget_closed();
  if (connections_.empty()) return nullptr;
  return connections_[random_.below(connections_.size())];
}

void Network::break_both(const ConnectionPtr& connection) {
  for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
    if (NetworkHost* host = end(*connection, side)) host->broken(connection, side);
    connection->open[side] = false;
    connection->pipes[0].packets.clear();
    connection->pipes[1].packets.clear();
  }
  forget_closed();
}

void Network::break_one(const ConnectionPtr& connection, std::size_t side,
                        bool with_end_of_stream) {
  NetworkHost* host = end(*connection, side);
  if (host == nullptr) return;
  if (!with_end_of_stream) {
    connection->pipes[side].packets.clear();
    connection->pipes[1 - side].packets.clear();
    connection->open[side] = false;
  }
  host->broken(connection, side);
  forget_closed();
}

bool Network::breaks(std::uint64_t bytes) {
  if (bytes_to_break_ == std::numeric_limits<std::uint64_t>::max()) return false;
  if (bytes < bytes_to_break_) {
    bytes_to_break_ -= bytes;
    return false;
  }
  bytes_to_break_ = std::numeric_limits<std::uint64_t>::max();
  return true;
}

void Network::leave_half_open(HostId acceptor) {
  for (const ConnectionPtr& connection : connections_) {
    if (connection->hosts[1] == acceptor) connection->half_open = true;
  }
}

void Network::host_gone(HostId id, bool with_end_of_stream) {
  at(id).host = nullptr;
  for (const ConnectionPtr& connection : std::vector<ConnectionPtr>(connections_)) {
    for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
      if (connection->hosts[side] != id || !connection->open[side]) continue;
      if (with_end_of_stream) {
        close(connection, side);
      } else {
        connection->open[side] = false;
        connection->pipes[side].packets.clear();
        connection->pipes[1 - side].packets.clear();
      }
    }
  }
  forget_closed();
}

}  // namespace netbinder::sim
