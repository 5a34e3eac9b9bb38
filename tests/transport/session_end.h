// SPDX-License-Identifier: Apache-2.0
//
// One end of a session with its events recorded, for tests that hand it frames and the time. Host 2
// dials, host 1 accepts.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/transport/recorder.h"
#include "transport/acceptance.h"
#include "transport/codec.h"
#include "transport/session.h"

namespace netbinder {

using Next = FrameOutcome::Next;

inline constexpr SessionTiming kTiming{.timeout_ms = 5000,
                                       .heartbeat_ms = 500,
                                       .suspect_ms = 2000,
                                       .handshake_ms = 3000,
                                       .ack_delay_ms = 10};

struct End {
  explicit End(std::uint32_t host, const SessionLimits& limits = {}, ClusterKey with_key = {},
               WireVersion newest = kNewestVersion, std::uint64_t life = 100)
      : session({.cluster = "test",
                 .host = HostId(host),
                 .host_name = "host" + std::to_string(host),
                 .incarnation = Incarnation(life + host),
                 .peer = HostId(3 - host),
                 .peer_name = "host" + std::to_string(3 - host),
                 .key = with_key,
                 .newest = newest},
                kTiming, limits, recorder, [this] { return ++last_id; }) {}

  Recorder::Peer& peer() { return recorder.peers[session.identity().peer]; }

  // The next frame to go out, decoded; nothing if there is none.
  std::optional<Frame> out() {
    const auto frame = session.next_frame(now_ms);
    if (!frame) return std::nullopt;
    const auto head = std::span(frame->head).subspan(kFramePrefixBytes);
    auto decoded = decode_frame(head, frame->payload.size());
    EXPECT_TRUE(decoded) << decoded.error();
    if (const auto* hello = std::get_if<frame::Hello>(&*decoded)) greeting = *hello;
    return *decoded;
  }
  template <typename T>
  T out_as() {
    auto frame = out();
    EXPECT_TRUE(frame && std::holds_alternative<T>(*frame));
    return frame && std::holds_alternative<T>(*frame) ? std::get<T>(*frame) : T{};
  }
  Next in(const Frame& frame) { return session.frame_arrived(frame, 0, now_ms).next; }
  Next message(std::uint64_t sequence, std::uint64_t received = 0) {
    return in(frame::Message{Sequence(sequence), Sequence(received),
                             peer::NodeDied{NodeNumber(sequence)}});
  }
  void send(std::uint64_t number) { session.send(peer::NodeDied{NodeNumber(number)}, {}); }
  std::optional<std::string> tick(std::uint64_t after_ms) {
    now_ms += after_ms;
    return session.tick(now_ms);
  }
  // Does what the owner of a link does when it has to close it.
  void settle() {
    if (session.tick(now_ms)) {
      while (out()) {
      }
      session.disconnected(now_ms);
    }
  }
  void disconnect() { session.disconnected(now_ms); }

  // The Hello that it says now, without its nonce.
  frame::Hello out_hello() {
    auto said = out_as<frame::Hello>();
    said.nonce = {};
    return said;
  }
  // The acceptor challenges it, is answered, and welcomes it.
  Next welcomed(std::uint64_t session_id, std::uint64_t received = 0,
                std::uint64_t incarnation = 101) {
    while (out()) {
    }
    const frame::Challenge asked = challenge(incarnation);
    EXPECT_EQ(in(asked), Next::kReadOn);
    EXPECT_EQ(out_as<frame::Answer>().proof, key.of_dialer(greeting, asked));
    frame::Welcome welcome{
        .session = SessionId(session_id), .received = Sequence(received), .proof = {}};
    welcome.proof = key.of_acceptor(greeting, asked, welcome);
    return in(welcome);
  }
  // A link is made to it, and the challenge answered.
  void accept(const frame::Hello& said) { session.accept(said, challenge(), now_ms); }

  static frame::Challenge challenge(std::uint64_t incarnation = 101) {
    return {.host = HostId(1),
            .host_name = "host1",
            .incarnation = Incarnation(incarnation),
            .newest = kNewestVersion,
            .nonce = {7}};
  }
  static frame::Hello hello(std::uint64_t session_id = 0, std::uint64_t received = 0,
                            std::uint64_t incarnation = 102) {
    return {.version = kNewestVersion,
            .cluster = "test",
            .host = HostId(2),
            .host_name = "host2",
            .incarnation = Incarnation(incarnation),
            .peer = HostId(1),
            .peer_incarnation = Incarnation(session_id != 0 ? 101 : 0),
            .session = SessionId(session_id),
            .received = Sequence(received),
            .nonce = {}};
  }

  ClusterKey key;  // none
  frame::Hello greeting;  // the last that it has said
  Recorder recorder;
  std::uint64_t last_id = 40;
  std::uint64_t now_ms = 1'000'000;
  Session session;
};

// An acceptor with a session (41) and a link.
struct Acceptor : End {
  explicit Acceptor(const SessionLimits& limits = {}) : End(1, limits) {
    accept(hello());
    frame::Welcome welcome{.session = SessionId(41), .received = Sequence(0), .proof = {}};
    welcome.proof = key.of_acceptor(hello(), challenge(), welcome);
    EXPECT_EQ(out_as<frame::Welcome>(), welcome);
    EXPECT_TRUE(peer().established);
  }
};

struct Dialer : End {
  Dialer() : End(2) {
    session.connected(now_ms);
    EXPECT_EQ(out_hello(), hello());
    EXPECT_FALSE(peer().established);
    EXPECT_EQ(welcomed(7), Next::kReadOn);
    EXPECT_TRUE(peer().established);
  }
};

}  // namespace netbinder
