// SPDX-License-Identifier: Apache-2.0
//
// Death notifications. A DeathNotification belongs to its ref until it is cleared; then to the
// list it waits in, and it ends when BR_CLEAR_DEATH_NOTIFICATION_DONE has been read.
//
//   none --request--> armed --node dies--> queued --read--> delivered --DONE--> told
//   armed, told --clear--> clear queued --read--> none
//   queued --clear--> queued (and clear) --read--> delivered (and clear) --DONE--> clear queued
//   delivered --clear--> delivered (and clear)
// A request on a dead node starts as queued.
#include "core/check.h"
#include "core/driver.h"

namespace netbinder {

void Driver::request_death(Thread& thread, const binder_handle_cookie& request) {
  Process& process = thread.process;
  Ref* ref = process.handles.find(Handle{request.handle});
  if (ref == nullptr || ref->death != nullptr) return;
  DeathNotification* death = deaths_.create(process, std::uint64_t{request.cookie});
  death->ref = ref;
  ref->death = death;
  if (ref->node->dead()) queue_process_work(process, *death);
}

void Driver::clear_death(Thread& thread, const binder_handle_cookie& request) {
  Ref* ref = thread.process.handles.find(Handle{request.handle});
  if (ref == nullptr || ref->death == nullptr) return;
  DeathNotification& death = *ref->death;
  if (death.cookie != request.cookie) return;
  ref->death = nullptr;
  death.ref = nullptr;
  if (death.queued()) {
    death.kind = WorkKind::kDeadBinderAndClear;
  } else {
    death.kind = WorkKind::kClearDeath;
    queue_own_work(thread, death);
  }
}

void Driver::death_done(Thread& thread, std::uint64_t cookie) {
  for (Work& work : thread.process.delivered_deaths) {
    auto& death = static_cast<DeathNotification&>(work);
    if (death.cookie != cookie) continue;
    death.dequeue();
    if (death.kind == WorkKind::kDeadBinderAndClear) {
      death.kind = WorkKind::kClearDeath;
      queue_own_work(thread, death);
    }
    return;
  }
}

void Driver::node_died(Node& node) {
  NB_CHECK(node.dead());
  ++node.local_weak;  // while its refs are looked at
  for (auto it = node.refs.begin(); it != node.refs.end();) {
    Ref& ref = *it++;
    if (ref.peer != nullptr) {
      // The peer knows now and gives nothing back: what it held ends here.
      effects_.send(ref.peer->host, peer::NodeDied{.node = node.number}, {});
      destroy_ref(ref);
    } else if (ref.death != nullptr && !ref.death->queued()) {
      ref.death->kind = WorkKind::kDeadBinder;
      queue_process_work(*ref.process, *ref.death);
    }
  }
  decrement_node(node, RefKind::kWeak, false);
}

void Driver::destroy_death(DeathNotification& death) {
  death.dequeue();
  if (death.ref != nullptr) death.ref->death = nullptr;
  deaths_.destroy(&death);
}

}  // namespace netbinder
