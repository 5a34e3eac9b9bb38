// SPDX-License-Identifier: Apache-2.0
#include "node-agent/reload.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ranges>

#include "node-agent/agent.h"
#include "node-agent/init_notice.h"
#include "node-agent/reconfiguration.h"
#include "transport/log.h"

namespace netbinder {

std::expected<Reconfiguration, std::string> Reload::now() {
  notice_.reloading();
  auto outcome = read_and_take_over();
  notice_.serving(status_line());
  return outcome;
}

std::string Reload::status_line() const {
  const Config& config = agent_.config();
  return fmt::format("serving {} at {}, host {} of {}", fmt::join(config.contexts | std::views::transform(&ContextSettings::name), ", "),
                     config.socket, config.host, config.hosts.size());
}

std::expected<Reconfiguration, std::string> Reload::read_and_take_over() {
  log::config.debug("reading the configuration: {}",
                    sources_.file.empty() ? "no file, environment and flags" : sources_.file);
  const auto loaded = load_config(sources_);
  auto outcome = loaded ? agent_.reconfigure(loaded->config)
                        : std::expected<Reconfiguration, std::string>(
                              std::unexpected(loaded.error().to_string()));
  if (!outcome) {
    log::config.error("the configuration stays as it was: {}", outcome.error());
    return outcome;
  }
  const auto values = config_values(outcome->config);
  for (const std::string& key : outcome->changed) {
    const auto value = values.find(key);
    log::config.debug("{} is {} now", key, value == values.end() ? "gone" : value->second);
  }
  if (outcome->changed.empty()) {
    log::config.info("the configuration was read again: nothing has changed");
  } else {
    log::config.info("the configuration was read again; changed: {}", fmt::join(outcome->changed, ", "));
  }
  if (!outcome->needs_restart.empty()) {
    log::config.warn("these stay as they were until the agent is started again: {}",
              fmt::join(outcome->needs_restart, ", "));
  }
  return outcome;
}

void Reload::on_signal(boost::asio::signal_set& signals) {
  signals.async_wait([this, &signals](const boost::system::error_code& error, int) {
    if (error) return;
    (void)now();
    on_signal(signals);
  });
}

}  // namespace netbinder
