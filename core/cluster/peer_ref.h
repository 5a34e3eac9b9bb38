// SPDX-License-Identifier: Apache-2.0
//
// The references of one peer to one node of ours, as we have counted them. Made and destroyed by
// Exports.
#pragma once

#include "core/model/ref.h"

namespace netbinder {

class Exports;

class PeerRef final : public Ref {
 public:
  PeerRef(Exports& table, Peer& holder, Node& node, std::uint32_t debug_id)
      : Ref(node, debug_id), table_(table), holder_(holder) {}

  [[nodiscard]] Peer* peer() const override { return &holder_; }
  // The peer is told when the node's owner is frozen or thawed.
  void watch_freezing() { watches_freezing_ = true; }

  void node_died() override;
  void owner_froze(bool frozen) override;
  void destroy() override;

 private:
  Exports& table_;
  Peer& holder_;
  bool watches_freezing_ = false;
};

}  // namespace netbinder
