// SPDX-License-Identifier: Apache-2.0
//
// The system calls that a supervised program's filter hands to the supervisor, for each kind of
// program that can run here: the kernel has other numbers for 32-bit ones.
#pragma once

#include <linux/seccomp.h>

#include <cstdint>
#include <optional>

namespace netbinder::supervisor {

enum class Operation : std::uint8_t {
  kOpen,        // path, flags
  kOpenAt,      // dir, path, flags
  kOpenAt2,     // dir, path, how
  kIoctl,       // fd, request, argument
  kMmap,        // as mmap(2); the offset does not matter
  kStat,        // path, stat
  kLstat,
  kFstatAt,     // dir, path, stat, flags
  kStatx,       // dir, path, flags, mask, statx
  kAccess,      // path, mode
  kFaccessAt,   // dir, path, mode
  kFaccessAt2,  // dir, path, mode, flags
  kReadlink,    // path, buffer, size
  kReadlinkAt,  // dir, path, buffer, size
};

struct SystemCall {
  Operation operation;
  bool compatible = false;  // a 32-bit program's
};

// Nothing for one that no filter here hands over.
[[nodiscard]] std::optional<SystemCall> system_call_of(const seccomp_data& data);

// Installs the filter in this process, and those that descend from it. The descriptor of its
// notifications; -1 with errno. A process without CAP_SYS_ADMIN gives up set-uid for it.
int install_filter();

}  // namespace netbinder::supervisor
