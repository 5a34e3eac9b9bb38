// SPDX-License-Identifier: Apache-2.0
#include <android/binder_manager.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "ndk/base/log.h"
#include "ndk/manager/callbacks.h"
#include "ndk/manager/lazy_services.h"
#include "ndk/manager/service_manager.h"
#include "ndk/process/process.h"

using namespace netbinder::ndk;

namespace {

using namespace std::chrono_literals;

constexpr auto kGetServiceLimit = 5s;
constexpr auto kAskAgain = 100ms;

ServiceFlags service_flags(AServiceManager_AddServiceFlag flags) {
  constexpr int kDumpShift = 1;
  ServiceFlags wanted;
  wanted.allow_isolated = (flags & ADD_SERVICE_ALLOW_ISOLATED) != 0;
  constexpr unsigned kDumpFlags =
      ADD_SERVICE_DUMP_FLAG_PRIORITY_CRITICAL | ADD_SERVICE_DUMP_FLAG_PRIORITY_HIGH |
      ADD_SERVICE_DUMP_FLAG_PRIORITY_NORMAL | ADD_SERVICE_DUMP_FLAG_PRIORITY_DEFAULT;
  const unsigned dump = static_cast<unsigned>(flags) & kDumpFlags;
  if (dump != 0) wanted.dump_priority = static_cast<std::int32_t>(dump >> kDumpShift);
  return wanted;
}

}  // namespace

// Whoever deletes it waits for a callback that runs.
struct AServiceManager_NotificationRegistration {
  std::mutex mutex;
  std::string instance;
  AServiceManager_onRegister on_register = nullptr;  // null when it is over
  void* cookie = nullptr;
  StrongBinder object;
  std::shared_ptr<AServiceManager_NotificationRegistration> self;
};

binder_exception_t AServiceManager_addService(AIBinder* binder, const char* instance) {
  if (binder == nullptr || instance == nullptr) return EX_ILLEGAL_ARGUMENT;
  ServiceManager& manager = ServiceManager::self();
  manager.wait_until_there();
  return manager.add_service(instance, binder, {}).exception;
}

binder_exception_t AServiceManager_addServiceWithFlags(AIBinder* binder, const char* instance,
                                                       const AServiceManager_AddServiceFlag flags) {
  if (binder == nullptr || instance == nullptr) return EX_ILLEGAL_ARGUMENT;
  ServiceManager& manager = ServiceManager::self();
  manager.wait_until_there();
  return manager.add_service(instance, binder, service_flags(flags)).exception;
}

AIBinder* AServiceManager_checkService(const char* instance) {
  if (instance == nullptr) return nullptr;
  return ServiceManager::self().check_service(instance).release();
}

AIBinder* AServiceManager_getService(const char* instance) {
  if (instance == nullptr) return nullptr;
  const auto limit = std::chrono::steady_clock::now() + kGetServiceLimit;
  for (;;) {
    if (StrongBinder found = ServiceManager::self().check_service(instance)) {
      return found.release();
    }
    if (std::chrono::steady_clock::now() >= limit) break;
    std::this_thread::sleep_for(kAskAgain);
  }
  log_line("there is no service %s after five seconds", instance);
  return nullptr;
}

AIBinder* AServiceManager_waitForService(const char* instance) {
  if (instance == nullptr) return nullptr;
  ServiceManager& manager = ServiceManager::self();
  manager.wait_until_there();
  if (StrongBinder found = manager.check_service(instance)) return found.release();

  struct Waiting {
    std::mutex mutex;
    std::condition_variable registered;
    StrongBinder service;
  };
  const auto waiting = std::make_shared<Waiting>();
  const StrongBinder callback =
      make_service_callback([waiting](const std::string& /*name*/, StrongBinder service) {
        const std::lock_guard lock(waiting->mutex);
        waiting->service = std::move(service);
        waiting->registered.notify_one();
      });
  const bool told = manager.register_for_notifications(instance, callback.get()).ok();
  StrongBinder found;
  // Without threads that serve, nobody is told. And a name that is not allowed never comes.
  Process* const process = Process::get();
  const auto ask_again = told && process != nullptr && process->pool_started()
                             ? std::chrono::milliseconds(1s)
                             : std::chrono::milliseconds(kAskAgain);
  for (unsigned waits = 0; !found && !Process::lost(); ++waits) {
    {
      std::unique_lock lock(waiting->mutex);
      waiting->registered.wait_for(lock, ask_again, [&] { return bool(waiting->service); });
      found = std::move(waiting->service);
    }
    if (!found) found = manager.check_service(instance);
    if (!found && waits * ask_again >= 5s && (waits * ask_again) % 5s < ask_again) {
      log_line("still waiting for the service %s", instance);
    }
  }
  if (told) (void)manager.unregister_for_notifications(instance, callback.get());
  return found.release();
}

AServiceManager_NotificationRegistration* AServiceManager_registerForServiceNotifications(
    const char* instance, AServiceManager_onRegister onRegister, void* cookie) {
  if (instance == nullptr || onRegister == nullptr) return nullptr;
  ServiceManager& manager = ServiceManager::self();
  manager.wait_until_there();
  const auto registration = std::make_shared<AServiceManager_NotificationRegistration>();
  registration->instance = instance;
  registration->on_register = onRegister;
  registration->cookie = cookie;
  registration->object =
      make_service_callback([registration](const std::string& name, StrongBinder service) {
        const std::lock_guard lock(registration->mutex);
        if (registration->on_register == nullptr) return;
        registration->on_register(name.c_str(), service.release(), registration->cookie);
      });
  if (!manager.register_for_notifications(instance, registration->object.get()).ok()) {
    registration->object = StrongBinder();
    return nullptr;
  }
  registration->self = registration;
  return registration.get();
}

void AServiceManager_NotificationRegistration_delete(
    AServiceManager_NotificationRegistration* notification) {
  if (notification == nullptr) return;
  const auto registration = std::move(notification->self);
  StrongBinder object;
  {
    const std::lock_guard lock(registration->mutex);
    registration->on_register = nullptr;
    object = std::move(registration->object);
  }
  (void)ServiceManager::self().unregister_for_notifications(registration->instance, object.get());
}

bool AServiceManager_isDeclared(const char* instance) {
  return instance != nullptr && ServiceManager::self().is_declared(instance);
}

void AServiceManager_forEachDeclaredInstance(const char* interface, void* context,
                                             void (*callback)(const char*, void*)) {
  if (interface == nullptr || callback == nullptr) return;
  for (const std::string& instance : ServiceManager::self().declared_instances(interface)) {
    callback(instance.c_str(), context);
  }
}

bool AServiceManager_isUpdatableViaApex(const char* instance) {
  return instance != nullptr && !ServiceManager::self().updatable_via_apex(instance).empty();
}

void AServiceManager_getUpdatableApexName(const char* instance, void* context,
                                          void (*callback)(const char*, void*)) {
  if (instance == nullptr || callback == nullptr) return;
  const std::string apex = ServiceManager::self().updatable_via_apex(instance);
  if (!apex.empty()) callback(apex.c_str(), context);
}

void* AServiceManager_openDeclaredPassthroughHal(const char* interface, const char* instance,
                                                 int /*flag*/) {
  log_line("there are no passthrough HALs here: %s.%s", interface != nullptr ? interface : "",
           instance != nullptr ? instance : "");
  return nullptr;
}

bool AServiceManager_checkServiceAccess(const char* instance) {
  return instance != nullptr && bool(ServiceManager::self().check_service(instance));
}

binder_status_t AServiceManager_registerLazyService(AIBinder* binder, const char* instance) {
  return AServiceManager_registerLazyServiceWithFlags(binder, instance,
                                                      AServiceManager_AddServiceFlag{});
}

binder_status_t AServiceManager_registerLazyServiceWithFlags(
    AIBinder* binder, const char* instance, const AServiceManager_AddServiceFlag flags) {
  if (binder == nullptr || instance == nullptr) return STATUS_UNEXPECTED_NULL;
  ServiceFlags wanted = service_flags(flags);
  wanted.lazy = true;
  return LazyServices::self().add(instance, binder, wanted);
}

void AServiceManager_forceLazyServicesPersist(bool persist) {
  LazyServices::self().persist(persist);
}

void AServiceManager_setActiveServicesCallback(bool (*callback)(bool, void*), void* context) {
  LazyServices::self().set_callback(callback, context);
}

bool AServiceManager_tryUnregister() { return LazyServices::self().try_unregister(); }
void AServiceManager_reRegister() { LazyServices::self().register_again(); }
