// SPDX-License-Identifier: Apache-2.0
#include "host/service-manager/held_handles.h"

#include "core/base/check.h"
#include "host/local_process.h"
#include "host/service-manager/registered_service.h"

namespace netbinder {

void HeldHandles::hold(Handle handle) {
  if (handle == kItself) return;
  if (uses_[handle.value()]++ > 0) return;
  process_->acquire(handle);
  process_->link_to_death(handle, handle.value());
}

void HeldHandles::let_go(Handle handle) {
  if (handle == kItself) return;
  const auto found = uses_.find(handle.value());
  NB_CHECK(found != uses_.end());
  if (--found->second > 0) return;
  uses_.erase(found);
  process_->unlink_death(handle, handle.value());
  process_->release(handle);
}

void HeldHandles::died(Handle handle) {
  if (uses_.erase(handle.value()) > 0) process_->release(handle);
}

}  // namespace netbinder
