// SPDX-License-Identifier: Apache-2.0
#include "ndk/manager/lazy_services.h"

#include <algorithm>
#include <cstdlib>

#include "ndk/base/log.h"
#include "ndk/manager/callbacks.h"

namespace netbinder::ndk {

LazyServices& LazyServices::self() {
  static auto* const services = new LazyServices();
  return *services;
}

binder_status_t LazyServices::add(const std::string& name, AIBinder* service,
                                  const ServiceFlags& flags) {
  ServiceManager& manager = ServiceManager::self();
  manager.wait_until_there();
  const std::lock_guard lock(mutex_);
  if (!callback_object_) {
    callback_object_ = make_client_callback(
        [this](AIBinder* of, bool has_clients) { note_clients(of, has_clients); });
  }
  if (!manager.add_service(name, service, flags).ok()) return STATUS_UNKNOWN_ERROR;
  if (!manager.register_client_callback(name, service, callback_object_.get()).ok()) {
    log_line("the service manager does not tell of clients of %s", name.c_str());
    return STATUS_UNKNOWN_ERROR;
  }
  const auto known = std::find_if(services_.begin(), services_.end(),
                                  [&](const Service& one) { return one.name == name; });
  if (known != services_.end()) services_.erase(known);
  services_.push_back({.name = name, .binder = StrongBinder::of(service), .flags = flags});
  return STATUS_OK;
}

void LazyServices::persist(bool wanted) {
  const std::lock_guard lock(mutex_);
  persist_ = wanted;
  // If its clients went in the meantime, nobody would say so again.
  if (!wanted) maybe_end();
}

void LazyServices::set_callback(bool (*callback)(bool, void*), void* context) {
  const std::lock_guard lock(mutex_);
  callback_ = callback;
  context_ = context;
}

void LazyServices::note_clients(AIBinder* service, bool has_clients) {
  const std::lock_guard lock(mutex_);
  // An object may have several names.
  bool known = false;
  for (Service& one : services_) {
    if (one.binder.get() != service) continue;
    one.has_clients = has_clients;
    known = true;
  }
  if (!known) {
    log_line("the service manager tells of clients of an object that is no service");
    return;
  }
  const auto with_clients = static_cast<std::size_t>(std::count_if(
      services_.begin(), services_.end(), [](const Service& one) { return one.has_clients; }));
  with_clients_ = with_clients;
  bool handled = false;
  if (told_ != (with_clients > 0)) {
    told_ = with_clients > 0;
    if (callback_ != nullptr) handled = callback_(*told_, context_);
  }
  if (!handled && with_clients == 0) maybe_end();
}

void LazyServices::maybe_end() {
  if (persist_ || with_clients_ > 0 || services_.empty()) return;
  if (try_unregister()) {
    log_line("the services of this process have no clients: it ends");
    std::exit(EXIT_SUCCESS);
  }
  register_again();
}

bool LazyServices::try_unregister() {
  const std::lock_guard lock(mutex_);
  for (Service& one : services_) {
    if (!one.registered) continue;
    if (!ServiceManager::self().try_unregister_service(one.name, one.binder.get()).ok()) {
      return false;
    }
    one.registered = false;
  }
  return true;
}

void LazyServices::register_again() {
  const std::lock_guard lock(mutex_);
  ServiceManager& manager = ServiceManager::self();
  for (Service& one : services_) {
    if (one.registered) continue;
    // The manager has forgotten the callback with the name.
    if (!manager.add_service(one.name, one.binder.get(), one.flags).ok() ||
        !manager.register_client_callback(one.name, one.binder.get(), callback_object_.get())
             .ok()) {
      fatal("the lazy service %s cannot be registered again", one.name.c_str());
    }
    one.registered = true;
  }
}

}  // namespace netbinder::ndk
