// SPDX-License-Identifier: Apache-2.0
//
// Agents started for one purpose and stopped with it: on this machine, on loopback, joined into a
// cluster, with sockets in a folder of their own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/reserved_port.h"

namespace netbinder::tools {

struct PrivateClusterSetup {
  std::size_t hosts = 1;
  std::vector<std::string> contexts = {"binder", "hwbinder", "vndbinder"};
  bool builtin_manager = true;
  bool rdma = false;  // between the hosts, or TCP
  std::string log_level = "error";
  std::optional<std::uint32_t> busy_poll_us;  // nothing: the agents' default
  // The agents' programs, which the hosts take in turn; empty: the one beside this program. With
  // another version's among them it is a cluster that is being brought to a new version.
  std::vector<std::string> agents;
};

class PrivateCluster {
 public:
  static constexpr std::size_t kMaxHosts = 64;

  // Returns when every agent is connected to every other. Throws std::runtime_error otherwise.
  explicit PrivateCluster(const PrivateClusterSetup& setup);
  ~PrivateCluster();
  PrivateCluster(const PrivateCluster&) = delete;
  PrivateCluster& operator=(const PrivateCluster&) = delete;

  // The sockets of host 1, 2, …
  [[nodiscard]] const std::vector<std::string>& sockets() const { return sockets_; }
  [[nodiscard]] bool is_agent(pid_t pid) const;
  // Sets NETBINDER_SOCKET, for host 1, and NETBINDER_SOCKET_n.
  void export_sockets() const;

 private:
  void start_agent(std::size_t number, const std::string& program, const std::string& config);
  void wait_until_connected(std::string_view transport);
  void stop();

  std::string folder_;
  std::vector<ReservedPort> ports_;  // of the hosts; an agent that is started again finds its own
  std::vector<std::string> sockets_;
  std::vector<pid_t> agents_;
};

}  // namespace netbinder::tools
