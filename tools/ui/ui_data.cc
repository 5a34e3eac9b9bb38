// SPDX-License-Identifier: Apache-2.0
#include "tools/ui/ui_data.h"

#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "tools/admin_client.h"
#include "tools/top/top_sample.h"
#include "tools/top_hosts.h"
#include "tools/ui/call_watch.h"
#include "tools/ui/latencies.h"
#include "tools/ui/service_look.h"

namespace netbinder::tools {

namespace {

using std::chrono::milliseconds;

class Looks {
 public:
  explicit Looks(const UiSource& source)
      : source_(source), services_(source.device), calls_(source.socket) {}

  std::string next() {
    nlohmann::json made;
    try {
      made = look();
    } catch (const std::exception& error) {
      before_.reset();
      window_ = {};
      made = {{"error", error.what()}};
    }
    return made.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }

 private:
  nlohmann::json look() {
    TopLook now = take_look({.socket = source_.socket, .host = {}, .timeout_s = source_.timeout_s});
    nlohmann::json made{{"status", ask({{"command", "status"}})},
                        {"users", ask({{"command", "users"}})},
                        {"latencies", latencies(now.time)},
                        {"services", services_.json()},
                        {"slowest", calls_.json()}};
    TopLook kept = now;
    made["top"] = to_json(page_of(before_ ? *before_ : kept, std::move(now)));
    before_ = std::move(kept);
    return made;
  }
  [[nodiscard]] nlohmann::json ask(const nlohmann::json& request) const {
    return ask_agent(source_.socket, request, source_.timeout_s);
  }
  nlohmann::json latencies(LatencyWindow::Time now) {
    auto looked = read_latencies(ask_agent_for_page(source_.socket, "/metrics", source_.timeout_s));
    if (!looked) {
      window_ = {};
      return nullptr;
    }
    window_.add(now, *std::move(looked));
    return window_.to_json();
  }

  const UiSource source_;
  ServiceLook services_;
  CallWatch calls_;
  std::optional<TopLook> before_;
  LatencyWindow window_;
};

}  // namespace

// One look asks the agent five times.
UiData::UiData(const UiSource& source)
    : patience_(static_cast<std::int64_t>(source.timeout_s * 5000) + 1000),
      json_(kAge, [looks = std::make_unique<Looks>(source)] { return looks->next(); }) {}

std::shared_ptr<const std::string> UiData::json() {
  if (auto made = json_.get(patience_)) return made;
  return std::make_shared<const std::string>(R"({"error":"the agent has not answered in time"})");
}

}  // namespace netbinder::tools
