// SPDX-License-Identifier: Apache-2.0
//
// An item of a todo list. Each item is part of the object that it is about, and is in at most one
// list; destroying it takes it out.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <utility>

#include "core/base/uapi.h"
#include "core/model/users.h"

namespace netbinder {

enum class WorkKind : std::uint8_t {
  kTransaction,          // Transaction: BR_TRANSACTION or BR_REPLY
  kTransactionComplete,  // CompletionWork: BR_TRANSACTION_COMPLETE
  kTransactionPending,   // CompletionWork: BR_TRANSACTION_PENDING_FROZEN
  kOnewaySpamSuspect,    // CompletionWork: BR_ONEWAY_SPAM_SUSPECT
  kReturnError,          // ErrorWork of a thread
  kDeposed,              // DeposedWork: the process is no more the manager that it was
  kNode,                 // NodeWork: the node's owner is to be told of its references
  kDeadBinder,           // DeathNotification
  kDeadBinderAndClear,   // DeathNotification cleared before it was acknowledged
  kClearDeath,           // DeathNotification
  kFrozenBinder,         // FreezeNotification
  kClearFreeze,          // FreezeNotification
};

using WorkHook =
    boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

class Work : public WorkHook {
 public:
  explicit Work(WorkKind kind) : kind_(kind) {}
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  [[nodiscard]] WorkKind kind() const { return kind_; }
  [[nodiscard]] bool queued() const { return is_linked(); }
  void dequeue() {
    if (is_linked()) unlink();
  }

 protected:
  void become(WorkKind kind) { kind_ = kind; }

 private:
  WorkKind kind_;
};

using TodoList = boost::intrusive::list<Work, boost::intrusive::constant_time_size<false>>;

// A caller reads this when its call is in the target's queue. Owned by the list that it is in.
class CompletionWork final : public Work {
 public:
  // `user` is the caller's.
  explicit CompletionWork(UserUsage& user, std::uint32_t command = BR_TRANSACTION_COMPLETE)
      : Work(kind_of(command)), counted_(user.todos) {}
  void say(std::uint32_t command) { become(kind_of(command)); }

  // BR_TRANSACTION_COMPLETE, BR_TRANSACTION_PENDING_FROZEN or BR_ONEWAY_SPAM_SUSPECT. Any other
  // command, which only a peer can name, counts as the first.
  static WorkKind kind_of(std::uint32_t command) {
    if (command == kBrTransactionPendingFrozen) return WorkKind::kTransactionPending;
    if (command == BR_ONEWAY_SPAM_SUSPECT) return WorkKind::kOnewaySpamSuspect;
    return WorkKind::kTransactionComplete;
  }

 private:
  UserUsage::One counted_;
};

// A BR_* error that a thread is to read, or none. Part of its thread.
class ErrorWork final : public Work {
 public:
  ErrorWork() : Work(WorkKind::kReturnError) {}

  [[nodiscard]] bool pending() const { return command_ != BR_OK; }
  [[nodiscard]] std::uint32_t command() const { return command_; }
  void set(std::uint32_t command) { command_ = command; }
  std::uint32_t take() { return std::exchange(command_, static_cast<std::uint32_t>(BR_OK)); }

 private:
  std::uint32_t command_ = BR_OK;
};

// The process reads BR_ERROR: another host has the manager of its context now. Part of the process.
class DeposedWork final : public Work {
 public:
  DeposedWork() : Work(WorkKind::kDeposed) {}
};

}  // namespace netbinder
