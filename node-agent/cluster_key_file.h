// SPDX-License-Identifier: Apache-2.0
//
// The file that holds the cluster's key (`cluster_key` of the configuration). Whoever can read it can
// be a host of the cluster, so it has to be its owner's alone.
#pragma once

#include <string>

namespace netbinder {

// The secret in the file. If there is none, one is made; of several agents that start at once all
// get the same. Throws std::runtime_error if the file cannot be read or made, if others than its
// owner may read or write it, or if it is another user's.
[[nodiscard]] std::string cluster_key_of(const std::string& file);

}  // namespace netbinder
