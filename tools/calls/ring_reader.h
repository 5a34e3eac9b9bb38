// SPDX-License-Identifier: Apache-2.0
//
// Reads what an agent records of calls (node-agent/call_ring.h), while it does: it has the agent
// begin, and go on until this ends. The agent's memory is looked at and never relied on.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "node-agent/call_ring.h"
#include "node-agent/unique_fd.h"
#include "tools/calls/call_source.h"

namespace netbinder::tools {

class RingReader final : public CallSource {
 public:
  // Throws std::runtime_error with a plain sentence if the agent does not record.
  explicit RingReader(std::string agent_socket);
  ~RingReader() override;
  RingReader(const RingReader&) = delete;
  RingReader& operator=(const RingReader&) = delete;

  void drain(std::vector<call_ring::Entry>& into) override;
  [[nodiscard]] std::uint64_t lost() const override { return lost_; }
  [[nodiscard]] std::uint32_t host() const override { return host_; }
  [[nodiscard]] const std::string& host_name() const override { return host_name_; }
  [[nodiscard]] std::int32_t agent_pid() const override { return agent_pid_; }
  [[nodiscard]] const std::string& boot() const override { return boot_; }
  [[nodiscard]] std::int64_t wall_ns() const override;
  [[nodiscard]] const std::map<std::uint32_t, std::string>& host_names() const override {
    return host_names_;
  }
  [[nodiscard]] std::string interface_of(std::uint32_t node) const override;
  [[nodiscard]] std::string program_of(std::int32_t pid) const override;
  [[nodiscard]] std::string reason(std::uint16_t number) const override;

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
  std::int32_t agent_pid_ = 0;
  std::string boot_;
  std::map<std::uint32_t, std::string> host_names_;
};

}  // namespace netbinder::tools
