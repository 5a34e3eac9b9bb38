// SPDX-License-Identifier: Apache-2.0
//
// Turns of the data plane that took too long, and their work: all other programs and peers of the
// agent had to wait. There is at most one report in an interval; it gives the number of turns that
// were not reported in the meantime.
//
// Reads no clock: the caller passes the time. Owned by the event loop, used on its thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace netbinder {

// The work done since the beginning, or in one turn.
struct TurnWork {
  std::uint64_t hellos = 0;
  std::uint64_t requests = 0;
  std::uint64_t request_bytes = 0;  // read from programs' memory
  std::uint64_t messages_received = 0;
  std::uint64_t messages_sent = 0;
  std::uint64_t payload_bytes = 0;  // to and from other hosts

  friend bool operator==(const TurnWork&, const TurnWork&) = default;
};
TurnWork operator-(const TurnWork& total, const TurnWork& before);

struct LateTurn {
  std::uint64_t took_ns = 0;
  TurnWork work;
  std::uint64_t suppressed = 0;  // reports since the last one

  [[nodiscard]] std::string text() const;
};

// How long turns have taken, since the beginning. `counts` has the turns that were not longer than
// the bound of the same place, and than no smaller one; at its end, those that were longer.
struct TurnTimes {
  static constexpr std::array<std::uint64_t, 8> kBoundsNs = {
      100'000,    300'000,    1'000'000,   3'000'000,
      10'000'000, 30'000'000, 100'000'000, 1'000'000'000};
  std::array<std::uint64_t, kBoundsNs.size() + 1> counts{};
  std::uint64_t total_ns = 0;

  void add(std::uint64_t took_ns) {
    std::size_t place = 0;
    while (place < kBoundsNs.size() && took_ns > kBoundsNs[place]) ++place;
    ++counts[place];
    total_ns += took_ns;
  }
};

class LateTurns {
 public:
  static constexpr std::uint64_t kLateNs = 10'000'000;
  static constexpr std::uint64_t kIntervalNs = 1'000'000'000;

  // A turn began and ended at these times; `total` is the work done by its end. Returns what is to
  // be reported, if anything.
  std::optional<LateTurn> turn_ended(std::uint64_t begin_ns, std::uint64_t end_ns,
                                     const TurnWork& total);

  [[nodiscard]] std::uint64_t late() const { return late_; }  // reported or not
  [[nodiscard]] const TurnTimes& times() const { return times_; }

 private:
  TurnWork before_;  // the turn
  TurnTimes times_;
  std::uint64_t late_ = 0;
  std::uint64_t suppressed_ = 0;
  std::optional<std::uint64_t> reported_ns_;
};

}  // namespace netbinder
