// SPDX-License-Identifier: Apache-2.0
//
// The secret that the agents of a cluster share, and the proofs of it in a handshake
// (transport/protocol.capnp). An end proves that it knows the key, and that it has read the nonce
// that the other end has just made. So neither a stranger nor a replay can begin anything. Without
// a key only the second is proved; the first is then proved by TLS, or not at all.
// it proved.
//
// Plain data; no state beyond the secret.
#pragma once

#include <string>

#include "transport/frame.h"

namespace netbinder {

class ClusterKey {
 public:
  ClusterKey() = default;  // none
  explicit ClusterKey(std::string secret) : secret_(std::move(secret)) {}

  [[nodiscard]] bool empty() const { return secret_.empty(); }

  // The proofs of the dialer, who has been challenged, and of the acceptor, with its Welcome (whose
  // own `proof` is not included).
  [[nodiscard]] Proof of_dialer(const frame::Hello& hello, const frame::Challenge& challenge) const;
  [[nodiscard]] Proof of_acceptor(const frame::Hello& hello, const frame::Challenge& challenge,
                                  const frame::Welcome& welcome) const;
  // Takes as long whatever is wrong.
  [[nodiscard]] static bool same(const Proof& one, const Proof& other);

 private:
  [[nodiscard]] Proof of(std::string_view transcript) const;

  std::string secret_;
};

}  // namespace netbinder
