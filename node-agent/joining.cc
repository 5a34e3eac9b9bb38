// SPDX-License-Identifier: Apache-2.0
#include "node-agent/joining.h"

#include <fmt/format.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <stdexcept>

#include "node-agent/agent.h"
#include "node-agent/init_notice.h"
#include "transport/tcp/address.h"

namespace netbinder {

void require_listenable(boost::asio::io_context& io, const std::string& address) {
  using Tcp = boost::asio::ip::tcp;
  const auto parsed = tcp::parse_address(address);
  if (!parsed) throw std::runtime_error(parsed.error());
  try {
    auto endpoint = parsed->endpoint();
    if (!endpoint) {
      endpoint = Tcp::resolver(io).resolve(parsed->host, std::to_string(parsed->port))->endpoint();
    }
    const Tcp::acceptor probe(io, *endpoint);  // with SO_REUSEADDR, and closed at once
  } catch (const boost::system::system_error& error) {
    throw std::runtime_error("cannot listen on " + address + ": " + error.code().message());
  }
}

std::optional<std::vector<Member>> Joining::wait(const bool& stopping) {
  constexpr std::chrono::seconds kSayEvery(5);
  membership_.start(*this);
  while (!members_ && !stopping) {
    if (io_.run_one_for(kSayEvery) == 0) say_what_is_waited_for();
    if (io_.stopped()) io_.restart();
  }
  return members_;
}

void Joining::say_what_is_waited_for() {
  const MembershipStatus status = membership_.status();
  notice_.joining(fmt::format("waiting to join the cluster: {}",
                              status.last_error.empty() ? "no answer yet" : status.last_error));
}

void Joining::tell(Agent& agent) {
  // In the agent's own loop, like everything that follows.
  boost::asio::post(io_, [this, &agent] {
    agent_ = &agent;
    agent.members_changed(*members_);
    for (const auto& [context, holder] : claims_) agent.claim_held(context, holder);
  });
}

void Joining::members_changed(const std::vector<Member>& members) {
  members_ = members;
  if (agent_ != nullptr) agent_->members_changed(members);
}

// Nobody asks before there is an agent.
void Joining::claim_answered(const std::string& context, ClaimAnswer answer) {
  if (agent_ != nullptr) agent_->claim_answered(context, answer);
}

void Joining::claim_lost(const std::string& context) {
  if (agent_ != nullptr) agent_->claim_lost(context);
}

void Joining::claim_held(const std::string& context, std::optional<ClaimHolder> holder) {
  if (agent_ != nullptr) return agent_->claim_held(context, holder);
  claims_.erase(context);
  if (holder) claims_.emplace(context, *holder);
}

}  // namespace netbinder
