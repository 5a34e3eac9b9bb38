// SPDX-License-Identifier: Apache-2.0
#include "host/service-manager/other_managers.h"

#include <iterator>
#include <utility>

#include "host/local_process.h"
#include "host/service-manager/protocol.h"
#include "parcel/writer.h"

namespace netbinder {

void OtherManagers::connected(HostId host, Handle manager) {
  handles_.hold(manager);
  process_->release(manager);  // the reference it came with
  if (const auto former = managers_.find(host); former != managers_.end()) {
    handles_.let_go(former->second);
  }
  managers_[host] = manager;
}

std::vector<HostId> OtherManagers::remove_dead(Handle handle) {
  std::vector<HostId> gone;
  for (auto it = managers_.begin(); it != managers_.end();) {
    if (it->second != handle) {
      ++it;
      continue;
    }
    gone.push_back(it->first);
    it = managers_.erase(it);
  }
  return gone;
}

std::vector<HostId> OtherManagers::hosts() const {
  std::vector<HostId> hosts;
  for (const auto& [host, manager] : managers_) hosts.push_back(host);
  return hosts;
}

std::vector<HostId> OtherManagers::hosts_that_see(const std::string& name) const {
  std::vector<HostId> hosts;
  for (const auto& [host, manager] : managers_) {
    if (exchange_.shows(host, name)) hosts.push_back(host);
  }
  return hosts;
}

void OtherManagers::publish(HostId host, const std::string& name,
                            const RegisteredService& service) {
  const auto manager = managers_.find(host);
  if (manager == managers_.end() || !exchange_.shows(host, name)) return;
  ParcelWriter writer;
  writer.string16(name);
  writer.i32(service.allow_isolated ? 1 : 0);
  writer.u32(service.dump_priority);
  writer.u32(service.stability);
  put_binder(writer, service);
  process_->call_oneway(manager->second, kPeerPublish, writer.take());
}

void OtherManagers::publish(const std::string& name, const RegisteredService& service) {
  for (const auto& [host, manager] : managers_) publish(host, name, service);
}

void OtherManagers::send(HostId host, std::uint32_t code, const std::string& name,
                         std::uint32_t number, std::uint32_t word) {
  const auto manager = managers_.find(host);
  if (manager == managers_.end()) return;
  ParcelWriter writer;
  writer.string16(name);
  writer.u32(number);
  writer.u32(word);
  process_->call_oneway(manager->second, code, writer.take());
}

void OtherManagers::call(HostId host, std::uint32_t code, ParcelBytes parcel) {
  const auto manager = managers_.find(host);
  if (manager != managers_.end()) process_->call_oneway(manager->second, code, std::move(parcel));
}

void OtherManagers::forget(const std::string& name) {
  for (const HostId host : hosts_that_see(name)) forget(host, name);
}

void OtherManagers::ask_for_names(HostId host, const std::vector<HostId>& homes) {
  for (const HostId home : homes) {
    ParcelWriter writer;
    writer.u32(home.value());
    call(host, kPeerRefresh, writer.take());
  }
}

void OtherManagers::refresh(HostId home) {
  for (const auto& [host, manager] : managers_) {
    if (host == home) continue;  // that host publishes its own services
    ParcelWriter writer;
    writer.u32(home.value());
    process_->call_oneway(manager, kPeerRefresh, writer.take());
  }
}

}  // namespace netbinder
