// SPDX-License-Identifier: Apache-2.0
//
// The commands about death notifications. The states of one: core/model/notifications.h.
#pragma once

#include <cstdint>

#include "core/base/uapi.h"

namespace netbinder {

class Thread;

// Commands that match no ref or notification change nothing, as with the kernel's driver.

// 0, or -ENOMEM: the user has as many notifications and completions as it may.
int request_death(Thread& thread, const binder_handle_cookie& request);
void clear_death(Thread& thread, const binder_handle_cookie& request);
void death_done(Thread& thread, std::uint64_t cookie);

}  // namespace netbinder
