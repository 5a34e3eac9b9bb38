// SPDX-License-Identifier: Apache-2.0
#include "node-agent/agent_surroundings.h"

#include <string>
#include <utility>

#include "host/node_host.h"
#include "membership/membership.h"
#include "node-agent/clock.h"
#include "node-agent/program_channels.h"
#include "transport/log.h"

namespace netbinder {

AgentSurroundings::AgentSurroundings(HostId self, Membership& membership,
                                     std::function<void(HostId peer)> peer_is_lost)
    : self_(self), membership_(membership), peer_is_lost_(std::move(peer_is_lost)) {}

void AgentSurroundings::respond() {
  if (channels_ != nullptr) channels_->respond();
}

void AgentSurroundings::peer_connected(HostId peer) {
  log::transport.info("host {} is connected", host_->name_of(peer));
}

void AgentSurroundings::peer_lost(HostId peer) {
  log::transport.warn("host {} is lost", host_->name_of(peer));
  peer_is_lost_(peer);
}

void AgentSurroundings::protocol_broken(HostId peer, std::string_view reason) {
  log::transport.error("host {} broke the protocol: {}", host_->name_of(peer), reason);
}

// By an agent that has joined later, or from whom a link is broken. Once in a while is enough.
void AgentSurroundings::home_unreachable(HostId home, HostId passed_on_by) {
  constexpr std::uint64_t kPauseMs = 10'000;
  const std::uint64_t now_ms = monotonic_ms();
  const std::string_view name = host_->name_of(home);
  // A peer may name any number; hosts that nobody knows share a place.
  std::uint64_t& last_ms = unreachable_told_ms_[name.empty() ? HostId{} : home];
  if (last_ms != 0 && now_ms - last_ms < kPauseMs) return;
  last_ms = now_ms;
  if (name.empty()) {
    log::references.warn(
        "host {} has passed on a handle of host {}, which is not known here: it is dead here",
        host_->name_of(passed_on_by), home.value());
  } else {
    log::references.warn(
        "host {} has passed on a handle of host {}, which has not connected in time: it is dead "
        "here",
        host_->name_of(passed_on_by), name);
  }
}

void AgentSurroundings::ask_for_claim(std::string_view claim) {
  log::claims.debug("the claim {} is asked for at the store", claim);
  membership_.ask_for_claim(std::string(claim));
}

void AgentSurroundings::release_claim(std::string_view claim) {
  log::claims.debug("the claim {} is given back at the store", claim);
  membership_.release_claim(std::string(claim));
}

void AgentSurroundings::host_list_told(HostId peer, ListNumber /*number*/) {
  const Driver& driver = host_->driver();
  const auto line =
      lists_.line(peer, host_->name_of(peer), driver.host_list(), driver.host_list_of(peer));
  if (line) log::membership.warn("{}", *line);
}

void AgentSurroundings::access_denied(const Denial& denial) {
  log::policy.trace("rule {} denies uid {} of host {} (pid {}) to {} \"{}\" in context {}",
                    denial.rule, denial.uid, denial.host.value(), denial.pid, denial.action,
                    denial.object, denial.context);
  const auto line = denials_.line(denial, denial.host == self_ ? "" : host_->name_of(denial.host),
                                  monotonic_ms());
  if (line) log::policy.warn("{}", *line);
}

}  // namespace netbinder
