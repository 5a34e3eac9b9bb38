// SPDX-License-Identifier: Apache-2.0
//
// netbinder bench --peers: the same work over netbinder and over what else there is (bench/driver).
#include <filesystem>

#include "bench/driver/bench.h"
#include "tools/commands.h"
#include "tools/installation.h"

namespace netbinder::tools {

int bench_with_peers(const BenchOptions& asked) {
  const BenchPeersOptions& peers = *asked.with_peers;
  bench::Options options;
  options.folder = std::filesystem::path(own_path()).parent_path();
  options.peers = peers.names;
  for (const std::string& word : peers.modes) options.modes.push_back(*bench::mode_of(word));
  if (!asked.sizes.empty()) options.sizes = asked.sizes;
  if (!peers.clients.empty()) options.clients = peers.clients;
  if (peers.rounds) options.rounds = *peers.rounds;
  if (asked.seconds) options.seconds = *asked.seconds;
  options.report = peers.report;
  if (asked.json) options.json = asked.json_file.empty() ? "-" : asked.json_file;
  return bench::run(options);
}

}  // namespace netbinder::tools
