// SPDX-License-Identifier: Apache-2.0
//
// netbinderd: the agent of a host.
#include <fmt/core.h>
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "cluster-config/config.h"
#include "node-agent/admin_server.h"
#include "node-agent/agent.h"

namespace {

// Each open of a device costs the agent some descriptors.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

netbinder::Incarnation new_incarnation() {
  std::uint64_t value = 0;
  while (value == 0) {
    if (::getrandom(&value, sizeof value, 0) != sizeof value) value = 0;
  }
  return netbinder::Incarnation{value};
}

int serve(const netbinder::Config& config) {
  boost::asio::io_context io(1);
  netbinder::Agent agent(io, config, new_incarnation());
  agent.start();
  netbinder::AdminServer admin(io, config.admin_socket, agent);
  boost::asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (!error) agent.stop();
  });
  spdlog::info("serving {} at {}", config.host, config.socket);
  agent.run();
  spdlog::info("stopped");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"netbinderd: the binder driver of a host, in userspace"};
  std::string file;
  bool check = false;
  app.add_option("--config", file, "configuration (TOML); without one, a single host");
  app.add_flag("--check", check, "check the configuration, print it as it takes effect, and exit");
  CLI11_PARSE(app, argc, argv);

  netbinder::Config config = netbinder::default_config();
  if (!file.empty()) {
    const auto loaded = netbinder::load_config(file);
    if (!loaded) {
      fmt::print(stderr, "netbinderd: {}\n", loaded.error().to_string());
      return 2;
    }
    config = *loaded;
  }
  if (check) {
    fmt::print("{}", netbinder::render_config(config));
    return 0;
  }
  spdlog::set_default_logger(spdlog::stderr_logger_st("netbinderd"));
  spdlog::set_pattern("%Y-%m-%d %H:%M:%S.%e netbinderd[%P] %l: %v");
  spdlog::set_level(spdlog::level::from_str(config.log_level));
  ::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  try {
    return serve(config);
  } catch (const std::exception& error) {
    fmt::print(stderr, "netbinderd: {}\n", error.what());
    return 1;
  }
}
