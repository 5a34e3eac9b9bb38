// SPDX-License-Identifier: Apache-2.0
#include "core/local/deaths.h"

#include "core/model/model.h"

namespace netbinder {

int request_death(Thread& thread, const binder_handle_cookie& request) {
  Process& process = thread.process();
  ProcessRef* ref = process.refs().find(Handle{request.handle});
  if (ref == nullptr) return 0;
  const auto death = process.refs().request_death(*ref, request.cookie);
  if (!death) return death.error();
  if (*death != nullptr && ref->node().dead()) process.loopers().queue(**death);
  return 0;
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
  auto* const death = static_cast<DeathNotification*>(process.delivered_deaths().find(cookie));
  if (death != nullptr && death->done() == DeathNotification::Next::kQueue) {
    process.loopers().queue_own(thread, *death);
  }
}

}  // namespace netbinder
