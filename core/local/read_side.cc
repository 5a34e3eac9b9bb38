// SPDX-License-Identifier: Apache-2.0
#include "core/local/read_side.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/base/check.h"
#include "core/local/ioctls.h"
#include "core/model/model.h"

namespace netbinder {

namespace {

// The driver adds commands only while the largest one would fit.
constexpr std::size_t kLargestCommandBytes =
    sizeof(std::uint32_t) + sizeof(binder_transaction_data_secctx);

}  // namespace

void ReadSide::start(Thread& thread) {
  thread.process().loopers().begin_read(thread);
  go_on(thread);
}

void ReadSide::go_on(Thread& thread) {
  WriteRead& io = thread.io();
  Process& process = thread.process();
  LooperPool& loopers = process.loopers();
  do {
    if (thread.available()) {
      thread.set_nice(process.credentials().nice);
      model_.reports.oneway_handled(thread);
    }
    if (!loopers.has_work(thread)) {
      if (!io.nonblocking()) {
        loopers.wait_for_work(thread);
        return;
      }
      io.discard_read();
      ioctls_.finish(thread, -EAGAIN);
      // Work that this thread could not take was offered to another thread before; that one may not
      // have begun to read, so the work is offered again.
      if (!loopers.todo().empty()) loopers.wake_one();
      return;
    }
    loopers.stop_waiting(thread);
  } while (deliver_all(thread) == Read::kToWait);
}

ReadSide::Read ReadSide::deliver_all(Thread& thread) {
  using From = LooperPool::From;
  const From from = thread.available() ? From::kProcess : From::kThread;
  LooperPool& loopers = thread.process().loopers();
  bool ran_dry = true;
  while (loopers.has_next(thread, from)) {
    ran_dry = false;
    if (thread.io().room() < kLargestCommandBytes) break;
    const Delivered delivered = deliver(thread, loopers.take_next(thread));
    if (delivered == Delivered::kSuspended) return Read::kOver;
    if (delivered == Delivered::kStop) break;
    ran_dry = true;
  }
  if (ran_dry && thread.io().said_nothing() && !thread.need_return()) return Read::kToWait;
  end(thread);
  return Read::kOver;
}

void ReadSide::end(Thread& thread) {
  LooperPool& loopers = thread.process().loopers();
  if (loopers.asks_for_looper(thread)) {
    thread.io().ask_for_looper();
    count(thread, BR_SPAWN_LOOPER);
  }
  if (!loopers.todo().empty()) loopers.wake_one();
  ioctls_.finish(thread, 0);
}

void ReadSide::count(Thread& thread, std::uint32_t command) {
  ++model_.statistics.br[_IOC_NR(command)];
  ++thread.process().commands().br[_IOC_NR(command)];
}

void ReadSide::tell(Thread& thread, std::uint32_t command) {
  thread.io().put(&command, sizeof command);
  count(thread, command);
}

template <typename T>
void ReadSide::tell(Thread& thread, std::uint32_t command, const T& payload) {
  tell(thread, command);
  thread.io().put(&payload, sizeof payload);
}

ReadSide::Delivered ReadSide::deliver(Thread& thread, Work& work) {
  switch (work.kind()) {
    case WorkKind::kTransaction:
      return deliver_transaction(thread, static_cast<Transaction&>(work));
    case WorkKind::kTransactionComplete:
    case WorkKind::kTransactionPending:
    case WorkKind::kOnewaySpamSuspect: {
      std::uint32_t command = BR_TRANSACTION_COMPLETE;
      if (work.kind() == WorkKind::kTransactionPending) command = kBrTransactionPendingFrozen;
      if (work.kind() == WorkKind::kOnewaySpamSuspect && thread.process().detects_spam()) {
        command = BR_ONEWAY_SPAM_SUSPECT;
      }
      model_.completions.destroy(static_cast<CompletionWork*>(&work));
      tell(thread, command);
      return Delivered::kMore;
    }
    case WorkKind::kReturnError:
      tell(thread, static_cast<ErrorWork&>(work).take());
      return Delivered::kMore;
    case WorkKind::kDeposed:
      tell(thread, BR_ERROR, std::int32_t{-ESTALE});
      return Delivered::kStop;
    case WorkKind::kNode:
      deliver_node(thread, static_cast<NodeWork&>(work).node());
      return Delivered::kMore;
    case WorkKind::kDeadBinder:
    case WorkKind::kDeadBinderAndClear: {
      auto& death = static_cast<DeathNotification&>(work);
      thread.process().delivered_deaths().add(death);
      tell(thread, BR_DEAD_BINDER, binder_uintptr_t{death.cookie()});
      return Delivered::kStop;  // the program handles it first, as that may cause calls
    }
    case WorkKind::kClearDeath: {
      auto& death = static_cast<DeathNotification&>(work);
      tell(thread, BR_CLEAR_DEATH_NOTIFICATION_DONE, binder_uintptr_t{death.cookie()});
      model_.deaths.destroy(&death);
      return Delivered::kMore;
    }
    case WorkKind::kFrozenBinder: {
      auto& freeze = static_cast<FreezeNotification&>(work);
      freeze.delivered();
      thread.process().delivered_freezes().add(freeze);
      tell(thread, kBrFrozenBinder,
           binder_frozen_state{
               .cookie = freeze.cookie(), .is_frozen = freeze.frozen(), .reserved = 0});
      return Delivered::kStop;
    }
    case WorkKind::kClearFreeze: {
      auto& freeze = static_cast<FreezeNotification&>(work);
      tell(thread, kBrClearFreezeNotificationDone, binder_uintptr_t{freeze.cookie()});
      model_.freezes.destroy(&freeze);
      return Delivered::kMore;
    }
  }
  NB_UNREACHABLE();
}

void ReadSide::deliver_node(Thread& thread, Node& node) {
  const Nodes::Told told = model_.nodes.tell_owner(node);  // the node may be gone now
  if (told.increfs) tell(thread, BR_INCREFS, told.who);
  if (told.acquire) tell(thread, BR_ACQUIRE, told.who);
  if (told.release) tell(thread, BR_RELEASE, told.who);
  if (told.decrefs) tell(thread, BR_DECREFS, told.who);
}

ReadSide::Delivered ReadSide::deliver_transaction(Thread& thread, Transaction& transaction) {
  if (!transaction.files().empty()) {
    thread.process().loopers().enter(thread, InstallingFiles{.transaction = &transaction});
    model_.effects.install_files(thread.process().id(), thread.tid(),
                                 transaction.files().hand_over());
    return Delivered::kSuspended;
  }
  emit(thread, transaction);
  return Delivered::kStop;
}

void ReadSide::files_installed(Thread& thread, std::expected<std::span<const int>, int> fds) {
  Transaction& transaction = *thread.in<InstallingFiles>()->transaction;
  Process& process = thread.process();
  process.loopers().resume_reading(thread);
  FilesInFlight files = std::move(transaction.files());
  if (fds && fds->size() == files.size()) {
    Allocation& payload = transaction.payload();
    const std::span<std::byte> image = process.arena().bytes(payload.buffer());
    for (std::size_t i = 0; i < fds->size(); ++i) {
      const FileFixup& fixup = files.fixups()[i];
      const int fd = (*fds)[i];
      std::memcpy(image.subspan(fixup.offset, sizeof fd).data(), &fd, sizeof fd);
      if (fixup.place == FileFixup::Place::kArray) payload.add_array_fd(fd);
    }
    emit(thread, transaction);
    end(thread);
    return;
  }
  // The program could not install them: the call or reply fails, and ends with all that it holds.
  transaction.take_payload().end();
  const BrError error = BrError::failed(0, "its program could not install the descriptors");
  if (transaction.is_reply()) {
    model_.calls.discard(transaction, error);
    tell(thread, BR_FAILED_REPLY);
    end(thread);
    return;
  }
  model_.calls.discard(transaction, error);
  model_.calls.tell_doom(thread);  // a failure that waited for the end of this call
  // The read goes on, and keeps the commands that are in its buffer already.
  if (deliver_all(thread) == Read::kToWait) go_on(thread);
}

// The thread takes on the caller's nice value, but none higher than the node asks for. A oneway
// call lends none: nobody waits for it.
void ReadSide::lend_nice(Thread& thread, Transaction& transaction, const Node& node) {
  const bool oneway = !transaction.awaits_reply();
  const std::int32_t min_priority = node.flags().min_priority();
  transaction.save_nice(thread.nice());
  if (transaction.head().nice < min_priority && !oneway) {
    thread.set_nice(transaction.head().nice);
  } else if (!oneway || transaction.saved_nice() > min_priority) {
    thread.set_nice(min_priority);
  }
}

void ReadSide::emit(Thread& thread, Transaction& transaction) {
  const Arena& arena = thread.process().arena();
  const Buffer& buffer = transaction.payload().buffer();
  const Node* target = transaction.is_reply() ? nullptr : buffer.target();
  const Transaction::SecurityContext& context = transaction.security_context();

  binder_transaction_data_secctx with_context{};
  binder_transaction_data& data = with_context.transaction_data;
  std::uint32_t command = BR_REPLY;
  if (target != nullptr) {
    command = context.size > 0 ? BR_TRANSACTION_SEC_CTX : BR_TRANSACTION;
    data.target.ptr = target->ptr();
    data.cookie = target->cookie();
  }
  data.code = transaction.head().code;
  data.flags = transaction.flags().bits();
  data.sender_pid = transaction.from() != nullptr ? transaction.from()->process().pid() : 0;
  data.sender_euid = transaction.head().sender_euid;
  data.data_size = buffer.shape().data_size;
  data.offsets_size = buffer.shape().offsets_size;
  data.data.ptr.buffer = arena.user_address(buffer);
  data.data.ptr.offsets = arena.user_address(buffer, buffer.shape().offsets_start());
  if (command == BR_TRANSACTION_SEC_CTX) {
    with_context.secctx = arena.user_address(buffer, context.offset);
    tell(thread, command, with_context);
  } else {
    tell(thread, command, data);
  }
  if (transaction.is_reply()) {
    model_.reports.reply_read(transaction, thread);
  } else {
    model_.reports.delivered(transaction, thread);
  }
  transaction.hand_over_payload();
  if (target != nullptr) lend_nice(thread, transaction, *target);
  if (transaction.awaits_reply()) {
    CallStacks::push_incoming(thread, transaction);
  } else {
    if (!transaction.is_reply()) {
      thread.handle_oneway({transaction.trace().trace, transaction.trace().span});
    }
    model_.calls.end(transaction);
  }
}

}  // namespace netbinder
