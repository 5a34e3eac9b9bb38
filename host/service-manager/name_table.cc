// SPDX-License-Identifier: Apache-2.0
#include "host/service-manager/name_table.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "host/service-manager/protocol.h"

namespace netbinder {

namespace {

constexpr std::size_t kUnknownRank = static_cast<std::size_t>(-1);

}  // namespace

bool NameTable::valid_name(const std::string& name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.' || c == '/';
         });
}

// ---- hosts ----

std::size_t NameTable::rank(HostId host) const {
  if (host == own_host_) return 0;  // the caller's own host first
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    if (hosts_[i].first == host) return i + 1;
  }
  return kUnknownRank;
}

void NameTable::set_hosts(std::vector<std::pair<HostId, std::string>> hosts) {
  const auto before = std::exchange(hosts_, std::move(hosts));
  // Hosts that come or go change nothing for the names of others.
  std::vector<std::size_t> ranks;
  for (const auto& [host, name] : before) {
    if (host != own_host_ && knows_host(host)) ranks.push_back(rank(host));
  }
  if (std::ranges::is_sorted(ranks)) return;
  for (auto& [name, services] : names_) {
    if (services.size() < 2) continue;
    std::ranges::stable_sort(services, {},
                             [this](const RegisteredService& each) { return rank(each.host); });
  }
}

bool NameTable::knows_host(HostId host) const { return rank(host) != kUnknownRank; }

const std::string& NameTable::host_name(HostId host) const {
  static const std::string unknown = "?";
  for (const auto& [id, name] : hosts_) {
    if (id == host) return name;
  }
  return unknown;
}

std::vector<HostId> NameTable::host_ids() const {
  std::vector<HostId> ids;
  for (const auto& [id, name] : hosts_) ids.push_back(id);
  return ids;
}

// ---- looking ----

RegisteredService* NameTable::find(const std::string& name) {
  if (const auto found = names_.find(name); found != names_.end()) return &found->second.front();
  const std::size_t at = name.rfind('@');
  if (at == std::string::npos) return nullptr;
  const auto found = names_.find(name.substr(0, at));
  if (found == names_.end()) return nullptr;
  const std::string host = name.substr(at + 1);
  for (RegisteredService& service : found->second) {
    if (host_name(service.host) == host) return &service;
  }
  return nullptr;
}

std::string NameTable::looked_up(const std::string& name) const {
  if (names_.contains(name)) return name;
  return name.substr(0, name.rfind('@'));
}

bool NameTable::is_of_another(const std::string& name, std::uint32_t uid) const {
  const RegisteredService* const held = own(name);
  return held != nullptr && held->uid != uid && uid != kRoot;
}

RegisteredService* NameTable::find_on(HostId host, const std::string& name) {
  const auto found = names_.find(name);
  if (found == names_.end()) return nullptr;
  const auto service =
      std::find_if(found->second.begin(), found->second.end(),
                   [host](const RegisteredService& each) { return each.host == host; });
  return service == found->second.end() ? nullptr : &*service;
}

const RegisteredService* NameTable::own(const std::string& name) const {
  const auto found = names_.find(name);
  // The own host's service, if any, is the first in order of preference.
  if (found == names_.end() || found->second.front().host != own_host_) return nullptr;
  return &found->second.front();
}

const char* NameTable::refusal(const std::string& name, const RegisteredService& service) const {
  const RegisteredService* present = own(name);
  const std::int32_t pid = service.pid;
  if (present == nullptr && of_host_.of(own_host_) >= kMaxNames) return "too many services";
  if ((present == nullptr || present->pid != pid) && of_program_.of(pid) >= kMaxNamesOfProgram) {
    return "too many services of this program";
  }
  const auto names = of_handle_.find(service.handle);
  if (names != of_handle_.end() && names->second.size() >= kMaxNamesOfService &&
      !names->second.contains({name, own_host_})) {
    return "too many names of this service";
  }
  return nullptr;
}

// ---- changing ----

void NameTable::count(const std::string& name, const RegisteredService& service) {
  access_.registered(name, service);
  of_host_.add(service.host);
  if (service.host == own_host_) of_program_.add(service.pid);
  of_handle_[service.handle].emplace(name, service.host);
}

void NameTable::uncount(const std::string& name, const RegisteredService& service) {
  access_.dropped(name, service);
  of_host_.remove(service.host);
  if (service.host == own_host_) of_program_.remove(service.pid);
  const auto names = of_handle_.find(service.handle);
  names->second.erase({name, service.host});
  if (names->second.empty()) of_handle_.erase(names);
}

void NameTable::put(const std::string& name, const RegisteredService& service) {
  handles_.hold(service.handle);
  if (RegisteredService* const same = find_on(service.host, name)) {
    const Handle old = same->handle;
    uncount(name, *same);
    count(name, service);
    *same = service;
    handles_.let_go(old);
    return;
  }
  count(name, service);
  std::vector<RegisteredService>& services = names_[name];
  const auto place = std::find_if(
      services.begin(), services.end(),
      [&](const RegisteredService& other) { return rank(other.host) > rank(service.host); });
  services.insert(place, service);
}

void NameTable::remove(const std::string& name, HostId host) {
  const auto found = names_.find(name);
  if (found == names_.end()) return;
  std::erase_if(found->second, [&](const RegisteredService& service) {
    if (service.host != host) return false;
    uncount(name, service);
    handles_.let_go(service.handle);
    return true;
  });
  if (found->second.empty()) names_.erase(found);
  if (host == own_host_ && own_removed_) own_removed_(name);
}

std::optional<std::string> NameTable::remove_of_host(HostId host, const std::string& from,
                                                     int names) {
  auto it = names_.lower_bound(from);
  for (int looked_at = 0; looked_at < names && it != names_.end(); ++looked_at) {
    std::erase_if(it->second, [&](const RegisteredService& service) {
      if (service.host != host) return false;
      uncount(it->first, service);
      handles_.let_go(service.handle);
      return true;
    });
    it = it->second.empty() ? names_.erase(it) : std::next(it);
  }
  return it == names_.end() ? std::nullopt : std::optional(it->first);
}

NameTable::Lost NameTable::remove_dead(Handle handle) {
  Lost lost;
  const auto known = of_handle_.find(handle);
  if (known == of_handle_.end()) return lost;
  const auto dead = known->second;  // uncount() takes them out
  for (const auto& [name, host] : dead) {
    const auto found = names_.find(name);
    std::vector<RegisteredService>& services = found->second;
    const auto service = std::ranges::find(services, host, &RegisteredService::host);
    const RegisteredService gone = *service;
    services.erase(service);
    uncount(name, gone);
    if (gone.host == own_host_) {
      lost.own.push_back(name);
      if (gone.home != own_host_) lost.homeless.push_back(name);
    }
    if (services.empty()) names_.erase(found);
  }
  if (own_removed_) {
    for (const std::string& name : lost.own) own_removed_(name);
  }
  return lost;
}

}  // namespace netbinder
