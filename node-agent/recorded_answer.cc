// SPDX-License-Identifier: Apache-2.0
#include "node-agent/recorded_answer.h"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "node-agent/call_entry_text.h"
#include "node-agent/clock.h"

namespace netbinder {

RecordedAnswer::RecordedAnswer(const call_ring::Ring& ring, std::string recording,
                               std::uint64_t since, HostNames hosts)
    : recording_(std::move(recording)),
      next_(std::min(since, ring.header.written)),
      end_(ring.header.written),
      hosts_(std::move(hosts)) {}

bool RecordedAnswer::go_on(const call_ring::Ring& ring) {
  const std::uint64_t written = ring.header.written;
  if (written > call_ring::kEntries && next_ < written - call_ring::kEntries) {
    // Between two slices as well; what comes behind them is in order.
    const std::uint64_t first = written - call_ring::kEntries;
    lost_ += first - next_;
    next_ = first;
  }
  const std::uint64_t room = kMostEntries - entries_.size() / call_ring::kSentChars;
  const std::uint64_t there = end_ - std::min(next_, end_);
  const std::uint64_t count = std::min({kEntriesOfASlice, room, there});
  for (std::uint64_t i = 0; i < count; ++i, ++next_) {
    const call_ring::Entry& entry = ring.entries[next_ % call_ring::kEntries];
    call_ring::append_text(entry, entries_);
    if (entry.node != 0) nodes_.insert(entry.node);
    if (entry.caller_host == 0 && entry.caller_pid > 0) pids_.insert(entry.caller_pid);
    if (entry.handler_host == 0 && entry.handler_pid > 0) pids_.insert(entry.handler_pid);
    if (entry.reason != 0) reasons_.insert(entry.reason);
  }
  return count < kEntriesOfASlice;
}

std::string RecordedAnswer::line(const call_ring::Ring& ring) const {
  using nlohmann::json;
  json facts = {{"version", call_ring::kVersion},
                {"recording", recording_},
                {"next", next_},
                {"lost", lost_},
                {"more", next_ < ring.header.written},
                {"host", ring.header.host},
                {"host_name", ring.header.host_name},
                {"boot", ring.header.boot},
                {"wall_ns", wall_ahead_ns()},
                {"agent_pid", ::getpid()},
                {"interfaces", json::object()},
                {"programs", json::object()},
                {"reasons", json::object()},
                {"hosts", json::object()}};
  for (const auto& [number, name] : hosts_) facts["hosts"][std::to_string(number)] = name;
  for (const std::uint32_t node : nodes_) {
    const call_ring::Name& name = ring.names[node % call_ring::kNames];
    if (name.node == node) facts["interfaces"][std::to_string(node)] = name.text;
  }
  for (const std::int32_t pid : pids_) {
    const auto place = static_cast<std::size_t>(pid) % call_ring::kPrograms;
    const call_ring::Program& program = ring.programs[place];
    if (program.pid == pid) facts["programs"][std::to_string(pid)] = program.text;
  }
  for (const std::uint16_t reason : reasons_) {
    facts["reasons"][std::to_string(reason)] = ring.reasons[reason - 1].text;
  }
  // The entries are put in as they are: there is nothing in base64 that JSON writes otherwise.
  std::string text = R"({"entries":")" + entries_ + "\",";
  text += facts.dump(-1, ' ', false, json::error_handler_t::replace).substr(1);
  text += '\n';
  return text;
}

}  // namespace netbinder
