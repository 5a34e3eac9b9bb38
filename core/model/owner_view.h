// SPDX-License-Identifier: Apache-2.0
//
// The owner's knowledge of the strong, or of the weak, references to its node. Part of a node.
//
//   kNone -> kAnnounced   BR_ACQUIRE or BR_INCREFS has been read
//   kAnnounced -> kHeld   the owner has acknowledged it
//   kHeld -> kNone        BR_RELEASE or BR_DECREFS has been read
//   kNone -> kHeld        the owner is taken to hold it from the start, as a context's manager is
// Other edges do not exist: an announced reference is not released, since its acknowledgement is
// owed and counts as a reference; and a held reference is not announced again.
#pragma once

#include <cstdint>
#include <utility>

#include "core/base/check.h"

namespace netbinder {

class OwnerView {
 public:
  // Whether the owner has been told of a reference and not yet of its release.
  [[nodiscard]] bool has() const { return state_ != State::kNone; }
  [[nodiscard]] bool announced() const { return state_ == State::kAnnounced; }

  void announce() {
    NB_CHECK(state_ == State::kNone);
    state_ = State::kAnnounced;
  }
  // False: no reference was announced, and nothing has changed.
  [[nodiscard]] bool acknowledge() {
    if (state_ != State::kAnnounced) return false;
    state_ = State::kHeld;
    return true;
  }
  void release() {
    NB_CHECK(state_ != State::kAnnounced);
    state_ = State::kNone;
  }
  // An announcement that is not yet acknowledged stays one.
  void hold_from_start() {
    if (state_ == State::kNone) state_ = State::kHeld;
  }

 private:
  enum class State : std::uint8_t { kNone, kAnnounced, kHeld };
  State state_ = State::kNone;
};

}  // namespace netbinder
