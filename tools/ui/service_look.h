// SPDX-License-Identifier: Apache-2.0
//
// The services of a host, for who looks at them again and again: as `netbinder service list --json`
// prints them. The manager is asked at most once in kAge, and each service for its interface once,
// so that looking is no load. A manager that never answers keeps nobody waiting.
//
// One thread at a time uses it.
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tools/ui/freshened.h"

namespace netbinder::tools {

class ServiceLook {
 public:
  static constexpr std::chrono::milliseconds kAge{1900};
  static constexpr std::chrono::milliseconds kPatience{500};

  explicit ServiceLook(const std::string& device);

  // Null: nothing is known of them, or no more.
  [[nodiscard]] nlohmann::json json();

 private:
  Freshened<std::string> rows_;
};

}  // namespace netbinder::tools
