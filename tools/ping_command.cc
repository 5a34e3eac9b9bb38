// SPDX-License-Identifier: Apache-2.0
#include <android/binder_auto_utils.h>
#include <android/binder_manager.h>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tools/commands.h"
#include "tools/time_limit.h"

namespace netbinder::tools {

namespace {

int ping(const PingOptions& options) {
  ::setenv("NETBINDER_DEVICE", options.device.c_str(), 1);
  const ::ndk::SpAIBinder object(AServiceManager_checkService(options.name.c_str()));
  if (object.get() == nullptr) throw std::runtime_error("no service is named " + options.name);
  std::vector<double> times_us;
  for (std::size_t i = 0; i < options.count; ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(options.interval_ms));
    const TimeLimit limit(options.timeout_s);
    const auto start = std::chrono::steady_clock::now();
    const auto status = ::ndk::ScopedAStatus::fromStatus(AIBinder_ping(object.get()));
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    if (!status.isOk()) {
      throw std::runtime_error(options.name + " does not answer: " + status.getDescription());
    }
    times_us.push_back(time.count());
    if (!options.json) fmt::print("{}: {:.1f} us\n", options.name, time.count());
  }
  const auto [low, high] = std::minmax_element(times_us.begin(), times_us.end());
  std::vector<double> sorted = times_us;
  std::sort(sorted.begin(), sorted.end());
  const double median = sorted[sorted.size() / 2];
  if (options.json) {
    fmt::print("{}\n", nlohmann::json{{"name", options.name},
                                      {"round_trips_us", times_us},
                                      {"min_us", *low},
                                      {"median_us", median},
                                      {"max_us", *high}}
                           .dump(2));
  } else {
    fmt::print("{} calls: min {:.1f} us, median {:.1f} us, max {:.1f} us\n", times_us.size(), *low,
               median, *high);
  }
  return 0;
}

}  // namespace

int carry_out(const PingOptions& options, char** /*argv*/) { return ping(options); }

}  // namespace netbinder::tools
