// SPDX-License-Identifier: Apache-2.0
//
// The tables that say which programs may do what, and which names pass between hosts.
#pragma once

#include <string_view>

#include "cluster-config/config.h"
#include "cluster-config/reader.h"

namespace netbinder {

// The list of globs of a key.
void read_globs(TableReader& in, std::string_view key, Globs& globs);
// [[policy]]. To be called when contexts and hosts have been read: rules name them.
void read_policy(TableReader& in, Config& config);

}  // namespace netbinder
