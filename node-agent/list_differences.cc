// SPDX-License-Identifier: Apache-2.0
#include "node-agent/list_differences.h"

#include <fmt/format.h>

namespace netbinder {

std::optional<std::string> ListDifferences::line(HostId peer, std::string_view peer_name,
                                                 ListNumber own, ListNumber theirs) {
  if (own == theirs) said_.erase(peer);
  if (own == theirs || own == ListNumber{} || theirs == ListNumber{}) return std::nullopt;
  const std::pair numbers(own, theirs);
  const auto [said, is_new] = said_.try_emplace(peer, numbers);
  if (!is_new && said->second == numbers) return std::nullopt;
  said->second = numbers;
  const bool behind = own < theirs;
  return fmt::format(
      "host {} has list {} of hosts, and this host list {}: {} is the older one, and its programs "
      "become managers of no context of the cluster until it has the newer list",
      peer_name, theirs.value(), own.value(), behind ? "this host's" : "that host's");
}

}  // namespace netbinder
