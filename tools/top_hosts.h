// SPDX-License-Identifier: Apache-2.0
//
// The hosts that `netbinder top` shows: it looks at each again and again, and keeps the last look
// at each.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tools/asked_hosts.h"
#include "tools/top/top_pages.h"
#include "tools/top/top_sample.h"

namespace netbinder::tools {

struct TopSource {
  std::string socket;
  std::string host;      // whose agent the one at the socket asks; empty: it is asked itself
  double timeout_s = 5;  // of each question; 0: for ever
};

// Asks the agent. Throws std::runtime_error, also if its answer makes no sense.
[[nodiscard]] TopLook take_look(const TopSource& source);

class TopHosts {
 public:
  TopHosts(std::string agent_socket, AskedHosts hosts, double timeout_s)
      : socket_(std::move(agent_socket)), hosts_(std::move(hosts)), timeout_s_(timeout_s) {}

  // Looks at each, which shares the time with the others. Of one that was not looked at before
  // nothing seems to have happened. Throws std::runtime_error if there is nobody to be seen: the
  // agent at the socket does not answer, or the one host that was asked for.
  [[nodiscard]] std::vector<HostPage> next();

 private:
  TopPage next_of(const std::string& host, double timeout_s);

  const std::string socket_;
  const AskedHosts hosts_;
  const double timeout_s_;
  std::map<std::string, TopLook> before_;  // by host
};

}  // namespace netbinder::tools
