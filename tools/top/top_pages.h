// SPDX-License-Identifier: Apache-2.0
//
// The pages of `netbinder top` of one host or of several, as text and as JSON. Plain values, no
// I/O.
#pragma once

#include <expected>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tools/asked_hosts.h"
#include "tools/top/top_sample.h"

namespace netbinder::tools {

struct HostPage {
  std::string host;                          // empty: the one at the socket, alone
  std::expected<TopPage, std::string> page;  // or why there is none
};

// The page of the only host, or an object with each host's page or {"error": why there is none}.
[[nodiscard]] nlohmann::json to_json(const std::vector<HostPage>& pages, const AskedHosts& hosts);
// One below the other, each with as many lines as the others, and an empty one between them.
[[nodiscard]] std::vector<std::string> to_lines(const std::vector<HostPage>& pages,
                                                const PageSize& size);

}  // namespace netbinder::tools
