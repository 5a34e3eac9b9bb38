// SPDX-License-Identifier: Apache-2.0
//
// Gives a NodeHost that runs other settings: limits, policy, hosts, further contexts and what their
// managers exchange.
#pragma once

#include <map>
#include <string>

#include "cluster-config/config.h"
#include "core/base/stored_claim.h"

namespace netbinder {

class NodeHost;
struct NodeHostSetup;

// Makes the host, which has the settings `before`, have those of `next`, whose setup is `setup`.
// `claims` are those that the store grants now. Does not fail. NodeHost::after_event() follows.
void change_settings(NodeHost& host, const Config& before, const Config& next,
                     const NodeHostSetup& setup, const std::map<std::string, ClaimHolder>& claims);

}  // namespace netbinder
