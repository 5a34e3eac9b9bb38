// SPDX-License-Identifier: Apache-2.0
#include "node-agent/daemon.h"

#include <signal.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <stdexcept>

#include "node-agent/admin_server.h"
#include "node-agent/agent.h"
#include "node-agent/init_notice.h"
#include "node-agent/reload.h"
#include "node-agent/socket_access.h"
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

SocketAccess access_to_sockets(const Config& config) {
  auto access = socket_access(config, ::geteuid());
  if (!access) throw std::runtime_error(access.error());
  if (access->root_alone) {
    log::warn(
        "there is no group {}, so only root's programs can connect; see socket_group and "
        "socket_mode",
        kDefaultSocketGroup);
  }
  return *std::move(access);
}

void serve(const Config& config, const ConfigSources& sources) {
  const SocketAccess access = access_to_sockets(config);
  boost::asio::io_context io(1);
  InitNotice notice(io);
  Agent agent(io, config, new_incarnation());
  agent.start(access);
  Reload reload(sources, agent, notice);
  AdminServer admin(io, config.admin_socket, access, agent, reload);
  boost::asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (!error) agent.stop();
  });
  boost::asio::signal_set hang_ups(io, SIGHUP);
  reload.on_signal(hang_ups);
  const std::string user = become_unprivileged(config.user);
  if (!user.empty()) log::info("it runs as {} from now on", user);
  log::info("serving {} at {}, for {}", config.host, config.socket, access.words);
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
