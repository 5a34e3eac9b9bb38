// SPDX-License-Identifier: Apache-2.0
#include "node-agent/daemon.h"

#include <signal.h>
#include <sys/random.h>
#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "node-agent/admin_server.h"
#include "node-agent/agent.h"
#include "node-agent/init_notice.h"
#include "node-agent/reload.h"
#include "node-agent/unprivileged.h"
#include "transport/log.h"

namespace netbinder {
namespace {

// Each open of a device costs the agent some descriptors.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

Incarnation new_incarnation() {
  std::uint64_t value = 0;
  while (value == 0) {
    if (::getrandom(&value, sizeof value, 0) != sizeof value) value = 0;
  }
  return Incarnation{value};
}

void serve(const Config& config, const ConfigSources& sources) {
  boost::asio::io_context io(1);
  InitNotice notice(io);
  Agent agent(io, config, new_incarnation());
  agent.start();
  Reload reload(sources, agent, notice);
  AdminServer admin(io, config.admin_socket, agent, reload);
  boost::asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (!error) agent.stop();
  });
  boost::asio::signal_set hang_ups(io, SIGHUP);
  reload.on_signal(hang_ups);
  const std::string user = become_unprivileged(config.user);
  if (!user.empty()) log::info("it runs as {} from now on", user);
  log::info("serving {} at {}", config.host, config.socket);
  notice.serving(reload.status_line());
  agent.run();
  log::info("stopped");
}

}  // namespace

void run_daemon(const Config& config, const ConfigSources& sources) {
  log::start("netbinderd", config.log_level);
  struct Finish {
    ~Finish() { log::finish(); }
  } finish;
  for (const int harmless : {SIGPIPE, SIGUSR1, SIGUSR2}) ::signal(harmless, SIG_IGN);
  raise_descriptor_limit();
  serve(config, sources);
}

}  // namespace netbinder
