// SPDX-License-Identifier: Apache-2.0
//
// The names of the service manager, on this host and the others, and the handles behind them.
#include <algorithm>

#include "core/base/check.h"
#include "node-agent/service-manager/protocol.h"
#include "node-agent/service-manager/service_manager.h"

namespace netbinder {

namespace {

constexpr std::uint32_t kOnRegistration = 1;

constexpr std::size_t kUnknownRank = static_cast<std::size_t>(-1);

template <typename Key>
std::size_t counted(const std::map<Key, std::size_t>& counts, Key key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

template <typename Key>
void count(std::map<Key, std::size_t>& counts, Key key, bool more) {
  if (more) {
    ++counts[key];
    return;
  }
  const auto found = counts.find(key);
  NB_CHECK(found != counts.end());
  if (--found->second == 0) counts.erase(found);
}

}  // namespace

bool ServiceManager::valid_name(const std::string& name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.' || c == '/';
         });
}

ServiceManager::Instance* ServiceManager::find(const std::string& name) {
  if (const auto found = names_.find(name); found != names_.end()) return &found->second.front();
  const std::size_t at = name.rfind('@');
  if (at == std::string::npos) return nullptr;
  const auto found = names_.find(name.substr(0, at));
  if (found == names_.end()) return nullptr;
  const std::string host = name.substr(at + 1);
  for (Instance& instance : found->second) {
    if (host_name(instance.host) == host) return &instance;
  }
  return nullptr;
}

std::pair<std::int32_t, std::string> ServiceManager::add(const std::string& name,
                                                         Instance instance) {
  if (!valid_name(name)) return {kIllegalArgument, "invalid service name"};
  if (name == kManagerName) return {kSecurityException, "the service manager has this name"};
  const Instance* own = own_instance(name);
  if (own == nullptr && counted(names_of_host_, setup_.host) >= kMaxNames) {
    return {kIllegalState, "too many services"};
  }
  if ((own == nullptr || own->pid != instance.pid) &&
      counted(names_of_program_, instance.pid) >= kMaxNamesOfProgram) {
    return {kIllegalState, "too many services of this program"};
  }
  put_instance(name, instance);
  for (const auto& [host, manager] : managers_) publish(manager, name, instance);
  return {kNoException, ""};
}

void ServiceManager::count_instance(const Instance& instance, bool more) {
  count(names_of_host_, instance.host, more);
  if (instance.host == setup_.host) count(names_of_program_, instance.pid, more);
}

void ServiceManager::count_listener(std::int32_t pid, bool more) {
  more ? ++listener_count_ : --listener_count_;
  count(listeners_of_program_, pid, more);
}

bool ServiceManager::room_for_listener(std::int32_t pid) const {
  return listener_count_ < kMaxListeners &&
         counted(listeners_of_program_, pid) < kMaxListenersOfProgram;
}

void ServiceManager::put_instance(const std::string& name, const Instance& instance) {
  hold(instance.handle);
  count_instance(instance, true);
  std::vector<Instance>& instances = names_[name];
  const auto same = std::find_if(instances.begin(), instances.end(), [&](const Instance& other) {
    return other.host == instance.host;
  });
  if (same != instances.end()) {
    const Handle old = same->handle;
    count_instance(*same, false);
    *same = instance;
    let_go(old);
  } else {
    const auto place = std::find_if(instances.begin(), instances.end(), [&](const Instance& other) {
      return rank(other.host) > rank(instance.host);
    });
    instances.insert(place, instance);
  }
  if (instance.host == setup_.host) {
    if (const auto watched = watches_.find(name); watched != watches_.end()) {
      // One that wanted to leave has changed its mind, or is another one's now.
      if (watched->second.pid == instance.pid) {
        refuse_leaving(name, watched->second);
      } else {
        forget_callbacks(name, watched->second);
      }
    }
    count_watched();
  }
  if (const auto waiting = listeners_.find(name); waiting != listeners_.end()) {
    for (const Listener& listener : waiting->second) notify(name, listener, instance);
  }
}

void ServiceManager::notify(const std::string& name, const Listener& listener,
                            const Instance& instance) {
  ParcelWriter writer;
  writer.i32(0);
  writer.i32(-1);
  writer.u32(listener.header);
  writer.string16(kCallbackInterface);
  writer.string16(name);
  put_instance_handle(writer, instance, listener.dialect);
  process_->call_oneway(listener.callback, kOnRegistration, writer.take());
}

void ServiceManager::died(std::uint64_t cookie) {
  const Handle handle{static_cast<std::uint32_t>(cookie)};
  for (auto it = names_.begin(); it != names_.end();) {
    std::erase_if(it->second, [&](const Instance& instance) {
      if (instance.handle != handle) return false;
      count_instance(instance, false);
      return true;
    });
    it = it->second.empty() ? names_.erase(it) : std::next(it);
  }
  client_callback_died(handle);
  for (auto it = listeners_.begin(); it != listeners_.end();) {
    std::erase_if(it->second, [&](const Listener& listener) {
      if (listener.callback != handle) return false;
      count_listener(listener.pid, false);
      return true;
    });
    it = it->second.empty() ? listeners_.erase(it) : std::next(it);
  }
  for (auto it = managers_.begin(); it != managers_.end();) {
    if (it->second == handle) {
      const HostId host = it->first;
      it = managers_.erase(it);
      drop_instances_of(host);
      manager_of_host_gone(host);
    } else {
      ++it;
    }
  }
  if (uses_.erase(handle.value()) > 0) process_->release(handle);
  count_watched();
}

void ServiceManager::withdraw_instance(const std::string& name, HostId host) {
  const auto found = names_.find(name);
  if (found == names_.end()) return;
  std::erase_if(found->second, [&](const Instance& instance) {
    if (instance.host != host) return false;
    count_instance(instance, false);
    let_go(instance.handle);
    return true;
  });
  if (found->second.empty()) names_.erase(found);
  if (host == setup_.host) count_watched();
}

void ServiceManager::drop_instances_of(HostId host) {
  for (auto it = names_.begin(); it != names_.end();) {
    std::erase_if(it->second, [&](const Instance& instance) {
      if (instance.host != host) return false;
      count_instance(instance, false);
      let_go(instance.handle);
      return true;
    });
    it = it->second.empty() ? names_.erase(it) : std::next(it);
  }
}

// ---- other hosts ----

void ServiceManager::peer_connected(HostId host, Handle manager) {
  hold(manager);
  process_->release(manager);  // the reference it came with
  managers_[host] = manager;
  for (const auto& [name, instances] : names_) {
    for (const Instance& instance : instances) {
      if (instance.host == setup_.host) publish(manager, name, instance);
    }
  }
}

void ServiceManager::publish(Handle manager, const std::string& name, const Instance& instance) {
  ParcelWriter writer;
  writer.u32(setup_.host.value());
  writer.string16(name);
  writer.i32(instance.allow_isolated ? 1 : 0);
  writer.u32(instance.dump_priority);
  writer.u32(instance.stability);
  writer.handle(instance.handle);
  process_->call_oneway(manager, kPeerPublish, writer.take());
}

void ServiceManager::peer_call(const IncomingCall& call) {
  ParcelReader request(call.parcel);
  const HostId host{static_cast<std::uint32_t>(request.i32().value_or(0))};
  const auto name = request.string16();
  if (!name || !valid_name(*name) || host == setup_.host || rank(host) == kUnknownRank) {
    return;
  }
  if (call.code == kPeerPublish) {
    Instance instance{.host = host, .handle = Handle{}};
    instance.allow_isolated = request.i32().value_or(0) != 0;
    instance.dump_priority = static_cast<std::uint32_t>(request.i32().value_or(0));
    instance.stability = static_cast<std::uint32_t>(request.i32().value_or(0));
    const auto handle = request.handle();
    // A host that is true to its own bound never has more.
    if (!handle || counted(names_of_host_, host) >= kMaxNames + 1) return;
    instance.handle = *handle;
    put_instance(*name, instance);
  } else {
    peer_question(host, call, *name, request);
  }
}

// ---- handles ----

void ServiceManager::hold(Handle handle) {
  if (uses_[handle.value()]++ > 0) return;
  process_->acquire(handle);
  process_->link_to_death(handle, handle.value());
}

void ServiceManager::let_go(Handle handle) {
  const auto found = uses_.find(handle.value());
  NB_CHECK(found != uses_.end());
  if (--found->second > 0) return;
  uses_.erase(found);
  process_->unlink_death(handle, handle.value());
  process_->release(handle);
}

std::size_t ServiceManager::rank(HostId host) const {
  if (host == setup_.host) return 0;  // the caller's own host first
  for (std::size_t i = 0; i < setup_.hosts.size(); ++i) {
    if (setup_.hosts[i].first == host) return i + 1;
  }
  return kUnknownRank;
}

const std::string& ServiceManager::host_name(HostId host) const {
  static const std::string unknown = "?";
  for (const auto& [id, name] : setup_.hosts) {
    if (id == host) return name;
  }
  return unknown;
}

}  // namespace netbinder
