// SPDX-License-Identifier: Apache-2.0
//
// Where the calls of one host come from, as its agent records them. What it tells is another
// program's word: entries are sound (tools/calls/call_record.h), texts can be shown, and nothing
// else is relied on.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "node-agent/call_ring.h"

namespace netbinder::tools {

class CallSource {
 public:
  virtual ~CallSource() = default;

  // Appends what was recorded since the last time, and has the agent go on recording. To be called
  // every second at least. Throws std::runtime_error with a plain sentence if there is no more.
  virtual void drain(std::vector<call_ring::Entry>& into) = 0;
  // The last time: all of it, however long that takes.
  virtual void drain_rest(std::vector<call_ring::Entry>& into) { drain(into); }
  // Entries that were overwritten before they were read.
  [[nodiscard]] virtual std::uint64_t lost() const = 0;

  [[nodiscard]] virtual std::uint32_t host() const = 0;
  [[nodiscard]] virtual const std::string& host_name() const = 0;
  // The agent itself, which has calls of its own. 0: it is not known.
  [[nodiscard]] virtual std::int32_t agent_pid() const = 0;
  // The boot of the kernel whose clock the entries use.
  [[nodiscard]] virtual const std::string& boot() const = 0;
  // The clock on that host's wall is ahead of the entries' by so much.
  [[nodiscard]] virtual std::int64_t wall_ns() const = 0;
  // The names of the cluster's hosts, by number.
  [[nodiscard]] virtual const std::map<std::uint32_t, std::string>& host_names() const = 0;
  // The interface of a node; empty: it is not known.
  [[nodiscard]] virtual std::string interface_of(std::uint32_t node) const = 0;
  // The name of the program with that pid on that host, as long as it is among the latest or still
  // runs. Empty: it is not known.
  [[nodiscard]] virtual std::string program_of(std::int32_t pid) const = 0;
  // A reason of a failure, by its number; empty: there is none.
  [[nodiscard]] virtual std::string reason(std::uint16_t number) const = 0;
};

}  // namespace netbinder::tools
