// SPDX-License-Identifier: Apache-2.0
//
// The service manager of /dev/binder: netbinder's built-in one, or whatever program is the manager.
#pragma once

#include <android/binder_ibinder.h>
#include <android/binder_status.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/cdefs.h>

__BEGIN_DECLS

#ifdef __cplusplus
typedef enum AServiceManager_AddServiceFlag : uint32_t {
#else
typedef enum AServiceManager_AddServiceFlag {
#endif
  ADD_SERVICE_ALLOW_ISOLATED = 1 << 0,
  ADD_SERVICE_DUMP_FLAG_PRIORITY_CRITICAL = 1 << 1,
  ADD_SERVICE_DUMP_FLAG_PRIORITY_HIGH = 1 << 2,
  ADD_SERVICE_DUMP_FLAG_PRIORITY_NORMAL = 1 << 3,
  ADD_SERVICE_DUMP_FLAG_PRIORITY_DEFAULT = 1 << 4,
} AServiceManager_AddServiceFlag;

// EX_NONE, the manager's exception, or EX_TRANSACTION_FAILED. The manager takes a reference of its
// own. Waits for a manager if there is none yet.
__attribute__((warn_unused_result)) binder_exception_t AServiceManager_addService(
    AIBinder* binder, const char* instance) __INTRODUCED_IN(29);
__attribute__((warn_unused_result)) binder_exception_t AServiceManager_addServiceWithFlags(
    AIBinder* binder, const char* instance, const AServiceManager_AddServiceFlag flags)
    __INTRODUCED_IN(34);

// These return a reference that is the caller's, or null: at once,
__attribute__((warn_unused_result)) AIBinder* AServiceManager_checkService(const char* instance)
    __INTRODUCED_IN(29);
// after five seconds,
__attribute__((warn_unused_result)) AIBinder* AServiceManager_getService(const char* instance)
    __INTRODUCED_IN(29);
// never.
__attribute__((warn_unused_result)) AIBinder* AServiceManager_waitForService(const char* instance)
    __INTRODUCED_IN(31);

// Gives the callback a reference. A lock is held: no calls that wait for an answer in it.
typedef void (*AServiceManager_onRegister)(const char* instance, AIBinder* registered,
                                           void* cookie);
typedef struct AServiceManager_NotificationRegistration AServiceManager_NotificationRegistration;
// Called for the service that is there, and whenever one is registered. Null if that fails.
__attribute__((warn_unused_result)) AServiceManager_NotificationRegistration*
AServiceManager_registerForServiceNotifications(const char* instance,
                                                AServiceManager_onRegister onRegister, void* cookie)
    __INTRODUCED_IN(34);
// When this returns, the callback does not run and will not.
void AServiceManager_NotificationRegistration_delete(
    AServiceManager_NotificationRegistration* notification) __INTRODUCED_IN(34);

// The manager's answers about declared services.
bool AServiceManager_isDeclared(const char* instance) __INTRODUCED_IN(31);
void AServiceManager_forEachDeclaredInstance(const char* interface, void* context,
                                             void (*callback)(const char*, void*))
    __INTRODUCED_IN(31);
bool AServiceManager_isUpdatableViaApex(const char* instance) __INTRODUCED_IN(31);
void AServiceManager_getUpdatableApexName(const char* instance, void* context,
                                          void (*callback)(const char*, void*)) __INTRODUCED_IN(34);
// There are no passthrough HALs here: null.
void* AServiceManager_openDeclaredPassthroughHal(const char* interface, const char* instance,
                                                 int flag) __INTRODUCED_IN(35);
// Whether the manager would let this process have the service: one that it finds.
bool AServiceManager_checkServiceAccess(const char* instance) __INTRODUCED_IN(37);

// ---- lazy services: the process ends when none of its services has clients ----

binder_status_t AServiceManager_registerLazyService(AIBinder* binder, const char* instance)
    __INTRODUCED_IN(31);
binder_status_t AServiceManager_registerLazyServiceWithFlags(
    AIBinder* binder, const char* instance, const AServiceManager_AddServiceFlag flags)
    __INTRODUCED_IN(37);
// The process stays as long as this is true.
void AServiceManager_forceLazyServicesPersist(bool persist) __INTRODUCED_IN(31);
// Told when there come to be clients or none. If it returns true, nothing else is done then.
void AServiceManager_setActiveServicesCallback(bool (*callback)(bool, void*), void* context)
    __INTRODUCED_IN(31);
// All of them, or none: the manager refuses where there are clients.
bool AServiceManager_tryUnregister() __INTRODUCED_IN(31);
void AServiceManager_reRegister() __INTRODUCED_IN(31);

__END_DECLS
