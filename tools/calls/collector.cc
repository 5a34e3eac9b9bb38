// SPDX-License-Identifier: Apache-2.0
#include "tools/calls/collector.h"

#include <utility>

namespace netbinder::tools {

Collector::Collector(std::unique_ptr<CallSource> source) : source_(std::move(source)) {
  recording_.host = source_->host();
  recording_.name = source_->host_name();
  recording_.boot = source_->boot();
}

void Collector::take_over(void (CallSource::*how)(std::vector<call_ring::Entry>&)) {
  if (full()) return;
  const std::size_t known = recording_.entries.size();
  (source_.get()->*how)(recording_.entries);
  note_names(known);
}

void Collector::note_names(std::size_t from) {
  for (std::size_t i = from; i < recording_.entries.size(); ++i) {
    const call_ring::Entry& entry = recording_.entries[i];
    // Names share places in the ring, and programs end, so both are asked for at once.
    if (entry.node != 0 && recording_.interface_of(entry.node).empty()) {
      const std::string name = source_->interface_of(entry.node);
      if (!name.empty()) recording_.interfaces[entry.node] = name;
    }
    const auto named = [this](std::int32_t pid) { return source_->program_of(pid); };
    if (entry.caller_host == 0) (void)programs_.of(entry.caller_pid, named);
    if (entry.handler_host == 0) (void)programs_.of(entry.handler_pid, named);
    if (entry.reason != 0) recording_.reasons[entry.reason] = source_->reason(entry.reason);
  }
}

HostRecording Collector::take() {
  recording_.lost = source_->lost();
  for (const auto& [pid, name] : programs_.all()) {
    if (!name.empty()) recording_.programs[pid] = name;
  }
  return std::move(recording_);
}

}  // namespace netbinder::tools
