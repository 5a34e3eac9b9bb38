// SPDX-License-Identifier: Apache-2.0
//
// Membership at etcd. The work is a thread's of its own (worker.h); here its events are brought to
// the data plane's loop.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "membership/etcd/worker.h"
#include "membership/membership.h"

namespace netbinder {

class EtcdMembership final : public Membership, private MembershipEvents {
 public:
  // `io` is the event loop, and outlives this.
  EtcdMembership(boost::asio::io_context& io, const Config& config, Incarnation incarnation);
  ~EtcdMembership() override;
  EtcdMembership(const EtcdMembership&) = delete;
  EtcdMembership& operator=(const EtcdMembership&) = delete;

  [[nodiscard]] ClaimsBy claims_by() const override { return ClaimsBy::kStore; }
  void start(MembershipEvents& events) override;
  void leave() override;
  void change(const Config& config) override;
  void ask_for_claim(const std::string& context) override { worker_.ask_for_claim(context); }
  void release_claim(const std::string& context) override { worker_.release_claim(context); }
  [[nodiscard]] MembershipStatus status() const override { return worker_.status(); }

 private:
  // ---- MembershipEvents, on the worker's thread ----
  void members_changed(const std::vector<Member>& members) override;
  void claim_answered(const std::string& context, ClaimAnswer answer) override;
  void claim_lost(const std::string& context) override;
  void claim_held(const std::string& context, std::optional<ClaimHolder> holder) override;

  void tell(std::function<void(MembershipEvents&)> event);

  boost::asio::io_context& io_;
  MembershipSettings settings_;
  // The receiver of events; null once there is none. It and its target belong to the data plane.
  std::shared_ptr<MembershipEvents*> told_ = std::make_shared<MembershipEvents*>(nullptr);
  etcd::Worker worker_;
};

}  // namespace netbinder
