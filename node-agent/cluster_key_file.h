// SPDX-License-Identifier: Apache-2.0
//
// The file that holds the cluster's key (`cluster_key` of the configuration). Whoever can read it
// can act as a host of the cluster, so only its owner may have access.
#pragma once

#include <string>

namespace netbinder {

// Returns the secret in the file. If there is no file, one is made; several agents that start at
// once all get the same. Throws std::runtime_error if the file cannot be read or made, if anyone
// but its owner may read or write it, or if it belongs to another user.
[[nodiscard]] std::string cluster_key_of(const std::string& file);

}  // namespace netbinder
