// SPDX-License-Identifier: Apache-2.0
//
// Recorded calls as a file in Chrome's trace-event format (JSON), which Perfetto's viewer and
// chrome://tracing open: a track for each host, process and thread, slices for calls, arrows
// between them, counters for queues and arenas.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include "tools/calls/clocks.h"
#include "tools/calls/recording.h"

namespace netbinder::tools {

struct TraceContents {
  std::size_t calls = 0;  // each once, on however many hosts
  std::size_t slices = 0;
  std::size_t arrows = 0;
  std::uint64_t lost = 0;  // entries
};

// Writes it, and tells what is in it. Errors of writing are the file's to tell.
TraceContents write_trace(std::FILE* file, const std::vector<HostRecording>& hosts,
                          const std::vector<ClockOffset>& clocks);

// The name of a call for people: the interface's last part and the code.
[[nodiscard]] std::string call_name(const std::string& interface, std::uint32_t code);

}  // namespace netbinder::tools
