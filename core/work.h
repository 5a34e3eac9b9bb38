// SPDX-License-Identifier: Apache-2.0
//
// An item of a todo list. Each item is part of the object it speaks of and is in at most one list;
// destroying it takes it out.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>

namespace netbinder {

enum class WorkKind : std::uint8_t {
  kTransaction,          // Transaction: BR_TRANSACTION or BR_REPLY
  kTransactionComplete,  // CompletionWork: BR_TRANSACTION_COMPLETE
  kTransactionPending,   // CompletionWork: BR_TRANSACTION_PENDING_FROZEN
  kOnewaySpamSuspect,    // CompletionWork: BR_ONEWAY_SPAM_SUSPECT
  kReturnError,          // ErrorWork of a thread
  kNode,                 // NodeWork: the node's owner is to hear of its references
  kDeadBinder,           // DeathNotification
  kDeadBinderAndClear,   // DeathNotification cleared before it was acknowledged
  kClearDeath,           // DeathNotification
  kFrozenBinder,         // FreezeNotification
  kClearFreeze,          // FreezeNotification
};

using WorkHook =
    boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

struct Work : WorkHook {
  explicit Work(WorkKind kind_of) : kind(kind_of) {}
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  [[nodiscard]] bool queued() const { return is_linked(); }
  void dequeue() {
    if (is_linked()) unlink();
  }

  WorkKind kind;
};

using TodoList = boost::intrusive::list<Work, boost::intrusive::constant_time_size<false>>;

struct CompletionWork : Work {
  CompletionWork() : Work(WorkKind::kTransactionComplete) {}
};

// A BR_* error a thread is to read; `command` is BR_OK while there is none.
struct ErrorWork : Work {
  ErrorWork() : Work(WorkKind::kReturnError) {}
  std::uint32_t command = 0;
};

}  // namespace netbinder
