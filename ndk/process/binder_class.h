// SPDX-License-Identifier: Apache-2.0
//
// AIBinder_Class: what the objects of an interface do. Made once and never deleted; the setters are
// for the time before the first object. Any thread after that.
#pragma once

#include <android/binder_ibinder.h>
#include <android/binder_shell.h>

#include <cstddef>
#include <string>
#include <utility>

struct AIBinder_Class {
  AIBinder_Class(const char* name, AIBinder_Class_onCreate create, AIBinder_Class_onDestroy destroy,
                 AIBinder_Class_onTransact transact)
      : descriptor(name), on_create(create), on_destroy(destroy), on_transact(transact) {}

  const std::string descriptor;
  const AIBinder_Class_onCreate on_create;
  const AIBinder_Class_onDestroy on_destroy;
  const AIBinder_Class_onTransact on_transact;
  AIBinder_onDump on_dump = nullptr;
  AIBinder_handleShellCommand on_shell_command = nullptr;
  bool has_token = true;  // before the arguments of its calls
  const char** function_names = nullptr;
  std::size_t function_count = 0;
  AIBinder_Class* earlier = nullptr;  // the one that was defined before it
};
