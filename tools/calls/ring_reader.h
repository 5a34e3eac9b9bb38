// SPDX-License-Identifier: Apache-2.0
//
// Reads what an agent records of calls (node-agent/call_ring.h), while it does: it has the agent
// begin, and go on until this ends. The agent's memory is looked at and never relied on.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "node-agent/call_ring.h"
#include "node-agent/unique_fd.h"

namespace netbinder::tools {

class RingReader {
 public:
  // Throws std::runtime_error with a plain sentence if the agent does not record.
  explicit RingReader(std::string agent_socket);
  ~RingReader();
  RingReader(const RingReader&) = delete;
  RingReader& operator=(const RingReader&) = delete;

  // Appends what was recorded since the last time. To be called every second at least, as it also
  // has the agent go on. Throws as above.
  void drain(std::vector<call_ring::Entry>& into);
  // Entries that were overwritten before they were read.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

  [[nodiscard]] std::uint32_t host() const { return host_; }
  [[nodiscard]] const std::string& host_name() const { return host_name_; }
  [[nodiscard]] const std::string& boot() const { return boot_; }
  // The names of the cluster's hosts, by number.
  [[nodiscard]] const std::map<std::uint32_t, std::string>& host_names() const {
    return host_names_;
  }
  // The interface of a node; empty: it is not known.
  [[nodiscard]] std::string interface_of(std::uint32_t node) const;
  // The name of the program with that pid on this host, as long as it is among the latest. It need
  // not run any more. Empty: it is not known.
  [[nodiscard]] std::string program_of(std::int32_t pid) const;
  // A reason of a failure, by its number; empty: there is none.
  [[nodiscard]] std::string reason(std::uint16_t number) const;

 private:
  // The agent records for some more seconds.
  void prolong();
  // Asks the agent, and returns the ring's descriptor.
  UniqueFd ask();
  void map(UniqueFd fd);

  std::string agent_socket_;
  const call_ring::Ring* ring_ = nullptr;
  std::uint64_t inode_ = 0;  // of the ring
  std::chrono::steady_clock::time_point prolonged_ = std::chrono::steady_clock::now();
  std::uint64_t read_ = 0;
  std::uint64_t lost_ = 0;
  std::uint32_t host_ = 0;
  std::string host_name_;
  std::string boot_;
  std::map<std::uint32_t, std::string> host_names_;
};

}  // namespace netbinder::tools
