// SPDX-License-Identifier: Apache-2.0
//
// A call or a reply between being sent and being read, and a synchronous call until its reply.
//
// The code that makes it owns it until it is queued (Pool::Owner); then a todo list or a node's
// oneway queue does. A synchronous call is also on the stack of the thread that sent it (linked by
// from_parent) and, once read, on the stack of the thread that handles it (linked by to_parent). If
// an end is on another host, its thread is null here. CallStacks ends each transaction exactly
// once, when it takes it off its last stack or list.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "core/model/allocation.h"
#include "core/model/br_error.h"
#include "core/model/call_flags.h"
#include "core/model/call_trace.h"
#include "core/model/files_in_flight.h"
#include "core/model/oneway_queue.h"
#include "core/model/work.h"
#include "core/wire/peer_message.h"

namespace netbinder {

class CallStacks;
class Peer;
class Process;
class Thread;

// The part of a transaction that is known from the start. Only what the observer has been told changes.
struct TransactionHead {
  enum class Kind : std::uint8_t { kCall, kOneway, kReply };

  std::uint32_t debug_id = 0;
  Kind kind = Kind::kCall;
  std::uint32_t code = 0;
  CallFlags flags;
  std::uint32_t sender_euid = 0;
  std::int32_t from_pid = 0;  // for the debug files, as is the tid
  std::uint32_t from_tid = 0;
  std::uint64_t start_us = 0;
  std::int32_t nice = 0;  // the caller's
  CallTrace trace = {};   // of a reply: that of the call
};

// The caller of a call, on another host.
struct RemoteCaller {
  Peer* peer = nullptr;
  CallId call;                          // as the peer numbers it
  ProcessId process;                    // likewise; 0: unknown
  CallAncestors ancestors;
};

class Transaction final : public Work {
 public:
  explicit Transaction(const TransactionHead& head) : Work(WorkKind::kTransaction), head_(head) {}

  [[nodiscard]] const TransactionHead& head() const { return head_; }
  [[nodiscard]] std::uint32_t debug_id() const { return head_.debug_id; }
  [[nodiscard]] CallFlags flags() const { return head_.flags; }
  [[nodiscard]] bool is_reply() const { return head_.kind == TransactionHead::Kind::kReply; }
  // A synchronous call.
  [[nodiscard]] bool awaits_reply() const { return head_.kind == TransactionHead::Kind::kCall; }

  // ---- for those who follow calls ----
  [[nodiscard]] CallTrace& trace() { return head_.trace; }
  [[nodiscard]] const CallTrace& trace() const { return head_.trace; }

  // ---- the payload ----
  void carry(Allocation payload) {
    buffer_ = payload.carried_by(this);
    payload_ = std::move(payload);
  }
  // The payload, until it is read.
  [[nodiscard]] Allocation& payload() { return payload_; }
  [[nodiscard]] const Allocation& payload() const { return payload_; }
  // Gives the payload to the caller, to end it or keep it.
  [[nodiscard]] Allocation take_payload() {
    (void)payload_.carried_by(nullptr);
    buffer_ = nullptr;
    return std::move(payload_);
  }
  // The transaction has been read.
  void hand_over_payload() { payload_.hand_over(); }
  // For views: the buffer, until the program frees it; null: there is none any more.
  [[nodiscard]] const Buffer* buffer() const { return buffer_; }
  void buffer_ends() { buffer_ = nullptr; }

  // ---- as a oneway call that a newer one may replace while it waits ----
  [[nodiscard]] OnewayUpdate::Key update_key() const {
    return {.code = head_.code, .flags = head_.flags.bits(), .from_pid = head_.from_pid};
  }
  [[nodiscard]] OnewayUpdate& begin_update() {
    update_ = std::make_unique<OnewayUpdate>(update_key(), *this);
    return *update_;
  }
  void update_ends() { update_.reset(); }

  [[nodiscard]] FilesInFlight& files() { return files_; }
  // The part of the payload that is the sender's security context, with its final zero.
  struct SecurityContext {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;  // 0 is none
  };
  void set_security_context(SecurityContext context) { security_context_ = context; }
  [[nodiscard]] const SecurityContext& security_context() const { return security_context_; }

  // ---- its ends ----
  // The thread that waits for the reply, while it lives.
  [[nodiscard]] Thread* from() const { return from_; }
  [[nodiscard]] Transaction* from_parent() const { return from_parent_; }
  [[nodiscard]] Process* to_process() const { return to_process_; }
  [[nodiscard]] Thread* to_thread() const { return to_thread_; }
  [[nodiscard]] Transaction* to_parent() const { return to_parent_; }

  // ---- between hosts ----
  [[nodiscard]] const RemoteCaller* remote_caller() const { return remote_ ? &*remote_ : nullptr; }
  void set_remote_caller(RemoteCaller caller) { remote_ = std::move(caller); }
  // The session with the caller's host is over: nobody waits there. The ancestors stay.
  void lose_remote_caller() { remote_->peer = nullptr; }
  [[nodiscard]] Peer* caller_host() const { return remote_ ? remote_->peer : nullptr; }
  // Our number for a call that other hosts know: one to another host, or one on whose behalf a call
  // was made to another host. 0 is none.
  [[nodiscard]] CallId own_call() const { return own_call_; }
  void set_own_call(CallId call) { own_call_ = call; }

  // The caller is owed BR_TRANSACTION_COMPLETE until the other host has reported that the target
  // has the call queued. It is read with the next other work, but not if the call fails before.
  void owe_completion() { completion_owed_ = true; }
  [[nodiscard]] bool completion_owed() const { return completion_owed_; }
  [[nodiscard]] bool take_owed_completion() { return std::exchange(completion_owed_, false); }

  // The call has failed, but its caller is handling another one that came in after it: the caller
  // reads of the failure when that one is done.
  [[nodiscard]] const std::optional<BrError>& doom() const { return doom_; }

  // ---- nice ----
  // The nice value that the handling thread had before it took the call.
  void save_nice(std::int32_t nice) { saved_nice_ = nice; }
  [[nodiscard]] std::int32_t saved_nice() const { return saved_nice_; }

 private:
  friend class CallStacks;

  TransactionHead head_;
  std::int32_t saved_nice_ = 0;
  bool outstanding_ = false;  // counted by to_process_
  bool completion_owed_ = false;
  Thread* from_ = nullptr;
  Transaction* from_parent_ = nullptr;
  Process* to_process_ = nullptr;
  Thread* to_thread_ = nullptr;
  Transaction* to_parent_ = nullptr;
  CallId own_call_;
  std::optional<RemoteCaller> remote_;
  std::optional<BrError> doom_;
  Buffer* buffer_ = nullptr;
  Allocation payload_;
  SecurityContext security_context_;
  FilesInFlight files_;
  std::unique_ptr<OnewayUpdate> update_;
};

}  // namespace netbinder
