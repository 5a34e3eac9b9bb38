// SPDX-License-Identifier: Apache-2.0
//
// The state of the agent as a whole, for programs: `netbinder status`. Thread: the data-plane thread.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace netbinder {

class Agent;
struct Viewer;

[[nodiscard]] nlohmann::json status_of(const Agent& agent);
// The usage of each user whom the viewer sees, with the limits, which root does not have.
[[nodiscard]] nlohmann::json users_of(const Agent& agent, const Viewer& viewer);

}  // namespace netbinder
