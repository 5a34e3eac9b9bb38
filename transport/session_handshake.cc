// SPDX-License-Identifier: Apache-2.0
//
// The handshake of a Session: how a link begins, at either end.
#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "transport/session.h"

namespace netbinder {

Nonce Session::nonce() const {
  Nonce nonce;
  for (std::size_t i = 0; i < nonce.size(); i += sizeof(std::uint64_t)) {
    const std::uint64_t random = random_();
    std::memcpy(nonce.data() + i, &random, sizeof random);
  }
  return nonce;
}

// session.pml: connected
void Session::connected(std::uint64_t now_ms) {
  NB_CHECK(identity_.dials() && link_down() && !ending_);
  const auto* live = std::get_if<Live>(&session_);
  last_heard_ms_ = last_sent_ms_ = last_tick_ms_ = now_ms;
  const frame::Hello hello{
      .version = proposed_,
      .cluster = identity_.cluster,
      .host = identity_.host,
      .host_name = identity_.host_name,
      .incarnation = identity_.incarnation,
      .peer = identity_.peer,
      .peer_incarnation = live != nullptr ? live->peer_incarnation : Incarnation(0),
      .session = live != nullptr ? live->id : SessionId(0),
      .received = Sequence(live != nullptr ? live->received : 0),
      .nonce = nonce(),
  };
  link_ = Greeting{.since_ms = now_ms, .hello = hello, .challenge = std::nullopt};
  queue(hello);
}

std::optional<frame::Refuse> Session::refusal(const frame::Hello& hello) const {
  const auto refuse = [](RefuseReason reason, std::string detail) {
    return frame::Refuse{.reason = reason, .detail = std::move(detail)};
  };
  if (!speaks(hello.version)) {
    return refuse(RefuseReason::kVersion, "protocol versions " +
                                              std::to_string(kOldestVersion.value()) + " to " +
                                              std::to_string(identity_.newest.value()) +
                                              " are spoken here, and not " +
                                              std::to_string(hello.version.value()));
  }
  if (hello.cluster != identity_.cluster) {
    return refuse(RefuseReason::kCluster, "this is cluster '" + identity_.cluster + "'");
  }
  if (hello.host != identity_.peer || hello.peer != identity_.host) {
    return refuse(RefuseReason::kUnknownHost,
                  "this is host " + std::to_string(identity_.host.value()));
  }
  if (hello.host_name != identity_.peer_name) {
    return refuse(RefuseReason::kHostName, "host " + std::to_string(identity_.peer.value()) +
                                               " is called '" + identity_.peer_name + "' here");
  }
  if (identity_.dials()) return refuse(RefuseReason::kDirection, "the higher host dials");
  if (hello.incarnation.value() == 0) {
    return refuse(RefuseReason::kStaleIncarnation, "an agent without an incarnation");
  }
  return std::nullopt;
}

frame::Challenge Session::challenge() const {
  return {.host = identity_.host,
          .host_name = identity_.host_name,
          .incarnation = identity_.incarnation,
          .newest = identity_.newest,
          .nonce = nonce()};
}

bool Session::proves(const frame::Hello& hello, const frame::Challenge& challenge,
                     const frame::Answer& answer) const {
  return ClusterKey::same(answer.proof, identity_.key.of_dialer(hello, challenge));
}

// session.pml: accept
void Session::accept(const frame::Hello& hello, const frame::Challenge& challenge,
                     std::uint64_t now_ms) {
  NB_CHECK(link_down() && !refusal(hello));
  ++links_accepted_;
  if (ending_) lose(ending_->detail);
  if (expired(now_ms)) lose("no link within the session timeout");

  auto* live = std::get_if<Live>(&session_);
  const bool resume =
      live != nullptr && hello.session == live->id && hello.incarnation == live->peer_incarnation &&
      hello.peer_incarnation == identity_.incarnation && hello.version == live->version &&
      live->window.rewind(hello.received);
  if (!resume) {
    if (live != nullptr) {
      lose(hello.incarnation != live->peer_incarnation ? "the peer was restarted"
                                                       : "the peer has given the session up");
    }
    establish(SessionId(random_()), hello.incarnation, hello.version, now_ms);
    live = &std::get<Live>(session_);
    NB_CHECK(live->id.value() != 0);
  } else {
    ++counters_.resumed;
  }
  link_ = Up{};
  last_heard_ms_ = last_sent_ms_ = last_tick_ms_ = now_ms;
  frame::Welcome welcome{
      .session = live->id, .received = Sequence(live->received), .proof = {}};
  welcome.proof = identity_.key.of_acceptor(hello, challenge, welcome);
  queue(welcome, Sequence(live->received));
  if (!resume) events_.session_established(identity_.peer, hello.incarnation, hello.version);
}

FrameOutcome Session::greeted(const Frame& frame, std::uint64_t now_ms) {
  if (const auto* challenge = std::get_if<frame::Challenge>(&frame)) {
    return challenged(std::get<Greeting>(link_), *challenge);
  }
  if (const auto* welcome = std::get_if<frame::Welcome>(&frame)) {
    return welcome_arrived(*welcome, now_ms);
  }
  if (const auto* refuse = std::get_if<frame::Refuse>(&frame)) {
    return refused(*refuse);
  }
  return useless_link("not an answer to a greeting");
}

FrameOutcome Session::refused(const frame::Refuse& refuse) {
  if (refuse.reason == RefuseReason::kVersion) {
    const WireVersion before{std::get<Greeting>(link_).hello.version.value() - 1};
    proposed_ = speaks(before) ? before : identity_.newest;
  }
  return useless_link("refused: " + refuse.detail);
}

// session.pml: arrives_at_d
FrameOutcome Session::challenged(Greeting& greeting, const frame::Challenge& challenge) {
  if (challenge.host != identity_.peer || challenge.host_name != identity_.peer_name) {
    return useless_link("host " + std::to_string(challenge.host.value()) + " '" +
                        challenge.host_name + "' answers there");
  }
  if (challenge.incarnation.value() == 0) {
    return useless_link("an agent without an incarnation answers");
  }
  const auto* live = std::get_if<Live>(&session_);
  const bool resumes = live != nullptr && live->peer_incarnation == challenge.incarnation;
  if (!resumes && greeting.hello.version < std::min(identity_.newest, challenge.newest)) {
    proposed_ = std::min(identity_.newest, challenge.newest);
    return useless_link("it speaks a newer version now");
  }
  greeting.challenge = challenge;
  queue(frame::Answer{.proof = identity_.key.of_dialer(greeting.hello, challenge)});
  return {};
}

// session.pml: arrives_at_d
FrameOutcome Session::welcome_arrived(const frame::Welcome& welcome, std::uint64_t now_ms) {
  const Greeting& greeting = std::get<Greeting>(link_);
  if (!greeting.challenge || welcome.session.value() == 0) {
    return useless_link("a welcome without a challenge");
  }
  if (!ClusterKey::same(welcome.proof, identity_.key.of_acceptor(greeting.hello,
                                                                 *greeting.challenge, welcome))) {
    return useless_link("the cluster's key is another one there");
  }
  const Incarnation incarnation = greeting.challenge->incarnation;
  auto* live = std::get_if<Live>(&session_);
  if (live != nullptr && welcome.session == live->id) {
    if (incarnation != live->peer_incarnation || !live->window.rewind(welcome.received)) {
      return violation("welcome to the session that does not fit it");
    }
    live->told = live->received;  // Hello said so
    live->untold_bytes = 0;
    link_ = Up{};
    ++counters_.resumed;
    return {};
  }
  if (welcome.received.value() != 0) return useless_link("welcome to an unknown session");
  if (live != nullptr) {
    lose(incarnation != live->peer_incarnation ? "the peer was restarted"
                                               : "the peer has given the session up");
  }
  const WireVersion version = greeting.hello.version;
  establish(welcome.session, incarnation, version, now_ms);
  link_ = Up{};
  events_.session_established(identity_.peer, incarnation, version);
  return {.next = ending_ ? FrameOutcome::Next::kStop : FrameOutcome::Next::kReadOn,
          .destination = {}};
}

}  // namespace netbinder
