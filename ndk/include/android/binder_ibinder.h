// SPDX-License-Identifier: Apache-2.0
//
// AIBinder: an object that can be called, in this process or in another one, and passed on. Its
// strong count keeps it; AIBinder_Weak names it without keeping it. As long as an AIBinder is
// alive, the same object has the same AIBinder in this process. All functions may be called on any
// thread; callbacks run on threads that serve binder calls (ABinderProcess_*).
#pragma once

#include <android/binder_parcel.h>
#include <android/binder_status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/cdefs.h>
#include <sys/types.h>

__BEGIN_DECLS

typedef uint32_t binder_flags_t;
enum {
  // The call returns when the driver has taken it. Oneway calls of one object run in their order.
  FLAG_ONEWAY = 0x01,
};

typedef uint32_t transaction_code_t;
enum {
  // Codes of interfaces are from the first to the last of these; the others are binder's own.
  FIRST_CALL_TRANSACTION = 0x00000001,
  LAST_CALL_TRANSACTION = 0x00ffffff,
};

struct AIBinder_Class;
typedef struct AIBinder_Class AIBinder_Class;
struct AIBinder;
typedef struct AIBinder AIBinder;
struct AIBinder_Weak;
typedef struct AIBinder_Weak AIBinder_Weak;
struct AIBinder_DeathRecipient;
typedef struct AIBinder_DeathRecipient AIBinder_DeathRecipient;
struct AIBinder_FrozenStateChangeCallback;
typedef struct AIBinder_FrozenStateChangeCallback AIBinder_FrozenStateChangeCallback;

// ---- classes: what local objects do ----

// `args` is what AIBinder_new was given; the result is the object's user data.
typedef void* (*AIBinder_Class_onCreate)(void* args);
// The object's last strong reference is gone.
typedef void (*AIBinder_Class_onDestroy)(void* userData);
// A call; the interface token has been checked. The result is the call's status.
typedef binder_status_t (*AIBinder_Class_onTransact)(AIBinder* binder, transaction_code_t code,
                                                     const AParcel* in, AParcel* out);
typedef binder_status_t (*AIBinder_onDump)(AIBinder* binder, int fd, const char** args,
                                           uint32_t numArgs);

// Classes are never deleted. Null if an argument is null.
__attribute__((warn_unused_result)) AIBinder_Class* AIBinder_Class_define(
    const char* interfaceDescriptor, AIBinder_Class_onCreate onCreate,
    AIBinder_Class_onDestroy onDestroy, AIBinder_Class_onTransact onTransact) __INTRODUCED_IN(29);
// These three are called before the first object of the class is made.
void AIBinder_Class_setOnDump(AIBinder_Class* clazz, AIBinder_onDump onDump) __INTRODUCED_IN(29);
// Calls are neither made with an interface token nor expected to have one.
void AIBinder_Class_disableInterfaceTokenHeader(AIBinder_Class* clazz) __INTRODUCED_IN(33);
// Names of the methods, the first one of FIRST_CALL_TRANSACTION; the table must live for ever.
void AIBinder_Class_setTransactionCodeToFunctionNameMap(AIBinder_Class* clazz,
                                                        const char** transactionCodeToFunctionMap,
                                                        size_t length) __INTRODUCED_IN(36);
// Null if there is none.
const char* AIBinder_Class_getFunctionName(AIBinder_Class* clazz, transaction_code_t code)
    __INTRODUCED_IN(36);
const char* AIBinder_Class_getDescriptor(const AIBinder_Class* clazz) __INTRODUCED_IN(31);

// ---- objects ----

// A new local object, with one strong reference that is the caller's.
__attribute__((warn_unused_result)) AIBinder* AIBinder_new(const AIBinder_Class* clazz, void* args)
    __INTRODUCED_IN(29);
bool AIBinder_isRemote(const AIBinder* binder) __INTRODUCED_IN(29);
// As far as is known here: false after a death or a call that failed because of one.
bool AIBinder_isAlive(const AIBinder* binder) __INTRODUCED_IN(29);
binder_status_t AIBinder_ping(AIBinder* binder) __INTRODUCED_IN(29);
binder_status_t AIBinder_dump(AIBinder* binder, int fd, const char** args, uint32_t numArgs)
    __INTRODUCED_IN(29);
// Only while the caller has a strong reference, or a callback was given the object.
void AIBinder_incStrong(AIBinder* binder) __INTRODUCED_IN(29);
void AIBinder_decStrong(AIBinder* binder) __INTRODUCED_IN(29);
// For debugging: the strong references in this process; -1 for null.
int32_t AIBinder_debugGetRefCount(AIBinder* binder) __INTRODUCED_IN(29);
// Whether the object is of this class: asks a remote one for its descriptor, once.
bool AIBinder_associateClass(AIBinder* binder, const AIBinder_Class* clazz) __INTRODUCED_IN(29);
// Null for a remote object that no class was associated with.
const AIBinder_Class* AIBinder_getClass(AIBinder* binder) __INTRODUCED_IN(29);
// The value that onCreate returned; null for remote objects.
void* AIBinder_getUserData(AIBinder* binder) __INTRODUCED_IN(29);
// A total order in this process; null comes first.
bool AIBinder_lt(const AIBinder* lhs, const AIBinder* rhs) __INTRODUCED_IN(31);
// An object that goes with this one under _EXT. `outExt` gets a reference, or null.
binder_status_t AIBinder_getExtension(AIBinder* binder, AIBinder** outExt) __INTRODUCED_IN(30);
// Only for a local object, before it is passed to others.
binder_status_t AIBinder_setExtension(AIBinder* binder, AIBinder* ext) __INTRODUCED_IN(30);

// ---- calls ----

// A parcel for a call, with the interface token of the object's class; the caller's, until
// AIBinder_transact takes it. STATUS_INVALID_OPERATION if the object has no class.
binder_status_t AIBinder_prepareTransaction(AIBinder* binder, AParcel** in) __INTRODUCED_IN(29);
// Takes `*in`, in any case, and sets it to null. With STATUS_OK, `*out` is the answer, which the
// caller deletes; with another status it is null.
binder_status_t AIBinder_transact(AIBinder* binder, transaction_code_t code, AParcel** in,
                                  AParcel** out, binder_flags_t flags) __INTRODUCED_IN(29);
// The user of the call that this thread serves; outside of calls, the user of this process.
uid_t AIBinder_getCallingUid() __INTRODUCED_IN(29);
// 0 in a oneway call and in one that comes from another host.
pid_t AIBinder_getCallingPid() __INTRODUCED_IN(29);
bool AIBinder_isHandlingTransaction() __INTRODUCED_IN(33);

// ---- weak references ----

__attribute__((warn_unused_result)) AIBinder_Weak* AIBinder_Weak_new(AIBinder* binder)
    __INTRODUCED_IN(29);
void AIBinder_Weak_delete(AIBinder_Weak* weakBinder) __INTRODUCED_IN(29);
// With a strong reference for the caller; null if the object is gone.
__attribute__((warn_unused_result)) AIBinder* AIBinder_Weak_promote(AIBinder_Weak* weakBinder)
    __INTRODUCED_IN(29);
AIBinder_Weak* AIBinder_Weak_clone(const AIBinder_Weak* weak) __INTRODUCED_IN(31);
// The order of AIBinder_lt, also for objects that are gone.
bool AIBinder_Weak_lt(const AIBinder_Weak* lhs, const AIBinder_Weak* rhs) __INTRODUCED_IN(31);

// ---- deaths ----

typedef void (*AIBinder_DeathRecipient_onBinderDied)(void* cookie) __INTRODUCED_IN(29);
// Called once for each link, when it has ended in whatever way; here the cookie can be freed.
typedef void (*AIBinder_DeathRecipient_onBinderUnlinked)(void* cookie) __INTRODUCED_IN(33);

__attribute__((warn_unused_result)) AIBinder_DeathRecipient* AIBinder_DeathRecipient_new(
    AIBinder_DeathRecipient_onBinderDied onBinderDied) __INTRODUCED_IN(29);
// Before the recipient is linked to anything.
void AIBinder_DeathRecipient_setOnUnlinked(AIBinder_DeathRecipient* recipient,
                                           AIBinder_DeathRecipient_onBinderUnlinked onUnlinked)
    __INTRODUCED_IN(33);
// Ends all of its links.
void AIBinder_DeathRecipient_delete(AIBinder_DeathRecipient* recipient) __INTRODUCED_IN(29);
// STATUS_INVALID_OPERATION for a local object, STATUS_DEAD_OBJECT for one that is known to be dead.
binder_status_t AIBinder_linkToDeath(AIBinder* binder, AIBinder_DeathRecipient* recipient,
                                     void* cookie) __INTRODUCED_IN(29);
// Ends one such link. STATUS_NAME_NOT_FOUND if there is none.
binder_status_t AIBinder_unlinkToDeath(AIBinder* binder, AIBinder_DeathRecipient* recipient,
                                       void* cookie) __INTRODUCED_IN(29);

// ---- frozen processes ----

typedef void (*AIBinder_FrozenStateChangeCallback_onFrozenStateChanged)(void* cookie, bool frozen);
typedef void (*AIBinder_FrozenStateChangeCallback_onUnlinked)(void* cookie);

// Null if the first argument is null; the second one may be null.
__attribute__((warn_unused_result)) AIBinder_FrozenStateChangeCallback*
AIBinder_FrozenStateChangeCallback_new(
    AIBinder_FrozenStateChangeCallback_onFrozenStateChanged onFrozenStateChanged,
    AIBinder_FrozenStateChangeCallback_onUnlinked onUnlinked) __INTRODUCED_IN(37);
void AIBinder_FrozenStateChangeCallback_delete(AIBinder_FrozenStateChangeCallback* callback)
    __INTRODUCED_IN(37);
// The callback is told the present state first, then each change. STATUS_INVALID_OPERATION for a
// local object, or where the driver has no such notifications.
binder_status_t AIBinder_addFrozenStateChangeCallback(AIBinder* binder,
                                                      AIBinder_FrozenStateChangeCallback* callback,
                                                      void* cookie) __INTRODUCED_IN(37);
binder_status_t AIBinder_removeFrozenStateChangeCallback(
    AIBinder* binder, AIBinder_FrozenStateChangeCallback* callback, void* cookie)
    __INTRODUCED_IN(37);

__END_DECLS
