// SPDX-License-Identifier: Apache-2.0
//
// The hosts that the configuration lists. They change with it, by a reload, which the agent takes
// over by itself; so after its first there are no events. Claims are decided by the first host of
// the list.
#pragma once

#include <boost/asio/io_context.hpp>
#include <vector>

#include "membership/membership.h"

namespace netbinder {

class StaticMembership final : public Membership {
 public:
  // `io` is the event loop, and outlives this.
  StaticMembership(boost::asio::io_context& io, const Config& config) : io_(io) { change(config); }

  [[nodiscard]] ClaimsBy claims_by() const override { return ClaimsBy::kArbiter; }
  void start(MembershipEvents& events) override;
  void leave() override {}
  void change(const Config& config) override;
  void ask_for_claim(const std::string& context) override;
  void release_claim(const std::string& context) override;
  [[nodiscard]] MembershipStatus status() const override;

 private:
  boost::asio::io_context& io_;
  std::vector<Member> members_;
  ListNumber list_;
};

}  // namespace netbinder
