// SPDX-License-Identifier: Apache-2.0
#include "shim/nice.h"

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include "shim/real_calls.h"

namespace netbinder {
namespace {

struct KnownNice {
  std::uint32_t generation;  // 0: not known
  std::int32_t nice;
};

constinit thread_local KnownNice known{};
constinit std::atomic<std::uint32_t> generation = 1;

bool may_use_any_nice() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
  return real::syscall(SYS_capget, &header, data) == 0 && (data[0].effective >> CAP_SYS_NICE & 1) != 0;
}

// The lowest value this thread may give itself; 20 if it may not lower its own at all.
std::int32_t lowest_permitted() {
  if (may_use_any_nice()) return -20;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NICE, &limit) != 0) return 20;
  return 20 - static_cast<std::int32_t>(std::min<rlim_t>(limit.rlim_cur, 40));
}

}  // namespace

std::int32_t current_nice() {
  const std::uint32_t now = generation.load(std::memory_order_relaxed);
  if (known.generation != now) {
    // The bare system call returns 40 … 1 for -20 … 19.
    const long answer = real::syscall(SYS_getpriority, PRIO_PROCESS, 0);
    known = {.generation = now, .nice = answer > 0 ? 20 - static_cast<std::int32_t>(answer) : 0};
  }
  return known.nice;
}

void forget_nice() { known.generation = 0; }

void forget_all_nice() {
  // Skips 0, which marks a value that is not known.
  if (generation.fetch_add(1, std::memory_order_relaxed) + 1 == 0) generation.fetch_add(1);
}

void take_on_nice(std::int32_t nice) {
  const std::int32_t current = current_nice();
  if (nice == current) return;
  const std::int32_t lowest = lowest_permitted();
  if (lowest > current) return;
  (void)real::syscall(SYS_setpriority, PRIO_PROCESS, 0, std::max(nice, lowest));
  forget_nice();
}

}  // namespace netbinder
