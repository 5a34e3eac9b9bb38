// SPDX-License-Identifier: Apache-2.0
//
// Collects what one agent records, until it is enough.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "tools/calls/call_source.h"
#include "tools/calls/program_names.h"
#include "tools/calls/recording.h"

namespace netbinder::tools {

class Collector {
 public:
  static constexpr std::size_t kMostEntries = 2'000'000;  // of one host, 128 bytes each

  explicit Collector(std::unique_ptr<CallSource> source);

  // To be called often. Throws as the source does.
  void collect() { take_over(&CallSource::drain); }
  // The last time: the source's rest.
  void collect_rest() { take_over(&CallSource::drain_rest); }
  [[nodiscard]] bool full() const { return recording_.entries.size() >= kMostEntries; }
  // Gives away what has been collected so far.
  [[nodiscard]] HostRecording take();

 private:
  void take_over(void (CallSource::*how)(std::vector<call_ring::Entry>&));
  // Takes the names that the entries from that one on have.
  void note_names(std::size_t from);

  std::unique_ptr<CallSource> source_;
  HostRecording recording_;
  ProgramNames programs_;
};

}  // namespace netbinder::tools
