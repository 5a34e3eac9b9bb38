// SPDX-License-Identifier: Apache-2.0
//
// Connections, as transport/tcp/peer_link.cc handles them.
#include <algorithm>

#include "tests/sim/host.h"
#include "tests/sim/world.h"
#include "transport/codec.h"

namespace netbinder::sim {

void SimHost::dial_later(Link& link) {
  if (link.dialling) return;
  link.dialling = true;
  link.wait_ms = std::clamp<std::uint64_t>(2 * link.wait_ms, 5, 80);
  world_.clock().after(link.wait_ms, [&world = world_, id = id_, life = life_, peer = link.peer] {
    SimHost* host = world.host(id);
    if (host != nullptr && host->life_ == life) world.network().dial(id, peer);
  });
}

void SimHost::dialled(HostId peer, const ConnectionPtr& connection) {
  Link& to = link(peer);
  to.dialling = false;
  if (connection == nullptr) {
    dial_later(to);
    return;
  }
  const std::uint64_t now = world_.clock().now_ms();
  if (to.session->tick(now)) world_.oracle().fail("a link to close where there is none");
  to.connection = connection;
  to.side = 0;
  to.wait_ms = 0;
  to.session->connected(now);
  settle(to);
  settle_dirty();
}

bool SimHost::hello_arrived(const ConnectionPtr& connection, std::size_t side, const Frame& frame) {
  const HostId peer = connection->hosts[1 - side];
  Link& from = link(peer);
  const auto* hello = std::get_if<frame::Hello>(&frame);
  if (hello == nullptr) {
    world_.oracle().fail("the first frame of a connection is no Hello");
    return false;
  }
  if (const auto refuse = from.session->refusal(*hello)) {
    world_.trace().note("refused", {id_.value(), peer.value()});
    auto out = std::make_shared<OutgoingFrame>();
    if (encode_frame(*refuse, 0, out->head)) world_.network().write(connection, side, out);
    world_.network().close(connection, side);
    return false;
  }
  if (from.connection) drop_link(from);
  from.connection = connection;
  from.side = side;
  from.session->accept(*hello, world_.clock().now_ms());
  settle(from);
  settle_dirty();
  return false;
}

bool SimHost::head_arrived(const ConnectionPtr& connection, std::size_t side,
                           const OutgoingFrame& frame) {
  const HostId peer = connection->hosts[1 - side];
  Link& from = link(peer);
  const auto prefix = decode_prefix(frame.head, 8U << 20);
  if (!prefix || prefix->message_bytes + kFramePrefixBytes != frame.head.size() ||
      prefix->payload_bytes != frame.payload.size()) {
    world_.oracle().fail("a frame with a wrong prefix");
    return false;
  }
  auto decoded =
      decode_frame(std::span(frame.head).subspan(kFramePrefixBytes), frame.payload.size());
  if (!decoded) {
    world_.oracle().fail("a frame that cannot be decoded: " + decoded.error());
    return false;
  }
  if (from.connection != connection) return hello_arrived(connection, side, *decoded);
  if (const auto* welcome = std::get_if<frame::Welcome>(&*decoded)) {
    from.session_to_come = welcome->session.value();
  }
  const auto outcome = from.session->frame_arrived(std::move(*decoded), frame.payload.size(),
                                                   world_.clock().now_ms());
  if (outcome.next == FrameOutcome::Next::kPayload) {
    from.destination = outcome.destination;
    settle_dirty();
    return true;
  }
  from.destination = {};
  settle(from);
  settle_dirty();
  return false;
}

void SimHost::payload_arrived(const ConnectionPtr& connection, std::size_t side,
                              const OutgoingFrame& frame) {
  Link& from = link(connection->hosts[1 - side]);
  if (!from.destination.bytes.empty()) {
    std::ranges::copy(frame.payload.bytes(), from.destination.bytes.begin());
  }
  (void)from.session->payload_arrived(world_.clock().now_ms());
  from.destination = {};
  settle(from);
  settle_dirty();
}

void SimHost::broken(const ConnectionPtr& connection, std::size_t side) {
  Link& from = link(connection->hosts[1 - side]);
  if (from.connection != connection) {
    world_.network().close(connection, side);
    return;
  }
  drop_link(from);
  settle_dirty();
}

void SimHost::writable(const ConnectionPtr& connection, std::size_t side) {
  Link& to = link(connection->hosts[1 - side]);
  if (to.connection != connection || stalled_) return;
  pump(to);
}

void SimHost::drop_link(Link& link) {
  const ConnectionPtr connection = std::exchange(link.connection, nullptr);
  if (connection == nullptr) return;
  const std::uint64_t now = world_.clock().now_ms();
  world_.trace().note("unlinked", {id_.value(), link.peer.value()});
  lose_leases(link);
  while (world_.network().room(*connection, link.side)) {
    auto frame = link.session->next_frame(now);
    if (frame == nullptr) break;
    world_.network().write(connection, link.side, std::move(frame));
  }
  world_.network().close(connection, link.side);
  link.destination = {};
  if (!link.session->link_down()) link.session->disconnected(now);
  send_held(link);
  if (link.session->identity().dials()) dial_later(link);
  arm_timer(link);
}

void SimHost::pump(Link& link) {
  if (link.connection == nullptr) return;
  while (world_.network().room(*link.connection, link.side)) {
    auto frame = link.session->next_frame(world_.clock().now_ms());
    if (frame == nullptr) break;
    world_.network().write(link.connection, link.side, std::move(frame));
  }
}

void SimHost::settle(Link& link) {
  if (stalled_) return;
  if (link.session->tick(world_.clock().now_ms())) {
    drop_link(link);
  } else {
    pump(link);
    arm_timer(link);
  }
}

void SimHost::settle_dirty() {
  if (settling_) return;
  settling_ = true;
  while (!dirty_.empty() && !stalled_) {
    const HostId peer = *dirty_.begin();
    dirty_.erase(dirty_.begin());
    settle(link(peer));
  }
  settling_ = false;
}

void SimHost::arm_timer(Link& link) {
  const std::uint64_t next = std::max(link.session->next_tick_ms(), world_.clock().now_ms());
  if (next >= link.timer_ms || link.session->next_tick_ms() == Session::kNever) return;
  link.timer_ms = next;
  world_.clock().at(next, [&world = world_, id = id_, life = life_, peer = link.peer, next] {
    SimHost* host = world.host(id);
    if (host == nullptr || host->life_ != life) return;
    Link& due = host->link(peer);
    if (due.timer_ms == next) due.timer_ms = Session::kNever;
    host->settle(due);
    host->settle_dirty();
  });
}

}  // namespace netbinder::sim
