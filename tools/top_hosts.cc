// SPDX-License-Identifier: Apache-2.0
#include "tools/top_hosts.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "tools/admin_client.h"
#include "tools/calls/program_names.h"
#include "tools/host_answers.h"

namespace netbinder::tools {

TopLook take_look(const TopSource& source) {
  const auto ask = [&](const char* command) {
    nlohmann::json request{{"command", command}};
    if (!source.host.empty()) request["host"] = source.host;
    return ask_agent(source.socket, request, source.timeout_s);
  };
  TopLook look = look_of(ask("status"), ask("loads"));
  look.time = std::chrono::steady_clock::now();
  if (!source.host.empty()) return look;  // what has that pid here is another program
  ProgramNames programs;
  for (auto& [id, process] : look.processes) {
    const std::string& name = programs.of(process.pid);
    if (!name.empty()) process.program = name;
  }
  return look;
}

std::vector<HostPage> TopHosts::next() {
  if (!hosts_.all) return {{.host = hosts_.host, .page = next_of(hosts_.host, timeout_s_)}};
  const std::vector<std::string> names = hosts_of_cluster(socket_, timeout_s_);
  const double share_s = timeout_s_ / static_cast<double>(std::max<std::size_t>(names.size(), 1));
  std::vector<HostPage> pages;
  for (const std::string& name : names) {
    try {
      pages.push_back({.host = name, .page = next_of(name, share_s)});
    } catch (const std::runtime_error& error) {
      before_.erase(name);  // when it is back it may be another agent
      pages.push_back({.host = name, .page = std::unexpected(error.what())});
    }
  }
  return pages;
}

TopPage TopHosts::next_of(const std::string& host, double timeout_s) {
  TopLook now = take_look({.socket = socket_, .host = host, .timeout_s = timeout_s});
  const auto before = before_.find(host);
  TopPage page = page_of(before == before_.end() ? now : before->second, now);
  before_.insert_or_assign(host, std::move(now));
  return page;
}

}  // namespace netbinder::tools
