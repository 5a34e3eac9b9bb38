// SPDX-License-Identifier: Apache-2.0
#include "shim/health_checks.h"

#include <gtest/gtest.h>

namespace netbinder {
namespace {

TEST(HealthChecks, AreSoonUnlessTheThreadWaitsLong) {
  HealthChecks checks;
  EXPECT_EQ(checks.first_ns(), HealthChecks::kFirstNs);
  checks.waited(HealthChecks::kFirstNs);
  EXPECT_EQ(checks.first_ns(), HealthChecks::kIntervalNs);
  for (std::uint32_t i = 1; i < HealthChecks::kFewWaits; ++i) {
    checks.waited(HealthChecks::kFirstNs - 1);
    EXPECT_EQ(checks.first_ns(), HealthChecks::kIntervalNs);
  }
  checks.waited(HealthChecks::kFirstNs - 1);
  EXPECT_EQ(checks.first_ns(), HealthChecks::kFirstNs);
}

}  // namespace
}  // namespace netbinder
