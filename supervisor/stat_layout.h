// SPDX-License-Identifier: Apache-2.0
//
// The layouts in which stat and its variants write their results, one for each kind of program.
#pragma once

#include <sys/stat.h>

#include <cstdint>

namespace netbinder::supervisor {

enum class StatLayout : std::uint8_t {
  kNative,
  kCompatible,  // stat64 of a 32-bit program
  kExtended,    // statx
};

// Writes it into the caller's memory; false if that cannot be written.
bool write_stat(std::uint64_t address, const struct stat& status, StatLayout layout);

}  // namespace netbinder::supervisor
