// SPDX-License-Identifier: Apache-2.0
#include "tools/top/top_pages.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "tools/told.h"

namespace netbinder::tools {

nlohmann::json to_json(const std::vector<HostPage>& pages, const AskedHosts& hosts) {
  nlohmann::json made = nlohmann::json::object();
  for (const HostPage& each : pages) {
    nlohmann::json page =
        each.page ? to_json(*each.page) : nlohmann::json{{"error", harmless(each.page.error())}};
    if (!hosts.all) return page;
    made[each.host] = std::move(page);
  }
  return made;
}

std::vector<std::string> to_lines(const std::vector<HostPage>& pages, const PageSize& size) {
  PageSize share = size;
  if (size.rows > 0 && pages.size() > 1) {
    const std::size_t gaps = std::min(size.rows, pages.size() - 1);
    share.rows = std::max<std::size_t>((size.rows - gaps) / pages.size(), 1);
  }
  std::vector<std::string> lines;
  for (const HostPage& each : pages) {
    if (!lines.empty()) lines.emplace_back();
    if (each.page) {
      std::ranges::move(to_lines(*each.page, share), std::back_inserter(lines));
    } else {
      lines.push_back("netbinder top: host " + each.host + ": " + harmless(each.page.error()));
      if (size.columns > 0 && lines.back().size() > size.columns) lines.back().resize(size.columns);
    }
  }
  if (size.rows > 0 && lines.size() > size.rows) lines.resize(size.rows);
  return lines;
}

}  // namespace netbinder::tools
