// SPDX-License-Identifier: Apache-2.0
//
// The statuses of libbinder_ndk, in a command.
#pragma once

#include <android/binder_auto_utils.h>
#include <android/binder_status.h>

#include <stdexcept>
#include <string>

namespace netbinder::tools {

// Throws std::runtime_error, which says what failed, unless the status is STATUS_OK.
inline void check(binder_status_t status, const std::string& what) {
  if (status == STATUS_OK) return;
  throw std::runtime_error(what + ": " + ::ndk::ScopedAStatus::fromStatus(status).getDescription());
}

}  // namespace netbinder::tools
