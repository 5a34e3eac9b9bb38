// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/network.h"

#include <algorithm>

namespace netbinder::sim {

void Network::set_host(HostId id, NetworkHost* host) {
  if (hosts_.size() <= id.value()) hosts_.resize(id.value() + 1);
  hosts_[id.value()] = host;
}

NetworkHost* Network::end(const Connection& connection, std::size_t side) const {
  NetworkHost* host = hosts_[connection.hosts[side].value()];
  const bool there =
      connection.open[side] && host != nullptr && host->life() == connection.lives[side];
  return there ? host : nullptr;
}

void Network::dial(HostId from, HostId to) {
  const std::uint64_t life = hosts_[from.value()]->life();
  clock_.after(1 + random_.below(settings_.max_delay_ms + 1), [this, from, to, life] {
    NetworkHost* dialer = hosts_[from.value()];
    if (dialer == nullptr || dialer->life() != life) return;
    NetworkHost* acceptor = hosts_[to.value()];
    if (acceptor == nullptr || is_cut(from, to) || is_cut(to, from)) {
      dialer->dialled(to, nullptr);
      return;
    }
    auto connection = std::make_shared<Connection>();
    connection->number = next_connection_++;
    connection->hosts = {from, to};
    connection->lives = {life, acceptor->life()};
    connections_.push_back(connection);
    dialer->dialled(to, connection);
  });
}

void Network::push(const ConnectionPtr& connection, std::size_t side,
                   std::shared_ptr<const OutgoingFrame> frame) {
  Connection::Pipe& pipe = connection->pipes[side];
  const std::uint64_t due = clock_.now_ms() + random_.below(settings_.max_delay_ms + 1);
  pipe.last_due_ms = std::max(pipe.last_due_ms, due);
  pipe.bytes += frame ? frame->size() : 0;
  pipe.packets.push_back({.frame = std::move(frame), .due_ms = pipe.last_due_ms});
  schedule(connection, side);
}

void Network::write(const ConnectionPtr& connection, std::size_t side,
                    std::shared_ptr<const OutgoingFrame> frame) {
  if (!connection->open[side]) return;
  ++frames_;
  push(connection, side, std::move(frame));
}

void Network::close(const ConnectionPtr& connection, std::size_t side) {
  if (!connection->open[side]) return;
  connection->open[side] = false;
  connection->pipes[1 - side].packets.clear();
  push(connection, side, nullptr);
  forget_closed();
}

bool Network::blocked(const Connection& connection, std::size_t writer) const {
  return is_cut(connection.hosts[writer], connection.hosts[1 - writer]) ||
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

void Network::deliver(const ConnectionPtr& connection, std::size_t writer) {
  Connection::Pipe& pipe = connection->pipes[writer];
  const std::size_t reader = 1 - writer;
  while (!pipe.packets.empty() && pipe.packets.front().due_ms <= clock_.now_ms() &&
         !blocked(*connection, writer)) {
    NetworkHost* host = end(*connection, reader);
    Connection::Packet& packet = pipe.packets.front();
    if (host == nullptr) {
      // Nobody is there: the writer is told, if word can get back to it.
      pipe.packets.clear();
      pipe.bytes = 0;
      if (!is_cut(connection->hosts[reader], connection->hosts[writer])) {
        clock_.after(random_.below(settings_.max_delay_ms + 1), [this, connection, writer] {
          if (NetworkHost* told = end(*connection, writer)) told->broken(connection, writer);
        });
      }
      return;
    }
    const std::shared_ptr<const OutgoingFrame> frame = packet.frame;
    if (frame == nullptr) {
      pipe.packets.clear();
      host->broken(connection, reader);
      return;
    }
    if (!packet.head_taken && host->head_arrived(connection, reader, *frame)) {
      if (pipe.packets.empty()) return;  // the connection ended with it
      pipe.packets.front().head_taken = true;
      pipe.packets.front().due_ms = clock_.now_ms() + random_.below(3);
      pipe.last_due_ms = std::max(pipe.last_due_ms, pipe.packets.front().due_ms);
      continue;
    }
    if (pipe.packets.empty()) return;
    if (pipe.packets.front().head_taken) host->payload_arrived(connection, reader, *frame);
    if (pipe.packets.empty()) return;
    pipe.packets.pop_front();
    pipe.bytes -= frame->size();
    if (NetworkHost* sender = end(*connection, writer)) sender->writable(connection, writer);
  }
  schedule(connection, writer);
}

void Network::schedule_all() {
  for (const ConnectionPtr& connection : connections_) {
    schedule(connection, 0);
    schedule(connection, 1);
  }
}

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

void Network::host_gone(HostId host, bool with_end_of_stream) {
  hosts_[host.value()] = nullptr;
  for (const ConnectionPtr& connection : std::vector<ConnectionPtr>(connections_)) {
    for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
      if (connection->hosts[side] != host || !connection->open[side]) continue;
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

void Network::forget_closed() {
  std::erase_if(connections_, [](const ConnectionPtr& connection) {
    return !connection->open[0] && !connection->open[1] && connection->pipes[0].packets.empty() &&
           connection->pipes[1].packets.empty();
  });
}

}  // namespace netbinder::sim
