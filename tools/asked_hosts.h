// SPDX-License-Identifier: Apache-2.0
//
// The hosts whose agents a command asks. A plain value.
#pragma once

#include <string>

namespace netbinder::tools {

struct AskedHosts {
  std::string host;  // empty: the one at the socket, alone
  bool all = false;  // every host of the cluster

  // Whether no other host is asked.
  [[nodiscard]] bool here() const { return !all && host.empty(); }
};

}  // namespace netbinder::tools
