// SPDX-License-Identifier: Apache-2.0
//
// Lets GoogleTest's expectations, among them those of the other tests' helpers, end a fuzz target.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>

namespace netbinder::fuzz {

// From here on an expectation that is not met aborts, after it was printed.
inline void abort_at_failures() {
  class Aborter : public ::testing::EmptyTestEventListener {
    void OnTestPartResult(const ::testing::TestPartResult& result) override {
      if (result.failed()) std::abort();
    }
  };
  static const bool done = [] {
    ::testing::UnitTest::GetInstance()->listeners().Append(new Aborter);
    return true;
  }();
  (void)done;
}

}  // namespace netbinder::fuzz
