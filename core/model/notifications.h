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

#include <boost/intrusive/set.hpp>
#include <cstdint>
#include <utility>

#include "core/model/work.h"

namespace netbinder {

class Process;
class ProcessRef;

// The part that both have in common.
class Notification : public Work {
 public:
  // `user` is the one who has asked for it.
  Notification(WorkKind kind, UserUsage& user, ProcessRef& ref, std::uint64_t cookie)
      : Work(kind), counted_(user.todos), ref_(&ref), cookie_(cookie) {}

  [[nodiscard]] std::uint64_t cookie() const { return cookie_; }
  // Null once it is cleared: then the list that it is in owns it.
  [[nodiscard]] ProcessRef* ref() const { return ref_; }

  // For DeliveredNotifications only.
  using CookieHook =
      boost::intrusive::set_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>,
                                        boost::intrusive::optimize_size<true>>;
  CookieHook cookie_hook;

 protected:
  void detach() { ref_ = nullptr; }
  // The program has acknowledged it.
  void acknowledged() {
    dequeue();
    if (cookie_hook.is_linked()) cookie_hook.unlink();
  }

 private:
  UserUsage::One counted_;
  ProcessRef* ref_;
  std::uint64_t cookie_;
};

class DeathNotification final : public Notification {
 public:
  DeathNotification(UserUsage& user, ProcessRef& ref, std::uint64_t cookie)
      : Notification(WorkKind::kDeadBinder, user, ref, cookie) {}

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
    acknowledged();
    if (kind() != WorkKind::kDeadBinderAndClear) return Next::kNothing;
    become(WorkKind::kClearDeath);
    return Next::kQueue;
  }
};

class FreezeNotification final : public Notification {
 public:
  FreezeNotification(UserUsage& user, ProcessRef& ref, std::uint64_t cookie)
      : Notification(WorkKind::kFrozenBinder, user, ref, cookie) {}

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
    acknowledged();
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

// The notifications of one kind that a process has read and not acknowledged, in that order.
class DeliveredNotifications {
 public:
  void add(Notification& notification) {
    list_.push_back(notification);
    by_cookie_.insert(notification);
  }
  // The one that was read first among those of that cookie; null: there is none.
  [[nodiscard]] Notification* find(std::uint64_t cookie) {
    const auto found = by_cookie_.lower_bound(cookie);
    return found == by_cookie_.end() || found->cookie() != cookie ? nullptr : &*found;
  }
  [[nodiscard]] bool empty() const { return list_.empty(); }
  [[nodiscard]] TodoList& list() { return list_; }

 private:
  struct CookieOf {
    using type = std::uint64_t;
    type operator()(const Notification& notification) const { return notification.cookie(); }
  };
  TodoList list_;
  boost::intrusive::multiset<
      Notification,
      boost::intrusive::member_hook<Notification, Notification::CookieHook,
                                    &Notification::cookie_hook>,
      boost::intrusive::key_of_value<CookieOf>, boost::intrusive::constant_time_size<false>>
      by_cookie_;
};

}  // namespace netbinder
