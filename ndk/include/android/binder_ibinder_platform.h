// SPDX-License-Identifier: Apache-2.0
//
// Functions of AIBinder that Android keeps to its own programs.
#pragma once

#include <android/binder_ibinder.h>

__BEGIN_DECLS

enum {
  // The receiver's driver clears the payload when it is freed.
  FLAG_CLEAR_BUF = 0x20,
};

// The security context of the call that this thread is serving, if the object asked for it; valid
// until the call ends. Null otherwise.
__attribute__((weak, warn_unused_result)) const char* AIBinder_getCallingSid() __INTRODUCED_IN(31);
// For a local object, before it is passed to others: its calls then bring their security context.
__attribute__((weak)) void AIBinder_setRequestingSid(AIBinder* binder, bool requestingSid)
    __INTRODUCED_IN(31);
// For a local object, before it is passed to others; aborts on a remote one.
void AIBinder_setMinSchedulerPolicy(AIBinder* binder, int policy, int priority) __INTRODUCED_IN(33);
void AIBinder_setInheritRt(AIBinder* binder, bool inheritRt) __INTRODUCED_IN(33);

__END_DECLS
