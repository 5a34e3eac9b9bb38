// SPDX-License-Identifier: Apache-2.0
//
// Reading the configuration anew, for SIGHUP and `netbinder reload`: it is read, checked and taken
// over, all of it or nothing. A configuration that cannot be used changes nothing and is never
// fatal.
//
// Owned by the daemon's main. Thread: the data-plane thread.
#pragma once

#include <boost/asio/signal_set.hpp>
#include <expected>
#include <string>

#include "cluster-config/config.h"
#include "node-agent/reconfiguration.h"

namespace netbinder {

class Agent;
class InitNotice;

class Reload {
 public:
  // The sources are those that the agent was started with. `agent` and `notice` outlive this.
  Reload(ConfigSources sources, Agent& agent, InitNotice& notice)
      : sources_(std::move(sources)), agent_(agent), notice_(notice) {}

  // Logs the outcome as well, and tells the init system when it begins and ends.
  std::expected<Reconfiguration, std::string> now();
  // One line for the init system about what the agent serves.
  [[nodiscard]] std::string status_line() const;
  // Reloads at each of these signals. The set outlives this.
  void on_signal(boost::asio::signal_set& signals);

 private:
  std::expected<Reconfiguration, std::string> read_and_take_over();

  const ConfigSources sources_;
  Agent& agent_;
  InitNotice& notice_;
};

}  // namespace netbinder
