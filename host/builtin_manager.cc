// SPDX-License-Identifier: Apache-2.0
#include "host/builtin_manager.h"

namespace netbinder {

BuiltinManager::BuiltinManager(Driver& driver, const std::string& context,
                               const ServiceManagerSetup& setup, bool& has_work)
    : driver_(driver),
      context_(context),
      service_(setup),
      process_(driver, context, service_, has_work) {
  service_.attach(process_);
}

void BuiltinManager::start() {
  driver_.set_builtin_manager(process_.id(), ServiceManager::kNodePtr,
                              ServiceManager::kPeerNodePtr);
  process_.start();
}

bool BuiltinManager::run() {
  bool any = false;
  if (driver_.has_new_peer_managers()) {
    for (const Driver::PeerServiceManager& peer : driver_.take_new_peer_managers(process_.id())) {
      service_.peer_connected(peer.host, peer.handle);
      any = true;
    }
  }
  if (service_.has_more()) {
    service_.go_on();
    any = true;
  }
  return process_.run() || any;
}

}  // namespace netbinder
