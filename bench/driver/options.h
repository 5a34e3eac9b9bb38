// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/point.h"

namespace netbinder::bench {

struct Options {
  std::string folder;              // of the peers' programs
  std::vector<std::string> peers;  // empty: all there are
  std::vector<Mode> modes;         // empty: all; namespaces only with the right to make them
  std::vector<std::size_t> sizes = {0, 64, 4096, 65536, 1048576};
  std::vector<std::uint32_t> clients = {1, 4, 16};
  std::size_t rounds = 7;
  double seconds = 0.15;  // of a turn, beside what it takes to start and to warm up
  std::string report;     // a file; empty: none
  std::string json;       // likewise; "-": stdout, in place of the table
};

}  // namespace netbinder::bench
