// SPDX-License-Identifier: Apache-2.0
// nice and setpriority: after them the remembered nice values of threads are out of date.
#include <sys/resource.h>
#include <unistd.h>

#include "shim/interpose.h"
#include "shim/nice.h"
#include "shim/real_calls.h"

namespace netbinder {

NETBINDER_INTERPOSE(int, shim_nice, "nice", int increment) {
  const int result = real::nice(increment);
  forget_all_nice();
  return result;
}

NETBINDER_INTERPOSE(int, shim_setpriority, "setpriority", int which, id_t who, int priority) {
  const int result = real::setpriority(which, who, priority);
  forget_all_nice();
  return result;
}

}  // namespace netbinder
