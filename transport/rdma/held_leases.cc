// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/held_leases.h"

#include <algorithm>

#include "core/base/check.h"

namespace netbinder::rdma {

std::optional<LeaseUse> HeldLeases::use_of(const PayloadRecipient& recipient) const {
  const bool oneway = recipient.request.oneway;
  if (recipient.caller != ProcessId{}) return LeaseUse{recipient.caller, oneway};
  const auto* node = std::get_if<NodeNumber>(&recipient.request.recipient);
  if (node == nullptr) return std::nullopt;
  const auto found = process_of_node_.find(*node);
  if (found == process_of_node_.end()) return std::nullopt;
  return LeaseUse{found->second, oneway};
}

void HeldLeases::learn(NodeNumber node, LeaseUse use, std::uint64_t now_ms) {
  if (process_of_node_.size() >= kMaxRemembered) process_of_node_.clear();
  process_of_node_[node] = use.process;
  entry_of(use).last_payload_ms = now_ms;
}

HeldLeases::Entry& HeldLeases::entry_of(LeaseUse use) {
  if (entries_.size() >= kMaxRemembered) {
    boost::unordered::erase_if(entries_, [](const auto& entry) {
      return entry.second.held.empty() && entry.second.asked == 0;
    });
  }
  return entries_[use];
}

std::optional<HeldLease> HeldLeases::take(LeaseUse use, std::uint64_t bytes) {
  const auto entry = entries_.find(use);
  if (entry == entries_.end()) return std::nullopt;
  auto& held = entry->second.held;
  auto best = held.end();
  for (auto one = held.begin(); one != held.end(); ++one) {
    if (one->lease.bytes < bytes) continue;
    if (best == held.end() || one->lease.bytes < best->lease.bytes) best = one;
  }
  if (best == held.end()) return std::nullopt;
  const HeldLease lease = best->lease;
  held.erase(best);
  --size_;
  return lease;
}

void HeldLeases::add(LeaseUse use, const HeldLease& lease, std::uint64_t now_ms) {
  entries_[use].held.push_back({.lease = lease, .since_ms = now_ms});
  ++size_;
}

bool HeldLeases::ask_ahead(LeaseUse use, std::uint64_t now_ms) {
  Entry& entry = entry_of(use);
  const bool stream = entry.last_payload_ms != 0 && now_ms < entry.last_payload_ms + kStreamMs;
  entry.last_payload_ms = now_ms;
  if (!stream || entry.held.size() + entry.asked >= kMaxAhead) return false;
  ++entry.asked;
  return true;
}

void HeldLeases::answered(LeaseUse use) {
  const auto entry = entries_.find(use);
  NB_CHECK(entry != entries_.end() && entry->second.asked > 0);
  --entry->second.asked;
}

std::vector<LeaseId> HeldLeases::take_idle(std::uint64_t now_ms) {
  std::vector<LeaseId> idle;
  boost::unordered::erase_if(entries_, [&](auto& use_and_entry) {
    Entry& entry = use_and_entry.second;
    std::erase_if(entry.held, [&](const Held& held) {
      if (now_ms < held.since_ms + kLeaseIdleMs) return false;
      idle.push_back(held.lease.id);
      return true;
    });
    return entry.held.empty() && entry.asked == 0 && now_ms >= entry.last_payload_ms + kStreamMs;
  });
  size_ -= idle.size();
  return idle;
}

}  // namespace netbinder::rdma
