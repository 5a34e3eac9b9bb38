// SPDX-License-Identifier: Apache-2.0
//
// The acceptor's side of a handshake on one connection, until the connection belongs to a peer:
//
//   Hello -> Challenge, Answer -> accepted; at any time Refuse
//
// A session is changed only if the answer is right and belongs to a challenge of this very
// connection, and if no other connection of that peer was accepted since; otherwise the peer is
// challenged once more. So a connection whose dialer has gone, or has given it up, begins nothing,
// whatever of its bytes arrives and when; and of two incarnations of a host, the one that answers
// is the live one.
//
// Owned by whoever has accepted the connection; no I/O.
// tests/models/session.pml is a model of this class and of Session.
#pragma once

#include <optional>
#include <variant>

#include "transport/session.h"

namespace netbinder {

class Acceptance {
 public:
  struct Accepted {};
  // The frame to write (after a refusal, close), or that session.accept() is to follow.
  using Step = std::variant<frame::Challenge, frame::Refuse, Accepted>;

  // The peer's number, once it has said Hello.
  [[nodiscard]] std::optional<HostId> host() const {
    return hello_ ? std::optional(hello_->host) : std::nullopt;
  }
  Step greeted(Session& session, const frame::Hello& hello);
  Step answered(Session& session, const frame::Answer& answer);

  // The frames of the accepted connection.
  [[nodiscard]] const frame::Hello& hello() const { return *hello_; }
  [[nodiscard]] const frame::Challenge& challenge() const { return challenge_; }

 private:
  std::optional<frame::Hello> hello_;
  frame::Challenge challenge_;
  std::uint64_t links_before_ = 0;  // links that the session had accepted by then
};

}  // namespace netbinder
