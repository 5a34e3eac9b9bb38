// SPDX-License-Identifier: Apache-2.0
#include "tools/calls_options.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "tools/installation.h"

namespace netbinder::tools {

void add_hosts(CLI::App& command, AskedHosts& hosts) {
  CLI::Option* const host = command.add_option(
      "--host", hosts.host, "ask that host's agent, through the cluster, and not the one here");
  command.add_flag("--all", hosts.all, "ask the agents of all hosts of the cluster")
      ->excludes(host);
}

namespace {

void add_trace(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<TraceOptions>();
  CLI::App* command = app.add_subcommand(
      "trace",
      "record calls, over hosts, and write a file for Perfetto's viewer and chrome://tracing");
  command->add_option("--socket", options->sockets, "an agent's socket; once for each host")
      ->expected(1)
      ->take_all();
  command
      ->add_option("--host", options->hosts,
                   "a host whose agent is asked through the cluster; once for each")
      ->expected(1)
      ->take_all();
  command->add_flag("--all", options->all, "all hosts of the cluster, or of a session");
  command->add_option("--seconds", options->seconds, "how long; Ctrl-C ends it before")
      ->check(CLI::Range(0.01, 3600.0));
  command->add_option("-o,--output", options->file, "the file to write")->required();
  command->callback([options, &chosen] { chosen = *options; });
}

void add_monitor(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<MonitorOptions>();
  options->socket = agent_socket();
  CLI::App* command = app.add_subcommand("monitor", "each call as it ends, until Ctrl-C");
  command->add_option("filter", options->filter,
                      "only calls with this in a program's, a host's or the interface's name");
  command->add_option("--socket", options->socket, "the agent's socket");
  add_hosts(*command, options->hosts);
  command->add_flag("--failed", options->failed, "only calls that fail");
  command->add_option("-c,--count", options->count, "how many calls to show; 0: no end");
  command->add_option("--seconds", options->seconds, "how long; 0: no end")
      ->check(CLI::Range(0.0, 86400.0));
  command->add_flag("--json", options->json, "as JSON, a line for each call");
  command->callback([options, &chosen] { chosen = *options; });
}

void add_log(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<LogOptions>();
  options->socket = agent_socket();
  CLI::App* command = app.add_subcommand("log", "the last calls and replies");
  command->add_option("--socket", options->socket, "the agent's socket");
  add_hosts(*command, options->hosts);
  command
      ->add_option("--timeout", options->timeout_s, "seconds to wait for the answer; 0: for ever")
      ->check(CLI::Range(0.0, 86400.0));
  CLI::Option* const json = command->add_flag("--json", options->json, "as JSON");
  command->add_flag("--failed", options->failed, "only those that failed, and why");
  command->add_flag("--kernel", options->kernel, "as the driver's debug file has them")
      ->excludes(json);
  command->callback([options, &chosen] { chosen = *options; });
}

void add_ui(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<UiOptions>();
  options->socket = agent_socket();
  CLI::App* command = app.add_subcommand("ui",
                                         "serve a page for a browser: hosts, services, traffic, "
                                         "slow calls, users, live; Ctrl-C ends it");
  command->add_option("--listen", options->listen, "ip:port; port 0: a free one");
  command->add_flag("--anybody", options->anybody,
                    "answer all users, and listen on any address: everybody who reaches it sees what "
                    "you see");
  command->add_option("--socket", options->socket, "the agent's socket");
  command->add_option("--device", options->device, "the binder device whose services are listed");
  command->add_option("--timeout", options->timeout_s, "seconds to wait for each answer of the agent")
      ->check(CLI::Range(0.1, 600.0));
  command->callback([options, &chosen] { chosen = *options; });
}

}  // namespace

void add_calls_commands(CLI::App& app, Command& chosen) {
  add_log(app, chosen);
  add_trace(app, chosen);
  add_monitor(app, chosen);
  add_ui(app, chosen);
}

}  // namespace netbinder::tools
