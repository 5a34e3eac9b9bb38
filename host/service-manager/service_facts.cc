// SPDX-License-Identifier: Apache-2.0
#include "host/service-manager/service_facts.h"

#include <utility>

namespace netbinder {

void write_service_facts(ParcelWriter& reply, const std::vector<ServiceFacts>& services) {
  reply.u32(ServiceFacts::kCode);  // who does not know the request answers something else
  reply.i32(static_cast<std::int32_t>(services.size()));
  for (const ServiceFacts& service : services) {
    reply.string16(service.name);
    reply.i32(static_cast<std::int32_t>(service.instances.size()));
    for (const ServiceFacts::Instance& instance : service.instances) {
      reply.string16(instance.host);
      reply.i32(instance.pid);
      reply.u32(instance.uid);
      reply.i32(instance.lazy ? 1 : 0);
    }
  }
}

std::optional<std::vector<ServiceFacts>> read_service_facts(ParcelView reply) {
  ParcelReader reader(reply);
  if (reader.i32() != static_cast<std::int32_t>(ServiceFacts::kCode)) return std::nullopt;
  const auto count = reader.i32();
  if (!count) return std::nullopt;
  std::vector<ServiceFacts> services;
  for (std::int32_t i = 0; i < *count; ++i) {
    const auto name = reader.string16();
    const auto instances = reader.i32();
    if (!name || !instances) return std::nullopt;
    ServiceFacts& service = services.emplace_back();
    service.name = *name;
    for (std::int32_t k = 0; k < *instances; ++k) {
      const auto host = reader.string16();
      const auto pid = reader.i32();
      const auto uid = reader.i32();
      const auto lazy = reader.i32();
      if (!host || !pid || !uid || !lazy) return std::nullopt;
      service.instances.push_back({.host = *host,
                                   .pid = *pid,
                                   .uid = static_cast<std::uint32_t>(*uid),
                                   .lazy = *lazy != 0});
    }
  }
  return services;
}

}  // namespace netbinder
