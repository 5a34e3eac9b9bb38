// SPDX-License-Identifier: Apache-2.0
//
// The handles that the service manager holds. Each has one strong reference and a death link as
// long as anything uses it. The link's cookie is the handle. The manager itself (kItself) needs
// neither.
//
// Owned by the ServiceManager.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "core/base/ids.h"

namespace netbinder {

class LocalProcess;

class HeldHandles {
 public:
  // To be called before anything else.
  void attach(LocalProcess& process) { process_ = &process; }

  // One use more, or one less.
  void hold(Handle handle);
  void let_go(Handle handle);
  // Its node has died, and nothing uses the handle any more.
  void died(Handle handle);

 private:
  LocalProcess* process_ = nullptr;
  std::map<std::uint32_t, std::size_t> uses_;
};

}  // namespace netbinder
