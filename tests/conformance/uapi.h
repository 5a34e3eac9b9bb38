// SPDX-License-Identifier: Apache-2.0
// The driver's interface, with the parts that some headers still lack.
#ifndef TESTS_CONFORMANCE_UAPI_H
#define TESTS_CONFORMANCE_UAPI_H

#include <linux/android/binder.h>

#define CONF_BC_REQUEST_FREEZE_NOTIFICATION _IOW('c', 19, struct binder_handle_cookie)
#define CONF_BC_CLEAR_FREEZE_NOTIFICATION _IOW('c', 20, struct binder_handle_cookie)
#define CONF_BC_FREEZE_NOTIFICATION_DONE _IOW('c', 21, binder_uintptr_t)
#define CONF_BR_TRANSACTION_PENDING_FROZEN _IO('r', 20)
struct conf_frozen_state {
  binder_uintptr_t cookie;
  __u32 is_frozen;
  __u32 reserved;
};
#define CONF_BR_FROZEN_BINDER _IOR('r', 21, struct conf_frozen_state)
#define CONF_BR_CLEAR_FREEZE_NOTIFICATION_DONE _IOR('r', 22, binder_uintptr_t)

#endif
