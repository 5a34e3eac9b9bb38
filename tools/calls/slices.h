// SPDX-License-Identifier: Apache-2.0
//
// Shows what threads did in calls as slices of time on one clock: waiting in a call, from its
// making to its reply's reading; handling one, from its reading to its reply. Slices of one thread
// nest: one that a program's own order of commands has let overlap another is cut at the other's
// end.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "tools/calls/clocks.h"
#include "tools/calls/recording.h"

namespace netbinder::tools {

struct ThreadOfHost {
  std::size_t host = 0;  // place in the list of recordings
  std::int32_t pid = 0;
  std::uint32_t tid = 0;
  auto operator<=>(const ThreadOfHost&) const = default;
};

struct Slice {
  enum class Kind { kCalls, kHandles };

  ThreadOfHost thread;
  Kind kind = Kind::kCalls;
  std::int64_t start_ns = 0;
  std::int64_t end_ns = 0;  // behind the start
  const CallRecord* call = nullptr;
  bool began_before = false;  // the recording
  bool unfinished = false;    // when the recording ended
  bool cut = false;
};

// From one slice to another of the same call.
struct Arrow {
  enum class Kind { kCall, kReply };
  Kind kind = Kind::kCall;
  std::uint64_t span = 0;
  ThreadOfHost from;
  std::int64_t from_ns = 0;
  ThreadOfHost to;
  std::int64_t to_ns = 0;
};

class Slices {
 public:
  Slices(const std::vector<HostRecording>& hosts, const std::vector<ClockOffset>& clocks);
  Slices(const Slices&) = delete;
  Slices& operator=(const Slices&) = delete;

  // By thread, then by time; what is inside of another one comes after it.
  [[nodiscard]] const std::vector<Slice>& all() const { return slices_; }
  [[nodiscard]] const std::vector<Arrow>& arrows() const { return arrows_; }
  // A time of a host, on the clock of all.
  [[nodiscard]] std::int64_t common_ns(std::size_t host, std::uint64_t time_ns) const {
    return static_cast<std::int64_t>(time_ns) - clocks_[host].offset_ns;
  }
  [[nodiscard]] const std::vector<std::unordered_map<std::uint64_t, CallRecord>>& calls() const {
    return calls_;
  }

 private:
  void add_caller(std::size_t host, const CallRecord& call);
  void add_handler(std::size_t host, const CallRecord& call);
  void add(Slice slice);
  void nest();
  void draw_arrows();

  const std::vector<ClockOffset>& clocks_;
  std::vector<std::unordered_map<std::uint64_t, CallRecord>> calls_;  // of each host
  std::vector<std::pair<std::int64_t, std::int64_t>> recorded_;       // of each host: from, to
  std::vector<Slice> slices_;
  std::vector<Arrow> arrows_;
};

}  // namespace netbinder::tools
