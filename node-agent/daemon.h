// SPDX-License-Identifier: Apache-2.0
//
// The agent as a program: its log, its signals, its limits, and the loop that runs until a signal
// stops it. Called by main; its thread becomes the data-plane thread.
#pragma once

#include "cluster-config/config.h"

namespace netbinder {

// Returns when a signal has ended the agent. Throws std::exception if it cannot serve.
void run_daemon(const Config& config, const ConfigSources& sources);

}  // namespace netbinder
