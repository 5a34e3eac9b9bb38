// SPDX-License-Identifier: Apache-2.0
//
// A request on the admin socket: the input is its line. Any line gets one line of JSON, an object.
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "cluster-config/config.h"
#include "core/base/check.h"
#include "membership/static_membership.h"
#include "node-agent/admin_answer.h"
#include "node-agent/agent.h"
#include "node-agent/init_notice.h"
#include "node-agent/reload.h"
#include "node-agent/socket_access.h"
#include "tests/fuzz/seeds.h"
#include "transport/log.h"

namespace netbinder::fuzz {
namespace {

// An agent with its service managers and no programs, in a folder of its own.
class QuietAgent {
 public:
  QuietAgent()
      : folder_(make_folder()),
        membership_(io_, config_in(folder_)),
        agent_(io_, config_in(folder_), Incarnation(1), membership_),
        reload_({.file = {}, .environment = {}, .flags = flags_in(folder_)}, agent_, notice_) {
    log::start("fuzz", "off");
    agent_.start(SocketAccess{});
  }
  ~QuietAgent() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  QuietAgent(const QuietAgent&) = delete;
  QuietAgent& operator=(const QuietAgent&) = delete;

  [[nodiscard]] Agent& agent() { return agent_; }
  [[nodiscard]] Reload& reload() { return reload_; }
  void run_until(const std::function<bool()>& is_so) {
    while (!is_so()) io_.run_one();
  }

 private:
  static std::filesystem::path make_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "netbinder-fuzz-XXXXXX").string();
    NB_CHECK(::mkdtemp(name.data()) != nullptr);
    return name;
  }
  static std::vector<ConfigSources::Flag> flags_in(const std::filesystem::path& folder) {
    return {{"--socket", "socket", (folder / "agent.sock").string()},
            {"--log-level", "log_level", "off"}};
  }
  static Config config_in(const std::filesystem::path& folder) {
    const auto loaded =
        load_config({.file = {}, .environment = {}, .flags = flags_in(folder)});
    NB_CHECK(loaded.has_value());
    return loaded->config;
  }

  std::filesystem::path folder_;
  boost::asio::io_context io_;
  StaticMembership membership_;
  Agent agent_;
  InitNotice notice_{io_};  // nobody is to be told
  Reload reload_;
};

}  // namespace

std::vector<Seed> make_seeds() {
  std::vector<Seed> seeds;
  const auto add = [&](const char* name, const char* line) {
    Seed seed{.name = name, .bytes = {}};
    seeds.push_back(seed.text(line));
  };
  add("status", R"({"command":"status"})");
  add("state", R"({"command":"state"})");
  add("state-as-json", R"({"command":"state","json":true})");
  add("stats", R"({"json":false,"command":"stats"})");
  add("stats-as-json", R"({"command":"stats","json":true})");
  add("transactions", R"({"command":"transactions","json":true})");
  add("logs", R"({"command":"transaction_log","json":true})");
  add("failed", R"({"command":"failed_transaction_log"})");
  add("processes", R"({"command":"proc/"})");
  add("process", R"({"command":"proc/1"})");
  add("loads", R"({"command":"loads"})");
  add("devices", R"({"command":"devices/","json":1})");
  add("record-calls", R"({"command":"record_calls","seconds":1})");
  add("recorded-calls", R"({"command":"recorded_calls"})");
  add("recorded-calls-since", R"({"command":"recorded_calls","recording":"1.1","since":7})");
  add("reload", R"({"command":"reload"})");
  add("other-host", R"({"command":"status","host":"beta"})");
  add("own-host", R"({"command":"users","host":"alpha"})");
  add("unknown", R"({"command":"\u00e9\ud83d\ude00\\\"","more":[{"a":[1,2.5e3,null]}]})");
  return seeds;
}

}  // namespace netbinder::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace netbinder;
  static fuzz::QuietAgent quiet;
  std::string line(reinterpret_cast<const char*>(data), size);
  line.resize(std::min(line.find('\n'), line.size()));  // as the socket reads it
  for (const auto where : {Asker::Where::kHere, Asker::Where::kOnAnotherHost}) {
    std::optional<std::string> answer;
    auto now = answer_admin(quiet.agent(), quiet.reload(), Asker{.uid = 0, .where = where}, line,
                            [&](std::string later) { answer = std::move(later); });
    if (now) answer = std::move(now->line);
    quiet.run_until([&] { return answer.has_value(); });
    NB_CHECK(answer->find('\n') == answer->size() - 1);
    const auto parsed = nlohmann::json::parse(*answer, nullptr, false);
    NB_CHECK(parsed.is_object() && !parsed.empty());
  }
  return 0;
}
