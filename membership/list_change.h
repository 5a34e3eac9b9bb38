// SPDX-License-Identifier: Apache-2.0
//
// The rules for a list of hosts that takes the place of the one in use, by the numbers of both: so
// that of two lists everybody knows which is the newer one, and an id never means another host.
// Pure.
#pragma once

#include <expected>
#include <string>

#include "cluster-config/config.h"

namespace netbinder {

// Nothing, or why the list of `wanted` may not follow that of `current`, in words. Hosts that move
// to another address make no other list.
[[nodiscard]] std::expected<void, std::string> check_list_change(const Config& current,
                                                                 const Config& wanted);

}  // namespace netbinder
