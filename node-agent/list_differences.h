// SPDX-License-Identifier: Apache-2.0
//
// The hosts that have another list of hosts than this one, by their numbers. The log says each
// difference once.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/ids.h"

namespace netbinder {

class ListDifferences {
 public:
  // The numbers of this host's list and of a peer's. What is to be logged about them; nothing if
  // they are the same, or not compared, or if it has been said.
  [[nodiscard]] std::optional<std::string> line(HostId peer, std::string_view peer_name,
                                                ListNumber own, ListNumber theirs);

 private:
  std::map<HostId, std::pair<ListNumber, ListNumber>> said_;
};

}  // namespace netbinder
