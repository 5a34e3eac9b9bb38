// SPDX-License-Identifier: Apache-2.0
//
// The part of the service manager that serves other hosts' managers.
#include <utility>

#include "host/local_process.h"
#include "host/service-manager/protocol.h"
#include "host/service-manager/service_manager.h"

namespace netbinder {

// names.pml: refresh
void ServiceManager::publish_again(HostId to, HostId home) {
  for (const auto& [name, services] : names_.names()) {
    for (const RegisteredService& service : services) {
      if (service.host == own_host_ && service.home == home) managers_.publish(to, name, service);
    }
  }
}

// names.pml: publish_arrives
void ServiceManager::peer_call(HostId from, const IncomingCall& call) {
  if (from == own_host_ || !names_.knows_host(from)) return;
  ParcelReader request(call.parcel);
  if (call.code == kPeerRefresh) {
    publish_again(from, HostId{static_cast<std::uint32_t>(request.i32().value_or(0))});
    return;
  }
  if (call.code == kPeerFreeze) return freezes_.peer_asks(from, request);
  if (call.code == kPeerFrozen) return freezes_.peer_answers(from, request);
  if (call.code == kPeerQuestion) return questions_.peer_asks(from, request);
  if (call.code == kPeerFetch) return questions_.peer_fetches(from, request);
  if (call.code == kPeerAnswer) return questions_.peer_answers(from, request);
  const auto name = request.string16();
  if (!name || (!NameTable::valid_name(*name) && !is_hidl_name(*name))) return;
  if (call.code == kPeerForget) {
    names_.remove(*name, from);
    return;
  }
  if (call.code != kPeerPublish) {
    lazy_.peer_said(from, call, *name, request);
    return;
  }
  if (!managers_.exchange().takes(from, *name)) return;
  RegisteredService service{.host = from, .handle = Handle{}};
  service.allow_isolated = request.i32().value_or(0) != 0;
  service.dump_priority = static_cast<std::uint32_t>(request.i32().value_or(0));
  service.stability = static_cast<std::uint32_t>(request.i32().value_or(0));
  const auto handle = request.handle();
  if (!handle) return;
  if (!process_->home_of(*handle)) {
    names_.remove(*name, from);  // its service there cannot be reached from here
  } else if (!names_.full(from)) {
    service.handle = *handle;
    put(*name, service);
  }
}

}  // namespace netbinder
