// SPDX-License-Identifier: Apache-2.0
#include "core/local/deaths.h"

#include "core/model/model.h"

namespace netbinder {

void request_death(Thread& thread, const binder_handle_cookie& request) {
  Process& process = thread.process();
  ProcessRef* ref = process.refs().find(Handle{request.handle});
  if (ref == nullptr) return;
  DeathNotification* death = process.refs().request_death(*ref, request.cookie);
  if (death != nullptr && ref->node().dead()) process.loopers().queue(*death);
}

void clear_death(Thread& thread, const binder_handle_cookie& request) {
  Process& process = thread.process();
  ProcessRef* ref = process.refs().find(Handle{request.handle});
  if (ref == nullptr || ref->death() == nullptr) return;
  if (ref->death()->cookie() != request.cookie) return;
  DeathNotification& death = process.refs().detach_death(*ref);
  if (death.clear() == DeathNotification::Next::kQueue) process.loopers().queue_own(thread, death);
}

void death_done(Thread& thread, std::uint64_t cookie) {
  Process& process = thread.process();
  for (Work& work : process.delivered_deaths()) {
    auto& death = static_cast<DeathNotification&>(work);
    if (death.cookie() != cookie) continue;
    if (death.done() == DeathNotification::Next::kQueue) {
      process.loopers().queue_own(thread, death);
    }
    return;
  }
}

}  // namespace netbinder
