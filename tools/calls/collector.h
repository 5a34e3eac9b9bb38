// SPDX-License-Identifier: Apache-2.0
//
// Collects what one agent records, until it is enough.
#pragma once

#include <cstddef>
#include <string>

#include "tools/calls/program_names.h"
#include "tools/calls/recording.h"
#include "tools/calls/ring_reader.h"

namespace netbinder::tools {

class Collector {
 public:
  static constexpr std::size_t kMostEntries = 2'000'000;  // of one host, 128 bytes each

  // Throws as RingReader does.
  explicit Collector(const std::string& agent_socket);

  // To be called often. Throws as RingReader does.
  void collect();
  [[nodiscard]] bool full() const { return recording_.entries.size() >= kMostEntries; }
  // Gives away what has been collected so far.
  [[nodiscard]] HostRecording take();

 private:
  RingReader reader_;
  HostRecording recording_;
  ProgramNames programs_;
};

}  // namespace netbinder::tools
