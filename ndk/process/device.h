// SPDX-License-Identifier: Apache-2.0
//
// An open binder device, checked and mapped: the agent's, or the kernel's where no agent is meant.
// Any thread.
#pragma once

#include <optional>

#include "ndk/parcel/format.h"

namespace netbinder::ndk {

class Device {
 public:
  // Nothing, after a line on stderr, if there is none. NETBINDER_DEVICE names another one than
  // /dev/binder.
  [[nodiscard]] static std::optional<Device> open(Dialect dialect);

  [[nodiscard]] int fd() const { return fd_; }
  // 0 or a negative errno. An interrupted call is repeated.
  [[nodiscard]] int control(unsigned long request, void* argument) const;
  // In a forked child: the parent's stays as it is.
  void close_in_child();

 private:
  explicit Device(int fd) : fd_(fd) {}

  int fd_ = -1;
};

}  // namespace netbinder::ndk
