// SPDX-License-Identifier: Apache-2.0
//
// Changes of an input as a fuzzer makes them, the same for each number: for builds without the
// fuzzer.
#pragma once

#include <cstdint>
#include <vector>

namespace netbinder::fuzz {

using Bytes = std::vector<std::uint8_t>;

// One of the inputs, of which there is one at least, with a few changes.
Bytes mutation(const std::vector<Bytes>& inputs, std::uint64_t number);

}  // namespace netbinder::fuzz
