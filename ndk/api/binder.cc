// SPDX-License-Identifier: Apache-2.0
// AIBinder_*: classes, objects and calls.
#include <android/binder_ibinder.h>
#include <android/binder_ibinder_jni.h>
#include <android/binder_ibinder_platform.h>
#include <android/binder_stability.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>

#include "ndk/base/log.h"
#include "ndk/parcel/parcel.h"
#include "ndk/parcel/status.h"
#include "ndk/process/binder_class.h"
#include "ndk/process/codes.h"
#include "ndk/process/local_binder.h"
#include "ndk/process/remote_binder.h"
#include "ndk/process/thread.h"

using namespace netbinder::ndk;

namespace {

// Weak references are counted in the object, and each has an address of its own.
LocalBinder* local_or_abort(AIBinder* binder, const char* what) {
  if (binder == nullptr || binder->remote()) fatal("%s is for local objects", what);
  return static_cast<LocalBinder*>(binder);
}

const Serving* serving() {
  const Thread* const thread = Thread::existing();
  return thread != nullptr ? thread->serving() : nullptr;
}

}  // namespace

struct AIBinder_Weak {
  explicit AIBinder_Weak(AIBinder* object) : binder(object) { binder->inc_weak(); }
  ~AIBinder_Weak() { binder->dec_weak(); }
  AIBinder_Weak(const AIBinder_Weak&) = delete;
  AIBinder_Weak& operator=(const AIBinder_Weak&) = delete;

  AIBinder* const binder;
};

// ---- classes ----

AIBinder_Class* AIBinder_Class_define(const char* interfaceDescriptor,
                                      AIBinder_Class_onCreate onCreate,
                                      AIBinder_Class_onDestroy onDestroy,
                                      AIBinder_Class_onTransact onTransact) {
  if (interfaceDescriptor == nullptr || onCreate == nullptr || onDestroy == nullptr ||
      onTransact == nullptr) {
    return nullptr;
  }
  // A class is for good: objects of it may come at any time. All are kept in a list, so that this is
  // no leak to those who look for one.
  static std::atomic<AIBinder_Class*> all = nullptr;
  auto* const made = new AIBinder_Class(interfaceDescriptor, onCreate, onDestroy, onTransact);
  made->earlier = all.load(std::memory_order_relaxed);
  while (!all.compare_exchange_weak(made->earlier, made, std::memory_order_release,
                                    std::memory_order_relaxed)) {
  }
  return made;
}

void AIBinder_Class_setOnDump(AIBinder_Class* clazz, AIBinder_onDump onDump) {
  if (clazz == nullptr) fatal("AIBinder_Class_setOnDump needs a class");
  clazz->on_dump = onDump;
}

void AIBinder_Class_setHandleShellCommand(AIBinder_Class* clazz,
                                          AIBinder_handleShellCommand handleShellCommand) {
  if (clazz == nullptr) fatal("AIBinder_Class_setHandleShellCommand needs a class");
  clazz->on_shell_command = handleShellCommand;
}

void AIBinder_Class_disableInterfaceTokenHeader(AIBinder_Class* clazz) {
  if (clazz == nullptr) fatal("AIBinder_Class_disableInterfaceTokenHeader needs a class");
  clazz->has_token = false;
}

void AIBinder_Class_setTransactionCodeToFunctionNameMap(AIBinder_Class* clazz,
                                                        const char** transactionCodeToFunctionMap,
                                                        size_t length) {
  if (clazz == nullptr || transactionCodeToFunctionMap == nullptr) {
    fatal("AIBinder_Class_setTransactionCodeToFunctionNameMap needs a class and names");
  }
  if (clazz->function_names != nullptr) fatal("the names of a class's methods cannot change");
  clazz->function_names = transactionCodeToFunctionMap;
  clazz->function_count = length;
}

const char* AIBinder_Class_getFunctionName(AIBinder_Class* clazz, transaction_code_t code) {
  if (clazz == nullptr) fatal("AIBinder_Class_getFunctionName needs a class");
  if (code < FIRST_CALL_TRANSACTION || code - FIRST_CALL_TRANSACTION >= clazz->function_count) {
    return nullptr;
  }
  return clazz->function_names[code - FIRST_CALL_TRANSACTION];
}

const char* AIBinder_Class_getDescriptor(const AIBinder_Class* clazz) {
  return clazz->descriptor.c_str();
}

// ---- objects ----

AIBinder* AIBinder_new(const AIBinder_Class* clazz, void* args) {
  if (clazz == nullptr) {
    log_line("AIBinder_new needs a class");
    return nullptr;
  }
  return new LocalBinder(clazz, clazz->on_create(args));
}

bool AIBinder_isRemote(const AIBinder* binder) { return binder != nullptr && binder->remote(); }
bool AIBinder_isAlive(const AIBinder* binder) { return binder != nullptr && binder->alive(); }

binder_status_t AIBinder_ping(AIBinder* binder) {
  if (binder == nullptr) return STATUS_UNEXPECTED_NULL;
  AParcel request(binder);
  AParcel answer(binder);
  return known_status(binder->transact(kCodePing, request, &answer, 0));
}

binder_status_t AIBinder_dump(AIBinder* binder, int fd, const char** args, uint32_t numArgs) {
  if (binder == nullptr) return STATUS_UNEXPECTED_NULL;
  if (numArgs > 0 && args == nullptr) return STATUS_BAD_VALUE;
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (copy.get() < 0) return -errno;
  AParcel request(binder);
  AParcel answer(binder);
  binder_status_t status = request.write_fd(std::move(copy));
  if (status == STATUS_OK) status = request.write(numArgs);
  for (uint32_t i = 0; i < numArgs && status == STATUS_OK; ++i) {
    status = args[i] != nullptr ? request.write_string16(args[i]) : STATUS_UNEXPECTED_NULL;
  }
  return known_status(status == STATUS_OK ? binder->transact(kCodeDump, request, &answer, 0)
                                          : status);
}

void AIBinder_incStrong(AIBinder* binder) {
  if (binder != nullptr) binder->inc_strong();
}

void AIBinder_decStrong(AIBinder* binder) {
  if (binder == nullptr) {
    log_line("AIBinder_decStrong of no object");
    return;
  }
  binder->dec_strong();
}

int32_t AIBinder_debugGetRefCount(AIBinder* binder) {
  return binder != nullptr ? binder->strong_count() : -1;
}

bool AIBinder_associateClass(AIBinder* binder, const AIBinder_Class* clazz) {
  return binder != nullptr && clazz != nullptr && binder->associate(clazz);
}

const AIBinder_Class* AIBinder_getClass(AIBinder* binder) {
  return binder != nullptr ? binder->clazz() : nullptr;
}

void* AIBinder_getUserData(AIBinder* binder) {
  if (binder == nullptr || binder->remote()) return nullptr;
  return static_cast<LocalBinder*>(binder)->user_data();
}

bool AIBinder_lt(const AIBinder* lhs, const AIBinder* rhs) {
  if (lhs == nullptr || rhs == nullptr) return lhs == nullptr && rhs != nullptr;
  return lhs->serial() < rhs->serial();
}

binder_status_t AIBinder_getExtension(AIBinder* binder, AIBinder** outExt) {
  if (binder == nullptr || outExt == nullptr) {
    if (outExt != nullptr) *outExt = nullptr;
    return STATUS_UNEXPECTED_NULL;
  }
  *outExt = nullptr;
  if (!binder->remote()) {
    AIBinder* const extension = static_cast<LocalBinder*>(binder)->extension();
    if (extension != nullptr) extension->inc_strong();
    *outExt = extension;
    return STATUS_OK;
  }
  AParcel request(binder);
  AParcel answer(binder);
  const binder_status_t status = binder->transact(kCodeExtension, request, &answer, 0);
  return known_status(status == STATUS_OK ? answer.read_binder(*outExt) : status);
}

binder_status_t AIBinder_setExtension(AIBinder* binder, AIBinder* ext) {
  if (binder == nullptr || ext == nullptr) return STATUS_UNEXPECTED_NULL;
  if (binder->remote()) return STATUS_INVALID_OPERATION;
  static_cast<LocalBinder*>(binder)->set_extension(StrongBinder::of(ext));
  return STATUS_OK;
}

void AIBinder_setRequestingSid(AIBinder* binder, bool requestingSid) {
  local_or_abort(binder, "AIBinder_setRequestingSid")->request_security_context(requestingSid);
}

void AIBinder_setMinSchedulerPolicy(AIBinder* binder, int policy, int priority) {
  local_or_abort(binder, "AIBinder_setMinSchedulerPolicy")->set_least_priority(policy, priority);
}

void AIBinder_setInheritRt(AIBinder* binder, bool inheritRt) {
  local_or_abort(binder, "AIBinder_setInheritRt")->set_inherit_rt(inheritRt);
}

AIBinder* AIBinder_fromJavaBinder(JNIEnv* /*env*/, jobject /*binder*/) { return nullptr; }
jobject AIBinder_toJavaBinder(JNIEnv* /*env*/, AIBinder* /*binder*/) { return nullptr; }

// ---- calls ----

binder_status_t AIBinder_prepareTransaction(AIBinder* binder, AParcel** in) {
  if (binder == nullptr || in == nullptr) {
    log_line("AIBinder_prepareTransaction needs an object and a place for the parcel");
    return STATUS_UNEXPECTED_NULL;
  }
  const AIBinder_Class* const clazz = binder->clazz();
  if (clazz == nullptr) {
    log_line("a call needs the object's class: AIBinder_associateClass");
    return STATUS_INVALID_OPERATION;
  }
  auto parcel = std::make_unique<AParcel>(binder);
  if (clazz->has_token) {
    const binder_status_t status =
        parcel->write_interface_token(dialect_of_process(), clazz->descriptor);
    if (status != STATUS_OK) return status;
  }
  *in = parcel.release();
  return STATUS_OK;
}

binder_status_t AIBinder_transact(AIBinder* binder, transaction_code_t code, AParcel** in,
                                  AParcel** out, binder_flags_t flags) {
  if (in == nullptr) {
    log_line("AIBinder_transact needs a parcel");
    return STATUS_UNEXPECTED_NULL;
  }
  const std::unique_ptr<AParcel> request(std::exchange(*in, nullptr));
  if (code < FIRST_CALL_TRANSACTION || code > LAST_CALL_TRANSACTION) {
    log_line("0x%08x is not a code of an interface", code);
    return STATUS_UNKNOWN_TRANSACTION;
  }
  constexpr binder_flags_t kFlags = binder_flags_t{FLAG_ONEWAY} | binder_flags_t{FLAG_CLEAR_BUF} |
                                    binder_flags_t{FLAG_PRIVATE_VENDOR};
  if ((flags & ~kFlags) != 0) {
    log_line("unknown flags of a call: 0x%x", flags);
    return STATUS_BAD_VALUE;
  }
  if (binder == nullptr || request == nullptr || out == nullptr) {
    log_line("AIBinder_transact needs an object, a parcel, and a place for the answer");
    return STATUS_UNEXPECTED_NULL;
  }
  if (request->binder != binder) {
    log_line("a parcel was made for another object");
    return STATUS_BAD_VALUE;
  }
  auto answer = std::make_unique<AParcel>(binder);
  const binder_status_t status =
      known_status(binder->transact(code, *request, answer.get(), flags));
  *out = status == STATUS_OK ? answer.release() : nullptr;
  return status;
}

uid_t AIBinder_getCallingUid() {
  const Serving* const call = serving();
  return call != nullptr ? call->uid : ::getuid();
}

pid_t AIBinder_getCallingPid() {
  const Serving* const call = serving();
  return call != nullptr ? call->pid : ::getpid();
}

const char* AIBinder_getCallingSid() {
  const Serving* const call = serving();
  return call != nullptr ? call->security_context : nullptr;
}

bool AIBinder_isHandlingTransaction() { return serving() != nullptr; }

// ---- weak references ----

AIBinder_Weak* AIBinder_Weak_new(AIBinder* binder) {
  return binder != nullptr ? new AIBinder_Weak(binder) : nullptr;
}

void AIBinder_Weak_delete(AIBinder_Weak* weakBinder) { delete weakBinder; }

AIBinder* AIBinder_Weak_promote(AIBinder_Weak* weakBinder) {
  if (weakBinder == nullptr) {
    log_line("AIBinder_Weak_promote of no weak reference");
    return nullptr;
  }
  return weakBinder->binder->try_inc_strong() ? weakBinder->binder : nullptr;
}

AIBinder_Weak* AIBinder_Weak_clone(const AIBinder_Weak* weak) {
  return weak != nullptr ? new AIBinder_Weak(weak->binder) : nullptr;
}

bool AIBinder_Weak_lt(const AIBinder_Weak* lhs, const AIBinder_Weak* rhs) {
  return AIBinder_lt(lhs != nullptr ? lhs->binder : nullptr,
                     rhs != nullptr ? rhs->binder : nullptr);
}

// ---- deaths and freezing ----

AIBinder_DeathRecipient* AIBinder_DeathRecipient_new(
    AIBinder_DeathRecipient_onBinderDied onBinderDied) {
  if (onBinderDied == nullptr) return nullptr;
  auto* const recipient = new AIBinder_DeathRecipient();
  recipient->callbacks().on_died = onBinderDied;
  return recipient;
}

void AIBinder_DeathRecipient_setOnUnlinked(AIBinder_DeathRecipient* recipient,
                                           AIBinder_DeathRecipient_onBinderUnlinked onUnlinked) {
  if (recipient != nullptr) recipient->callbacks().on_unlinked = onUnlinked;
}

void AIBinder_DeathRecipient_delete(AIBinder_DeathRecipient* recipient) { delete recipient; }

binder_status_t AIBinder_linkToDeath(AIBinder* binder, AIBinder_DeathRecipient* recipient,
                                     void* cookie) {
  if (binder == nullptr || recipient == nullptr) return STATUS_UNEXPECTED_NULL;
  const auto link = recipient->make_link(cookie);
  const binder_status_t status =
      binder->remote() ? static_cast<RemoteBinder*>(binder)->link(link) : STATUS_INVALID_OPERATION;
  if (status != STATUS_OK) link->end();
  return status;
}

binder_status_t AIBinder_unlinkToDeath(AIBinder* binder, AIBinder_DeathRecipient* recipient,
                                       void* cookie) {
  if (binder == nullptr || recipient == nullptr) return STATUS_UNEXPECTED_NULL;
  if (!binder->remote()) return STATUS_INVALID_OPERATION;
  return static_cast<RemoteBinder*>(binder)->unlink(&recipient->callbacks(), cookie);
}

AIBinder_FrozenStateChangeCallback* AIBinder_FrozenStateChangeCallback_new(
    AIBinder_FrozenStateChangeCallback_onFrozenStateChanged onFrozenStateChanged,
    AIBinder_FrozenStateChangeCallback_onUnlinked onUnlinked) {
  if (onFrozenStateChanged == nullptr) return nullptr;
  auto* const callback = new AIBinder_FrozenStateChangeCallback();
  callback->callbacks().on_changed = onFrozenStateChanged;
  callback->callbacks().on_unlinked = onUnlinked;
  return callback;
}

void AIBinder_FrozenStateChangeCallback_delete(AIBinder_FrozenStateChangeCallback* callback) {
  delete callback;
}

binder_status_t AIBinder_addFrozenStateChangeCallback(AIBinder* binder,
                                                      AIBinder_FrozenStateChangeCallback* callback,
                                                      void* cookie) {
  if (binder == nullptr || callback == nullptr) return STATUS_UNEXPECTED_NULL;
  const auto link = callback->make_link(cookie);
  const binder_status_t status =
      binder->remote() ? static_cast<RemoteBinder*>(binder)->link(link) : STATUS_INVALID_OPERATION;
  if (status != STATUS_OK) link->end();
  return status;
}

binder_status_t AIBinder_removeFrozenStateChangeCallback(
    AIBinder* binder, AIBinder_FrozenStateChangeCallback* callback, void* cookie) {
  if (binder == nullptr || callback == nullptr) return STATUS_UNEXPECTED_NULL;
  if (!binder->remote()) return STATUS_INVALID_OPERATION;
  return static_cast<RemoteBinder*>(binder)->unlink(&callback->callbacks(), cookie);
}
