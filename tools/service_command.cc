// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "tools/binder_client.h"
#include "tools/commands.h"
#include "tools/installation.h"

namespace netbinder::tools {

namespace {

int answer(const ServiceOptions& options, bool found) {
  if (options.json) {
    fmt::print("{}\n", nlohmann::json{{"name", options.name}, {"found", found}}.dump());
  } else {
    fmt::print("{}: {}\n", options.name, found ? "found" : "not found");
  }
  return found ? 0 : 1;
}

int check(const ServiceOptions& options) {
  BinderClient client(options.device);
  return answer(options, client.find_service(options.name).has_value());
}

int wait(const ServiceOptions& options) {
  BinderClient client(options.device);
  const auto start = std::chrono::steady_clock::now();
  while (!client.find_service(options.name)) {
    const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - start;
    if (options.wait_s > 0 && waited.count() >= options.wait_s) return answer(options, false);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return answer(options, true);
}

}  // namespace

int carry_out(const ServiceOptions& options, char** argv) {
  ensure_preloaded(argv);
  switch (options.question) {
    case ServiceOptions::Question::kList:
      return list_services(options);
    case ServiceOptions::Question::kCheck:
      return check(options);
    case ServiceOptions::Question::kWait:
      return wait(options);
  }
  std::abort();
}

}  // namespace netbinder::tools
