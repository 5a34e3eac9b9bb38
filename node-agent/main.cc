// SPDX-License-Identifier: Apache-2.0
//
// netbinderd: the agent of a host.
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <exception>

#include "cluster-config/config.h"
#include "membership/etcd/connection.h"
#include "membership/etcd/password_file.h"
#include "node-agent/command_line.h"
#include "node-agent/daemon.h"
#include "node-agent/socket_access.h"
#include "transport/tcp/certificate.h"

namespace netbinder {
namespace {

// Prints remarks about the certificates, as comments. False if they cannot be used.
bool examine_certificates(const Config& config) {
  if (!config.tls.enabled()) return true;
  bool usable = true;
  std::puts("");
  for (const auto& finding : tcp::check_certificates({.certificate = config.tls.certificate,
                             .key = config.tls.key,
                             .ca = config.tls.ca,
                             .crl = config.tls.crl},
                                                     config.host, std::time(nullptr))) {
    const bool error = finding.weight == tcp::CertificateFinding::Weight::kError;
    const bool fine = finding.weight == tcp::CertificateFinding::Weight::kFine;
    std::printf("# %s: %s\n", error ? "error" : fine ? "ok" : "warning", finding.text.c_str());
    usable = usable && !error;
  }
  return usable;
}

// The same for who may connect to the sockets.
bool examine_sockets(const Config& config) {
  const auto access = socket_access(config, ::geteuid());
  std::puts("");
  if (!access) {
    std::printf("# error: %s\n", access.error().c_str());
  } else if (access->root_alone) {
    std::printf(
        "# warning: there is no group %s, so only root's programs can connect; see "
        "socket_group and socket_mode\n",
        kDefaultSocketGroup);
  } else {
    std::printf("# ok: the sockets have mode %04o, for %s\n", static_cast<unsigned>(access->mode),
                access->words.c_str());
  }
  return access.has_value();
}

// The same for what is said to etcd. Whether it answers is for `netbinder doctor`.
bool examine_membership(const Config& config) {
  const MembershipSettings& membership = config.membership;
  if (membership.kind != MembershipKind::kEtcd) return true;
  std::string problem = etcd::problem_with(membership.tls);
  if (problem.empty() && !membership.user.empty()) {
    const auto password = etcd::password_in(membership.password_file);
    if (!password) problem = password.error();
  }
  std::printf("# %s: %s\n", problem.empty() ? "ok" : "error",
              problem.empty() ? "the files of [membership] can be used" : problem.c_str());
  return problem.empty();
}

}  // namespace
}  // namespace netbinder

int main(int argc, char** argv) {
  const auto options = netbinder::parse_command_line(argc, argv);
  if (!options) return options.error();
  const auto loaded = netbinder::load_config(options->sources);
  if (!loaded) {
    std::fprintf(stderr, "netbinderd: %s\n", loaded.error().to_string().c_str());
    return 2;
  }
  if (options->checks_only) {
    std::fputs(netbinder::render_config(loaded->config, loaded->origins).c_str(), stdout);
    const bool sockets = netbinder::examine_sockets(loaded->config);
    const bool certificates = netbinder::examine_certificates(loaded->config);
    const bool membership = netbinder::examine_membership(loaded->config);
    return sockets && certificates && membership ? 0 : 1;
  }
  try {
    netbinder::run_daemon(loaded->config, options->sources);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "netbinderd: %s\n", error.what());
    return 1;
  }
}
