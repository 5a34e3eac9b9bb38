// SPDX-License-Identifier: Apache-2.0
//
// A process can ask to be notified when a node that it refers to dies, and when the node's owner is
// frozen or thawed. A notification belongs to its ref until it is cleared; then it belongs to the
// list that it waits in, and ends when the program has read that it is cleared.
//
// DeathNotification:
//   none --request--> armed --node dies--> queued --read--> delivered --DONE--> done
//   armed, done --clear--> clear queued --read--> none
//   queued --clear--> queued (and clear) --read--> delivered (and clear) --DONE--> clear queued
//   delivered --clear--> delivered (and clear)
// A request on a dead node starts as queued. No edge leads from done back to queued: a node dies
// once.
//
// FreezeNotification:
//   none --request--> queued --read--> sent --DONE--> idle
//   idle --change--> queued;  sent --change--> sent (and resend) --DONE--> queued
//   idle, queued --clear--> clear queued --read--> none;  sent --clear--> sent (and clear), and
//   --DONE--> clear queued
#pragma once

#include <cstdint>
#include <utility>

#include "core/model/work.h"

namespace netbinder {

class Process;
class ProcessRef;

// The part that both have in common.
class Notification : public Work {
 public:
  Notification(WorkKind kind, ProcessRef& ref, std::uint64_t cookie)
      : Work(kind), ref_(&ref), cookie_(cookie) {}

  [[nodiscard]] std::uint64_t cookie() const { return cookie_; }
  // Null once it is cleared: then the list that it is in owns it.
  [[nodiscard]] ProcessRef* ref() const { return ref_; }

 protected:
  void detach() { ref_ = nullptr; }

 private:
  ProcessRef* ref_;
  std::uint64_t cookie_;
};

class DeathNotification final : public Notification {
 public:
  DeathNotification(ProcessRef& ref, std::uint64_t cookie)
      : Notification(WorkKind::kDeadBinder, ref, cookie) {}

  enum class Next { kQueue, kNothing };
  // The program clears it. kQueue: the program is to be told of that now.
  [[nodiscard]] Next clear() {
    detach();
    if (queued()) {
      become(WorkKind::kDeadBinderAndClear);
      return Next::kNothing;
    }
    become(WorkKind::kClearDeath);
    return Next::kQueue;
  }
  // The program has handled the death.
  [[nodiscard]] Next done() {
    dequeue();
    if (kind() != WorkKind::kDeadBinderAndClear) return Next::kNothing;
    become(WorkKind::kClearDeath);
    return Next::kQueue;
  }
};

class FreezeNotification final : public Notification {
 public:
  FreezeNotification(ProcessRef& ref, std::uint64_t cookie)
      : Notification(WorkKind::kFrozenBinder, ref, cookie) {}

  enum class Next { kQueue, kNothing };
  [[nodiscard]] bool frozen() const { return frozen_; }
  void start(bool frozen) { frozen_ = frozen; }
  [[nodiscard]] Next change(bool frozen) {
    if (!queued()) {
      frozen_ = frozen;
      become(WorkKind::kFrozenBinder);
      return Next::kQueue;
    }
    // If it has not been read yet, the latest state will be. If it has been read but not
    // acknowledged, it is sent again after that.
    if (sent_ && frozen_ != frozen) resend_ = true;
    frozen_ = frozen;
    return Next::kNothing;
  }
  void delivered() { sent_ = true; }
  [[nodiscard]] Next done() {
    dequeue();
    sent_ = false;
    return std::exchange(resend_, false) ? Next::kQueue : Next::kNothing;
  }
  [[nodiscard]] Next clear() {
    detach();
    become(WorkKind::kClearFreeze);
    if (!queued()) return Next::kQueue;
    if (sent_) resend_ = true;
    return Next::kNothing;
  }

 private:
  bool frozen_ = false;
  bool sent_ = false;    // delivered, not yet acknowledged
  bool resend_ = false;  // the state changed after it was sent
};

}  // namespace netbinder
