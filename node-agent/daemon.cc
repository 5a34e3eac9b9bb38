// SPDX-License-Identifier: Apache-2.0
#include "node-agent/daemon.h"

#include <signal.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <optional>
#include <stdexcept>

#include "membership/make_membership.h"
#include "node-agent/admin_server.h"
#include "node-agent/agent.h"
#include "node-agent/cluster_members.h"
#include "node-agent/foreign_closer.h"
#include "node-agent/http_pages.h"
#include "node-agent/init_notice.h"
#include "node-agent/joining.h"
#include "node-agent/log_setup.h"
#include "node-agent/look_window.h"
#include "node-agent/metrics_pages.h"
#include "node-agent/metrics_server.h"
#include "node-agent/peer_questions.h"
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
    log::agent.warn(
        "there is no group {}, so only root's programs can connect; see socket_group and "
        "socket_mode",
        kDefaultSocketGroup);
  }
  return *std::move(access);
}

void serve(Config config, const ConfigSources& sources) {
  const SocketAccess access = access_to_sockets(config);
  boost::asio::io_context io(1);
  InitNotice notice(io);
  const Incarnation incarnation = new_incarnation();
  const auto membership = make_membership(io, config, incarnation);
  std::optional<Agent> served;
  bool stopping = false;
  boost::asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (error) return;
    stopping = true;
    if (served) served->stop();
  });
  boost::asio::signal_set hang_ups(io, SIGHUP);  // from here on not fatal
  Joining joining(io, *membership, notice);
  struct Leave {
    Membership& membership;
    ~Leave() { membership.leave(); }
  } leave{*membership};
  if (membership->claims_by() == ClaimsBy::kStore) require_listenable(io, config.listen);
  const auto members = joining.wait(stopping);
  if (!members) return;
  if (membership->claims_by() == ClaimsBy::kStore) config.hosts = hosts_of(config, *members, {});
  Agent& agent = served.emplace(io, config, incarnation, *membership);
  agent.start(access);
  log::agent.debug(
      "incarnation {:016x}; a wake-up takes {} ns here, so waiters look for {} ns first",
      incarnation.value(), agent.look_window().wake_up_ns(), agent.look_window().ns());
  if (membership->claims_by() == ClaimsBy::kStore) joining.tell(agent);
  Reload reload(sources, agent, notice);
  const PeerQuestions peer_questions(agent, reload);
  MetricsPages metrics(io, agent);
  HttpPages pages(agent, metrics);
  AdminServer admin(io, config.admin_socket, access, agent, pages, reload);
  std::optional<MetricsServer> metrics_server;
  if (!config.metrics.listen.empty()) metrics_server.emplace(io, config.metrics, agent, pages);
  reload.on_signal(hang_ups);
  const std::string user = become_unprivileged(config.user);
  if (!user.empty()) log::agent.info("it runs as {} from now on", user);
  log::agent.info("serving {} at {}, for {}", config.host, config.socket, access.words);
  notice.serving(reload.status_line());
  agent.run();
  log::agent.info("stopped");
}

}  // namespace

void run_daemon(const Config& config, const ConfigSources& sources) {
  log::start("netbinderd", config.log_level);
  configure_log(config);
  struct Finish {
    ~Finish() { log::finish(); }
  } finish;
  for (const int harmless : {SIGPIPE, SIGUSR1, SIGUSR2}) ::signal(harmless, SIG_IGN);
  raise_descriptor_limit();
  serve(config, sources);
  // Descriptors of programs that are still being closed elsewhere: those that linger are left to the
  // kernel.
  constexpr int kPatienceMs = 1000;
  for (int ms = 0; ms < kPatienceMs && waiting_to_be_closed() > 0; ++ms) ::usleep(1000);
}

}  // namespace netbinder
