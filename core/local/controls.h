// SPDX-License-Identifier: Apache-2.0
//
// The ioctls other than BINDER_WRITE_READ and BINDER_THREAD_EXIT. Owned by the Driver.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/model/model.h"

namespace netbinder {

class Freezes;
class Managers;

class Controls {
 public:
  Controls(Freezes& freezes, Managers& managers) : freezes_(freezes), managers_(managers) {}

  // `argument` is the structure that the program's pointer leads to, read and written in place; it
  // is empty if the pointer was bad. kSuspended: the ioctl waits, and writes nothing.
  Outcome run(Thread& thread, std::uint32_t command, std::span<std::byte> argument);

 private:
  static int node_debug_info(const Process& process, binder_node_debug_info& info);
  static int node_info_for_ref(const Process& process, binder_node_info_for_ref& info);

  Freezes& freezes_;
  Managers& managers_;
};

}  // namespace netbinder
