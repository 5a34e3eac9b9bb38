// SPDX-License-Identifier: Apache-2.0
//
// Commands that `cmd` (and `netbinder cmd`) sends to a service.
#pragma once

#include <android/binder_ibinder.h>

__BEGIN_DECLS

typedef binder_status_t (*AIBinder_handleShellCommand)(AIBinder* binder, int in, int out, int err,
                                                       const char** argv, uint32_t argc);
// Before the first object of the class is made.
__attribute__((weak)) void AIBinder_Class_setHandleShellCommand(
    AIBinder_Class* clazz, AIBinder_handleShellCommand handleShellCommand) __INTRODUCED_IN(30);

__END_DECLS
