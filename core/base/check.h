// SPDX-License-Identifier: Apache-2.0
//
// Broken invariants end the program, in release too: going on would put other programs' data at
// risk. Bad input from programs and peers never comes here; it is a value.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace netbinder {

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "netbinder: broken invariant: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace netbinder

#define NB_CHECK(condition)                                      \
  do {                                                           \
    if (!(condition)) [[unlikely]]                               \
      ::netbinder::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)

// Marks a place that no state leads to.
#define NB_UNREACHABLE() ::netbinder::check_failed("unreachable", __FILE__, __LINE__)
