// SPDX-License-Identifier: Apache-2.0
//
// The way of an agent into its cluster. It has to be known as which host it runs before there is an
// agent; and what the membership tells in between is kept for it.
//
// Owned by the daemon's main. Thread: the one that runs the event loop.
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "membership/membership.h"

namespace netbinder {

class Agent;
class InitNotice;

// Throws std::runtime_error if nobody can listen at that address. To be asked before this host
// joins: an agent that could not serve would only take the place of the one that does.
void require_listenable(boost::asio::io_context& io, const std::string& address);

class Joining final : private MembershipEvents {
 public:
  Joining(boost::asio::io_context& io, Membership& membership, InitNotice& notice)
      : io_(io), membership_(membership), notice_(notice) {}

  // Runs the event loop until this host has joined; the hosts there are then. Nothing: `stopping`
  // has become true before. A membership that cannot be reached is waited for.
  std::optional<std::vector<Member>> wait(const bool& stopping);
  // Tells the agent what has been told since, and everything from now on. Called when its loop is
  // about to run.
  void tell(Agent& agent);

 private:
  // ---- MembershipEvents ----
  void members_changed(const std::vector<Member>& members) override;
  void claim_answered(const std::string& context, ClaimAnswer answer) override;
  void claim_lost(const std::string& context) override;
  void claim_held(const std::string& context, std::optional<ClaimHolder> holder) override;

  void say_what_is_waited_for();

  boost::asio::io_context& io_;
  Membership& membership_;
  InitNotice& notice_;
  Agent* agent_ = nullptr;
  std::optional<std::vector<Member>> members_;
  std::map<std::string, ClaimHolder> claims_;
};

}  // namespace netbinder
