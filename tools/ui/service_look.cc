// SPDX-License-Identifier: Apache-2.0
#include "tools/ui/service_look.h"

#include <exception>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <utility>

#include "tools/interface_questions.h"
#include "tools/service_rows.h"

namespace netbinder::tools {

namespace {

constexpr std::chrono::milliseconds kForAnInterface{250};
constexpr std::chrono::milliseconds kForInterfaces{500};  // of one look

class Rows {
 public:
  explicit Rows(std::string device) : device_(std::move(device)), questions_(device_) {}

  // As text: "null", if there is no manager that answers.
  std::string next() {
    try {
      if (!client_) client_.emplace(device_);
      auto rows = service_rows(*client_);
      ask_interfaces(rows);
      nlohmann::json made = nlohmann::json::array();
      for (const ServiceRow& row : rows) made.push_back(json_of(row));
      return made.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    } catch (const std::exception&) {
      client_.reset();  // of an agent that may be another one by now
      return "null";
    }
  }

 private:
  // A service that begins anew may be another one.
  using Key = std::tuple<std::string, std::optional<std::string>, std::optional<std::int32_t>>;

  void ask_interfaces(std::vector<ServiceRow>& rows) {
    const auto end = std::chrono::steady_clock::now() + kForInterfaces;
    std::map<Key, std::optional<std::string>> known;
    for (ServiceRow& row : rows) {
      Key key{row.name, row.host, row.pid};
      const auto before = known_.find(key);
      if (before != known_.end()) {
        row.interface = before->second;
      } else if (std::chrono::steady_clock::now() < end) {
        row.interface = questions_.ask(row.name, kForAnInterface);
      } else {
        continue;  // next time
      }
      known.emplace(std::move(key), row.interface);
    }
    known_ = std::move(known);
  }

  const std::string device_;
  InterfaceQuestions questions_;
  std::optional<BinderClient> client_;
  std::map<Key, std::optional<std::string>> known_;  // nothing: it has not answered
};

}  // namespace

ServiceLook::ServiceLook(const std::string& device)
    : rows_(kAge, [rows = std::make_unique<Rows>(device)] { return rows->next(); }) {}

nlohmann::json ServiceLook::json() {
  const auto made = rows_.get(kPatience);
  if (!made) return nullptr;
  return nlohmann::json::parse(*made, nullptr, false);
}

}  // namespace netbinder::tools
