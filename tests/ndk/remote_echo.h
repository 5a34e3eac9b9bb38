// SPDX-License-Identifier: Apache-2.0
//
// The fixture of tests that call a server, and a server of their own with its proxy.
#pragma once

#include <android/binder_manager.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>

#include "tests/ndk/echo_service.h"
#include "tests/ndk/server_process.h"

namespace netbinder::testing {

// For what comes at once, on a machine that does much else.
inline constexpr std::chrono::seconds kLimit{20};

inline std::string fresh_name() {
  static int count = 0;
  return "netbinder.test.IEcho/" + std::to_string(::getpid()) + "-" + std::to_string(count++);
}

struct Remote {
  explicit Remote(const std::string& kind = "plain")
      : name(fresh_name()),
        process(kind, name),
        binder(AServiceManager_waitForService(name.c_str())),
        echo(IEcho::fromBinder(binder)) {}

  const std::string name;
  ServerProcess process;
  ndk::SpAIBinder binder;
  std::shared_ptr<IEcho> echo;
};

class NdkCalls : public ::testing::Test {
 protected:
  static Remote& remote() {
    static auto* const made = new Remote();
    return *made;
  }
  static IEcho& echo() { return *remote().echo; }
};

}  // namespace netbinder::testing
