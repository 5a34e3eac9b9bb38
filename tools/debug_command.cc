// SPDX-License-Identifier: Apache-2.0
// state, stats, transactions, log: the driver's debug files, without root.
#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "tools/admin_client.h"
#include "tools/commands.h"
#include "tools/installation.h"

namespace netbinder::tools {

namespace {

struct Options {
  std::string socket = agent_socket();
  bool json = false;
  bool failed = false;
};

void add(CLI::App& app, Chosen& chosen, const char* name, const char* what, const char* file) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(name, what);
  command->add_option("--socket", options->socket, "the agent's socket");
  command->add_flag("--json", options->json, "as JSON");
  const bool is_log = std::string_view(name) == "log";
  if (is_log) command->add_flag("--failed", options->failed, "only those that failed");
  command->callback([options, file, &chosen] {
    chosen = [options, file]() -> int {
      const std::string wanted = options->failed ? "failed_transaction_log" : file;
      const auto answer =
          ask_agent(options->socket, {{"command", wanted}, {"json", options->json}});
      if (options->json) {
        fmt::print("{}\n", answer.dump(2));
      } else {
        fmt::print("{}", answer.at("text").get<std::string>());
      }
      return 0;
    };
  });
}

}  // namespace

void add_debug_commands(CLI::App& app, Chosen& chosen) {
  add(app, chosen, "state", "every process, thread, node and reference of the driver", "state");
  add(app, chosen, "stats", "how often each command was given and told", "stats");
  add(app, chosen, "transactions", "the calls under way, and the buffers in use", "transactions");
  add(app, chosen, "log", "the last calls and replies", "transaction_log");
}

}  // namespace netbinder::tools
