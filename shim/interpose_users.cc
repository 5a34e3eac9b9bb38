// SPDX-License-Identifier: Apache-2.0
// The functions that change the user of this process. The agent hears of it with the next call.
#include <sys/types.h>

#include "shim/identity.h"
#include "shim/interpose.h"
#include "shim/real_calls.h"

namespace netbinder {
namespace {

int changed(int result) {
  if (result == 0) forget_user();
  return result;
}

}  // namespace

NETBINDER_INTERPOSE(int, shim_setuid, "setuid", uid_t uid) { return changed(real::setuid(uid)); }

NETBINDER_INTERPOSE(int, shim_seteuid, "seteuid", uid_t uid) { return changed(real::seteuid(uid)); }

NETBINDER_INTERPOSE(int, shim_setreuid, "setreuid", uid_t real_uid, uid_t effective) {
  return changed(real::setreuid(real_uid, effective));
}

NETBINDER_INTERPOSE(int, shim_setresuid, "setresuid", uid_t real_uid, uid_t effective,
                    uid_t saved) {
  return changed(real::setresuid(real_uid, effective, saved));
}

}  // namespace netbinder
