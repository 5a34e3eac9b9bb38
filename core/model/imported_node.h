// SPDX-License-Identifier: Apache-2.0
//
// This host's knowledge of a node whose home is another host that is up: the references that the
// home has counted for us and that we have not given back, the claims that it has yet to answer,
// and whether the node's owner is frozen. Part of a node while it is imported.
//
// Every strong reference counts once strong and once weak, so that the strong one can go first.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "core/base/check.h"

namespace netbinder {

class Peer;

enum class RefKind : std::uint8_t { kWeak, kStrong };

class ImportedNode {
 public:
  explicit ImportedNode(Peer& home) : home_(home) {}

  [[nodiscard]] Peer& home() const { return home_; }

  // ---- references ----
  void receive(RefKind kind) {
    ++weak_;
    if (kind == RefKind::kStrong) ++strong_;
  }
  [[nodiscard]] std::uint64_t take_strong() { return std::exchange(strong_, 0); }
  [[nodiscard]] std::uint64_t take_weak() { return std::exchange(weak_, 0); }
  [[nodiscard]] std::uint64_t strong() const { return strong_; }
  [[nodiscard]] std::uint64_t weak() const { return weak_; }

  // ---- claims ----
  void claim(RefKind kind) {
    ++claims_;
    if (kind == RefKind::kStrong) ++strong_claims_;
  }
  void claim_answered(RefKind kind) {
    NB_CHECK(claims_ > 0);
    --claims_;
    if (kind == RefKind::kStrong) --strong_claims_;
  }
  [[nodiscard]] bool claimed() const { return claims_ > 0; }
  // Whether there is no such reference yet, but a claim may bring one.
  [[nodiscard]] bool only_claimed(RefKind kind) const {
    return kind == RefKind::kStrong ? strong_ == 0 && strong_claims_ > 0 : weak_ == 0 && claims_ > 0;
  }
  // Whether the home counts a strong reference for us, or will do so unless the node is dead.
  [[nodiscard]] bool may_be_strong() const { return strong_ + strong_claims_ > 0; }
  [[nodiscard]] bool may_be(RefKind kind) const {
    return kind == RefKind::kStrong ? may_be_strong() : weak_ + claims_ > 0;
  }

  // ---- whether its owner is frozen ----
  // Known once the home has been asked and has answered.
  [[nodiscard]] std::optional<bool> frozen() const { return frozen_; }
  void set_frozen(bool frozen) { frozen_ = frozen; }
  // True the first time: the home is to be asked now.
  [[nodiscard]] bool ask_freeze_state() { return !std::exchange(asked_freeze_state_, true); }

 private:
  Peer& home_;
  std::uint64_t strong_ = 0;
  std::uint64_t weak_ = 0;
  std::uint32_t claims_ = 0;
  std::uint32_t strong_claims_ = 0;  // among them
  bool asked_freeze_state_ = false;
  std::optional<bool> frozen_;
};

}  // namespace netbinder
