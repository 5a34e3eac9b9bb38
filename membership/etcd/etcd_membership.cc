// SPDX-License-Identifier: Apache-2.0
#include "membership/etcd/etcd_membership.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace netbinder {

namespace {

etcd::MemberSetup setup_of(const Config& config, Incarnation incarnation) {
  return {.prefix = config.membership.prefix,
          .name = config.host,
          .address = config.membership.address,
          .labels = config.membership.labels,
          .incarnation = incarnation,
          .lease_s = config.membership.lease_seconds,
          .reachable = config.insecure || config.tls.enabled() ? etcd::Reachable::kEverywhere
                                                               : etcd::Reachable::kLoopbackOnly};
}

}  // namespace

EtcdMembership::EtcdMembership(boost::asio::io_context& io, const Config& config,
                               Incarnation incarnation)
    : io_(io),
      settings_(config.membership),
      worker_(setup_of(config, incarnation), config.membership, *this) {}

EtcdMembership::~EtcdMembership() { *told_ = nullptr; }

void EtcdMembership::start(MembershipEvents& events) {
  *told_ = &events;
  worker_.start();
}

void EtcdMembership::leave() {
  *told_ = nullptr;
  worker_.leave();
}

void EtcdMembership::change(const Config& config) {
  if (config.membership == settings_) return;
  settings_ = config.membership;
  worker_.use(settings_);
}

void EtcdMembership::tell(std::function<void(MembershipEvents&)> event) {
  boost::asio::post(io_, [told = told_, event = std::move(event)] {
    if (*told != nullptr) event(**told);
  });
}

void EtcdMembership::members_changed(const std::vector<Member>& members) {
  tell([members](MembershipEvents& events) { events.members_changed(members); });
}

void EtcdMembership::claim_answered(const std::string& context, ClaimAnswer answer) {
  tell([context, answer](MembershipEvents& events) { events.claim_answered(context, answer); });
}

void EtcdMembership::claim_lost(const std::string& context) {
  tell([context](MembershipEvents& events) { events.claim_lost(context); });
}

void EtcdMembership::claim_held(const std::string& context, std::optional<ClaimHolder> holder) {
  tell([context, holder](MembershipEvents& events) { events.claim_held(context, holder); });
}

}  // namespace netbinder
