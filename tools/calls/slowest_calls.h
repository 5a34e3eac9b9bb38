// SPDX-License-Identifier: Apache-2.0
//
// The slowest of the calls that have ended lately, however many these are: the slowest of each
// second are kept, and so the slowest of all seconds are among them. Plain values, no I/O.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <nlohmann/json.hpp>
#include <vector>

namespace netbinder::tools {

class SlowestCalls {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds kSpan{60};
  static constexpr std::size_t kMost = 20;

  // Whether a call that has ended now is among the slowest of its second. Words are to be made for
  // those alone.
  [[nodiscard]] bool takes(Time now, double duration_us) const;
  void add(Time now, double duration_us, nlohmann::json call);
  // Those of kSpan, the slowest first.
  [[nodiscard]] nlohmann::json to_json(Time now) const;

 private:
  struct Kept {
    double duration_us = 0;
    nlohmann::json call;
  };
  struct Second {
    Time begin;
    std::vector<Kept> slowest;  // at most kMost, the slowest first
  };

  // Null: it has none yet.
  [[nodiscard]] const Second* second_of(Time now) const;

  std::deque<Second> seconds_;  // the latest is the last
};

}  // namespace netbinder::tools
