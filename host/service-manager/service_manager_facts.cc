// SPDX-License-Identifier: Apache-2.0
//
// The manager tells `dumpsys` and `netbinder service list` more of services than their binders.
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "host/local_process.h"
#include "host/service-manager/replies.h"
#include "host/service-manager/service_manager.h"

namespace netbinder {

std::vector<ServiceView> ServiceManager::services() const {
  std::vector<ServiceView> views;
  for (const auto& [name, services] : names_.names()) {
    for (const RegisteredService& service : services) {
      views.push_back({.name = name, .host = names_.host_name(service.host), .pid = service.pid});
    }
  }
  return views;
}

OutgoingReply ServiceManager::debug_info(const IncomingCall& call) {
  auto all = services();
  const Caller caller = process_->caller_of(call);
  std::erase_if(all, [&](const ServiceView& each) { return !access_.sees(caller, each.name); });
  all.push_back({.name = kManagerName, .host = names_.host_name(own_host_), .pid = ::getpid()});
  ParcelWriter writer;
  writer.i32(kNoException);
  writer.i32(static_cast<std::int32_t>(all.size()));
  for (const ServiceView& service : all) {
    const auto units = (service.name.size() + 1) * 2;
    writer.i32(1);
    writer.i32(static_cast<std::int32_t>(4 + 4 + ((units + 3) & ~std::size_t{3}) + 4));
    writer.string16(service.name);
    writer.i32(service.pid);
  }
  return reply_of(writer);
}

OutgoingReply ServiceManager::facts(const IncomingCall& call) {
  ParcelReader request(call.parcel);
  const auto after = request.string16();
  if (!after) return status_reply(-EINVAL);
  const Caller caller = process_->caller_of(call);
  std::vector<ServiceFacts> found;
  const NameTable::Names& names = names_.names();
  std::size_t instances = 0;
  for (auto at = names.upper_bound(*after);
       at != names.end() && found.size() < ServiceFacts::kMostNames &&
       instances < ServiceFacts::kMostInstances;
       ++at) {
    const auto& [name, services] = *at;
    if (!access_.sees(caller, name)) continue;
    instances += services.size();
    ServiceFacts& told = found.emplace_back();
    told.name = name;
    for (const RegisteredService& service : services) {
      const bool own = service.host == own_host_;
      const bool lazy = (service.dump_priority & kLazyService) != 0 || (own && lazy_.watches(name));
      told.instances.push_back({.host = names_.host_name(service.host),
                                .pid = service.pid,
                                .uid = own ? service.uid : 0,
                                .lazy = lazy});
    }
  }
  ParcelWriter writer;
  write_service_facts(writer, found);
  return reply_of(writer);
}

}  // namespace netbinder
