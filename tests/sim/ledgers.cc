// SPDX-License-Identifier: Apache-2.0
//
// Conservation of references between hosts. For each node that a home counts for a peer, the count
// equals the references that the peer has received, plus those under way to it and those on their
// way back. What is kept for a peer that is to claim it is gone when all is quiet
// (World::check_peace).
#include <algorithm>
#include <map>
#include <tuple>

#include "tests/sim/world.h"

namespace netbinder::sim {

namespace {

struct Sum {
  std::uint64_t strong = 0, weak = 0;
  friend bool operator==(const Sum&, const Sum&) = default;
};

std::vector<WireNode> references_in(const PeerMessage& message) {
  std::vector<WireNode> found;
  const auto of_objects = [&found](const std::vector<WireObject>& objects) {
    for (const WireObject& object : objects) {
      if (const auto* node = std::get_if<WireNode>(&object.content)) found.push_back(*node);
    }
  };
  if (const auto* call = std::get_if<peer::Call>(&message)) of_objects(call->objects);
  if (const auto* reply = std::get_if<peer::Reply>(&message)) of_objects(reply->objects);
  if (const auto* manager = std::get_if<peer::ContextManager>(&message)) {
    found.push_back(manager->node);
  }
  if (const auto* manager = std::get_if<peer::ServiceManager>(&message)) {
    found.push_back(manager->node);
  }
  std::erase_if(found, [](const WireNode& node) { return node.dead; });
  return found;
}

// The references to the home's nodes in messages from it and to it.
std::map<NodeNumber, Sum> under_way(HostId home, const std::deque<Letter>& to_peer,
                                    const std::deque<Letter>& to_home,
                                    std::map<NodeNumber, Sum> sums) {
  for (const Letter& letter : to_peer) {
    for (const WireNode& node : references_in(letter.message)) {
      if (node.node.host != home) continue;
      ++sums[node.node.number].weak;
      if (node.strong) ++sums[node.node.number].strong;
    }
    const auto* result = std::get_if<peer::ClaimResult>(&letter.message);
    if (result != nullptr && result->alive) {
      ++sums[result->node].weak;
      if (result->strong) ++sums[result->node].strong;
    }
  }
  for (const Letter& letter : to_home) {
    const auto* release = std::get_if<peer::ReleaseRefs>(&letter.message);
    if (release == nullptr) continue;
    sums[release->node].strong += release->strong;
    sums[release->node].weak += release->weak;
  }
  return sums;
}

}  // namespace

void World::check_refusal(HostId home, HostId claimant, const peer::ClaimResult& result) {
  // In bad weather an introduction may be lost with its session; older hosts give up by the clock.
  if (settings_.weather || settings_.older != 0 || lies(home) || lies(claimant) ||
      lies(result.introducer))
    return;
  // An introduction is lost with its session, even in fair weather: a handshake may take too long.
  // The introducer may have lost one that its home had not established yet.
  if (host(home)->shadow(result.introducer) == nullptr ||
      losses_.contains({home, result.introducer}) || losses_.contains({result.introducer, home})) {
    return;
  }
  for (const PeerLedger& ledger : host(home)->driver().ledgers()) {
    if (ledger.host != result.introducer) continue;
    for (const auto& entry : ledger.counted) {
      if (entry.node != result.node || (result.strong && entry.strong == 0)) continue;
      oracle_.fail("host " + std::to_string(home.value()) + " refuses host " +
                   std::to_string(claimant.value()) + " node " +
                   std::to_string(result.node.value()) + ", which host " +
                   std::to_string(result.introducer.value()) + " holds and has passed on");
    }
  }
}

void World::compare_ledgers() {
  std::map<HostId, std::map<HostId, PeerLedger>> ledgers;
  for (const auto& each : hosts_) {
    if (!each) continue;
    for (PeerLedger& ledger : each->driver().ledgers()) {
      ledgers[each->id()][ledger.host] = std::move(ledger);
    }
  }
  for (const auto& [home, of_home] : ledgers) {
    for (const auto& [peer, ours] : of_home) {
      if (lies(home) || lies(peer)) continue;
      const auto shadow = host(home)->shadow(peer);
      const SimHost* there = host(peer);
      if (there == nullptr || shadow == nullptr || there->shadow(home) != shadow) continue;
      ++oracle_.statistics.ledgers_compared;
      const PeerLedger& theirs = ledgers.at(peer).at(home);
      std::map<NodeNumber, Sum> held;
      for (const auto& entry : theirs.received) {
        held[entry.node] = {.strong = entry.strong, .weak = entry.weak};
      }
      const auto& to_peer = shadow->to[peer];
      const auto& to_home = shadow->to[home];
      const auto sums = under_way(home, to_peer, to_home, std::move(held));
      for (const auto& entry : ours.counted) {
        const auto found = sums.find(entry.node);
        const Sum sum = found == sums.end() ? Sum{} : found->second;
        if (sum == Sum{.strong = entry.strong, .weak = entry.weak}) continue;
        oracle_.fail("of node " + std::to_string(entry.node.value()) + " host " +
                     std::to_string(home.value()) + " counts " + std::to_string(entry.strong) +
                     " strong, " + std::to_string(entry.weak) + " weak for host " +
                     std::to_string(peer.value()) + ", which holds, with what is under way, " +
                     std::to_string(sum.strong) + " and " + std::to_string(sum.weak));
      }
      // If it is not counted, the node has died, and the peer has yet to read of that.
      for (const auto& entry : theirs.received) {
        const bool counted = std::ranges::any_of(
            ours.counted, [&](const auto& other) { return other.node == entry.node; });
        const bool told = std::ranges::any_of(to_peer, [&](const Letter& letter) {
          const auto* died = std::get_if<peer::NodeDied>(&letter.message);
          const auto* result = std::get_if<peer::ClaimResult>(&letter.message);
          return (died != nullptr && died->node == entry.node) ||
                 (result != nullptr && result->node == entry.node && !result->alive);
        });
        const bool awaits_claim =
            std::ranges::find(theirs.claimed, entry.node) != theirs.claimed.end();
        if (counted || told || (awaits_claim && entry.strong == 0 && entry.weak == 0)) continue;
        oracle_.fail("host " + std::to_string(peer.value()) + " holds node " +
                     std::to_string(entry.node.value()) + " of host " +
                     std::to_string(home.value()) + ", which counts nothing for it");
      }
    }
  }
}

}  // namespace netbinder::sim
