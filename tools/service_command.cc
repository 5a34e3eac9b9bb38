// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "tools/binder_client.h"
#include "tools/commands.h"
#include "tools/installation.h"

namespace netbinder::tools {

namespace {

struct Options {
  std::string device = "/dev/binder";
  std::string name;
  bool json = false;
  double timeout_s = 0;  // 0: for ever
};

int list(const Options& options) {
  BinderClient client(options.device);
  const auto names = client.list_services();
  if (options.json) {
    fmt::print("{}\n", nlohmann::json{{"services", names}}.dump(2));
  } else {
    for (const std::string& name : names) fmt::print("{}\n", name);
  }
  return 0;
}

int answer(const Options& options, bool found) {
  if (options.json) {
    fmt::print("{}\n", nlohmann::json{{"name", options.name}, {"found", found}}.dump());
  } else {
    fmt::print("{}: {}\n", options.name, found ? "found" : "not found");
  }
  return found ? 0 : 1;
}

int check(const Options& options) {
  BinderClient client(options.device);
  return answer(options, client.find_service(options.name).has_value());
}

int wait(const Options& options) {
  BinderClient client(options.device);
  const auto start = std::chrono::steady_clock::now();
  while (!client.find_service(options.name)) {
    const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - start;
    if (options.timeout_s > 0 && waited.count() >= options.timeout_s) return answer(options, false);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return answer(options, true);
}

}  // namespace

void add_service_command(CLI::App& app, Chosen& chosen, char** argv) {
  auto options = std::make_shared<Options>();
  CLI::App* service = app.add_subcommand("service", "ask the service manager");
  service->require_subcommand(1);
  const auto add = [&](const char* name, const char* about, int (*run)(const Options&),
                       bool named) {
    CLI::App* command = service->add_subcommand(name, about);
    command->add_option("--device", options->device, "the binder device");
    command->add_flag("--json", options->json, "as JSON");
    if (named) command->add_option("name", options->name, "the service")->required();
    command->callback([options, &chosen, argv, run] {
      chosen = [options, argv, run] {
        ensure_preloaded(argv);
        return run(*options);
      };
    });
    return command;
  };
  add("list", "all names", list, false);
  add("check", "whether there is a service of that name; exit status 0 if so", check, true);
  add("wait", "until there is a service of that name", wait, true)
      ->add_option("--timeout", options->timeout_s, "seconds to wait at most");
}

}  // namespace netbinder::tools
