// SPDX-License-Identifier: Apache-2.0
//
// Makes the content of the page of `netbinder ui` for an agent, as JSON:
//   {"top": …, "status": …, "users": …, "latencies": […] or null, "services": […] or null,
//    "slowest": …}
// with what `netbinder top --json`, `status --json`, `status --users --json` and `service list
// --json` print; `latencies` null: the agent does not time calls; `services` null: nothing is known
// of them yet; `slowest`: tools/ui/call_watch.h. Or {"error": why}.
//
// The agent is asked only while somebody asks for this, at most once in kAge, however many they
// are. Any thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "tools/ui/freshened.h"

namespace netbinder::tools {

struct UiSource {
  std::string socket;  // the agent's
  std::string device = "/dev/binder";
  double timeout_s = 5;
};

class UiData {
 public:
  static constexpr std::chrono::milliseconds kAge{900};

  explicit UiData(const UiSource& source);

  [[nodiscard]] std::shared_ptr<const std::string> json();

 private:
  std::chrono::milliseconds patience_;
  Freshened<std::string> json_;
};

}  // namespace netbinder::tools
