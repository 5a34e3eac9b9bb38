// SPDX-License-Identifier: Apache-2.0
//
// The fuzz target: any input is a story of a few programs on one to three hosts. After each step
// all structures of the drivers must agree; at the end nothing may be left.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/seeds.h"
#include "tests/fuzz/world.h"

namespace netbinder::fuzz {

std::vector<Seed> make_seeds() { return {}; }

}  // namespace netbinder::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  netbinder::fuzz::World(netbinder::fuzz::Input({data, size})).run();
  return 0;
}
