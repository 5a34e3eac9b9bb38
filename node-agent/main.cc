// SPDX-License-Identifier: Apache-2.0
//
// netbinderd: the agent of a host.
#include <cstdio>
#include <exception>

#include "cluster-config/config.h"
#include "node-agent/command_line.h"
#include "node-agent/daemon.h"

int main(int argc, char** argv) {
  const auto options = netbinder::parse_command_line(argc, argv);
  if (!options) return options.error();
  const auto loaded = netbinder::load_config(options->sources);
  if (!loaded) {
    std::fprintf(stderr, "netbinderd: %s\n", loaded.error().to_string().c_str());
    return 2;
  }
  if (options->checks_only) {
    std::fputs(netbinder::render_config(loaded->config, loaded->origins).c_str(), stdout);
    return 0;
  }
  try {
    netbinder::run_daemon(loaded->config, options->sources);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "netbinderd: %s\n", error.what());
    return 1;
  }
}
