// SPDX-License-Identifier: Apache-2.0
#include "membership/etcd/directory.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "transport/log.h"

namespace netbinder::etcd {

void Directory::reset(const std::vector<KeyValue>& all) {
  hosts_.clear();
  ids_.clear();
  for (const auto& [claim, holder] : std::exchange(claims_, {})) claims_changed_.insert(claim);
  next_id_.reset();
  next_id_revision_ = 0;
  own_.clear();
  hosts_changed_ = true;
  for (const KeyValue& each : all) put(each);
}

void Directory::apply_own(const WatchEvent& event) {
  apply(event);
  own_[event.key_value.key] = event.key_value.mod_revision;
}

void Directory::apply(const WatchEvent& event) {
  if (const auto own = own_.find(event.key_value.key); own != own_.end()) {
    if (event.key_value.mod_revision < own->second) return;
    own_.erase(own);
  }
  if (event.deleted) {
    remove(event.key_value.key);
  } else {
    put(event.key_value);
  }
}

std::optional<std::string> Directory::rest(const std::string& key, std::string_view kind) const {
  const std::string before = prefix_ + std::string(kind);
  if (!key.starts_with(before)) return std::nullopt;
  return key.substr(before.size());
}

void Directory::put(const KeyValue& key_value) {
  const auto ignored = [&](const std::string& why) {
    log::membership.warn("etcd: the value of {} is not an agent's and is left out: {}", key_value.key, why);
  };
  if (const auto name = rest(key_value.key, "/hosts/")) {
    hosts_changed_ = true;
    auto member = member_value(*name, key_value.value, reachable_);
    if (!member || (hosts_.size() >= kMaxHosts && !hosts_.contains(*name))) {
      hosts_.erase(*name);
      return ignored(member ? "there are too many hosts" : member.error());
    }
    hosts_[*name] = {.member = *std::move(member),
                     .create_revision = key_value.create_revision,
                     .lease = key_value.lease};
  } else if (const auto of = rest(key_value.key, "/ids/")) {
    const auto id = id_value(key_value.value);
    if (!id) return ignored("it is no id");
    ids_[*of] = *id;
  } else if (const auto context = rest(key_value.key, "/claims/")) {
    claims_changed_.insert(*context);
    auto holder = claim_value(key_value.value);
    if (!holder) {
      claims_.erase(*context);
      return ignored(holder.error());
    }
    holder->epoch = ClaimEpoch{static_cast<std::uint64_t>(key_value.create_revision)};
    claims_[*context] = {.holder = *holder, .lease = key_value.lease};
  } else if (key_value.key == next_id_key()) {
    next_id_revision_ = key_value.mod_revision;
    next_id_ = id_value(key_value.value);
    if (!next_id_) ignored("it is no id");
  }
}

void Directory::remove(const std::string& key) {
  if (const auto name = rest(key, "/hosts/")) {
    hosts_changed_ = true;
    hosts_.erase(*name);
  }
  if (const auto of = rest(key, "/ids/")) ids_.erase(*of);
  if (const auto context = rest(key, "/claims/")) {
    claims_changed_.insert(*context);
    claims_.erase(*context);
  }
  if (key != next_id_key()) return;
  next_id_.reset();
  next_id_revision_ = 0;
}

const Directory::Host* Directory::host(const std::string& name) const {
  const auto found = hosts_.find(name);
  return found == hosts_.end() ? nullptr : &found->second;
}

std::optional<HostId> Directory::id(const std::string& name) const {
  const auto found = ids_.find(name);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> Directory::name_of(HostId id) const {
  for (const auto& [name, has] : ids_) {
    if (has == id) return name;
  }
  return std::nullopt;
}

HostId Directory::next_id() const {
  std::uint32_t next = next_id_ ? next_id_->value() : 1;
  for (const auto& [name, id] : ids_) {
    if (id.value() != UINT32_MAX) next = std::max(next, id.value() + 1);
  }
  return HostId{next};
}

std::vector<Member> Directory::members() const {
  std::vector<const Host*> hosts;
  for (const auto& [name, host] : hosts_) hosts.push_back(&host);
  std::ranges::sort(hosts, [](const Host* a, const Host* b) {
    return std::pair(a->member.id, a->create_revision) <
           std::pair(b->member.id, b->create_revision);
  });
  const auto same_id =
      std::ranges::unique(hosts, {}, [](const Host* host) { return host->member.id; });
  hosts.erase(same_id.begin(), same_id.end());
  std::unordered_map<std::string_view, const Host*> by_address;
  for (const Host* host : hosts) {
    const Host*& at = by_address[host->member.address];
    if (at == nullptr || at->create_revision < host->create_revision) at = host;
  }
  std::vector<Member> members;
  members.reserve(hosts.size());
  for (const Host* host : hosts) {
    if (by_address[host->member.address] == host) members.push_back(host->member);
  }
  return members;
}

}  // namespace netbinder::etcd
