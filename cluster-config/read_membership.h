// SPDX-License-Identifier: Apache-2.0
//
// Reads [membership].
#pragma once

#include <string>

#include "cluster-config/reader.h"

namespace netbinder {

void read_membership(TableReader& in, MembershipSettings& membership, const std::string& cluster,
                     bool insecure);

}  // namespace netbinder
