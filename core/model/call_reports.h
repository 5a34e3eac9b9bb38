// SPDX-License-Identifier: Apache-2.0
//
// The ids of calls, and the reports of their points to an observer (core/model/call_observer.h,
// which has the order). Owned by the Model. A call is reported by its entry for the log before it
// is a transaction, and by its transaction afterwards. Here is the rule that each call has one
// beginning and one end: whoever ends one says why, and CallStacks::end() is behind them all.
//
// Without an observer a report is one comparison of a pointer.
#pragma once

#include <cstdint>
#include <span>

#include "core/base/ids.h"
#include "core/base/probes.h"
#include "core/model/call_observer.h"
#include "core/model/call_trace.h"
#include "core/model/thread.h"
#include "core/model/transaction.h"
#include "core/model/transaction_log.h"

namespace netbinder {

class CallReports {
 public:
  CallReports(HostId host, Incarnation incarnation)
      : next_span_(first_span_of(host, incarnation)) {}

  // Null: nobody wants to hear of calls.
  void observe(CallObserver* observer) { observer_ = observer; }
  [[nodiscard]] CallObserver* observer() const { return observer_; }

  // ---- ids ----
  // The ids of a call that the thread makes now: it belongs to the trace of the call that the
  // thread handles.
  [[nodiscard]] CallTrace trace_of_call(const Thread& caller, std::uint32_t code, CallFlags flags);
  // The ids of a call from another host, which sent these; 0: it sent none, and a trace begins
  // here.
  [[nodiscard]] CallTrace trace_of_arrival(TraceId trace, SpanId span, std::uint32_t code,
                                           CallFlags flags);

  // ---- before there is a transaction ----
  void begun(TransactionLogEntry& call, const Thread& caller) {
    call.trace.told = CallTrace::Told::kBegin;
    NB_CALL_PROBE(call_begun, call.trace);
    if (observer_ != nullptr) [[unlikely]]
      tell_begun(call, caller);
  }
  void arrived(TransactionLogEntry& call, ProcessId remote_caller) {
    call.trace.told = CallTrace::Told::kBegin;
    NB_CALL_PROBE(call_arrived, call.trace);
    if (observer_ != nullptr) [[unlikely]]
      tell_arrived(call, remote_caller);
  }
  void sent(const TransactionLogEntry& call, const Thread& caller,
            std::span<const std::byte> image) {
    NB_CALL_PROBE(call_sent, call.trace);
    if (observer_ != nullptr) [[unlikely]]
      tell_sent(call, caller, image);
  }
  // A oneway call that was sent to another host is in a queue there.
  void accepted(const TransactionLogEntry& call) {
    NB_CALL_PROBE(call_accepted, call.trace);
    if (observer_ != nullptr) [[unlikely]]
      tell_accepted(call);
  }
  // It never was a transaction, or is none any more.
  void failed(const TransactionLogEntry& call, const BrError& error) {
    NB_FAILURE_PROBE(call_failed, call.trace, error.command());
    if (observer_ != nullptr) [[unlikely]]
      tell_failed(call, error);
  }

  // ---- transactions ----
  // From this host it is queued next, and the observer hears of both at once.
  void placed(const Transaction& call) {
    NB_CALL_PROBE(call_placed, call.trace());
    if (observer_ != nullptr && !from_here(call)) [[unlikely]]
      tell_placed(call);
  }
  // A call from this host was placed, and fails.
  void not_queued(const Transaction& call) {
    if (observer_ != nullptr) [[unlikely]]
      tell_placed(call);
  }
  void queued(const Transaction& call) {
    NB_CALL_PROBE(call_queued, call.trace());
    if (observer_ != nullptr) [[unlikely]]
      tell_queued(call);
  }
  void delivered(Transaction& call, const Thread& handler) {
    NB_CALL_PROBE(call_delivered, call.trace());
    if (observer_ != nullptr) [[unlikely]]
      tell_delivered(call, handler);
  }
  // The reply is on its way; `reply` is its entry. The call ends; what is left of it on this host
  // is the reply, if that is for a caller of this host.
  void replied(Transaction& call, const Thread& handler, const TransactionLogEntry& reply) {
    NB_CALL_PROBE(call_replied, call.trace());
    if (observer_ != nullptr) [[unlikely]]
      tell_replied(call, handler, reply);
  }
  void reply_arrived(Transaction& call, const TransactionLogEntry& reply) {
    NB_CALL_PROBE(call_reply_arrived, call.trace());
    if (observer_ != nullptr) [[unlikely]]
      tell_reply_arrived(call, reply);
  }
  void reply_read(Transaction& reply, const Thread& caller) {
    NB_CALL_PROBE(call_reply_read, reply.trace());
    if (observer_ != nullptr) [[unlikely]]
      tell_reply_read(reply, caller);
  }
  // The thread waits for other work than the oneway call that it may have read last.
  void oneway_handled(Thread& handler) {
    if (handler.handled_oneway().span != SpanId{}) end_oneway(handler);
  }
  // The transaction ends without having reached the last of its points.
  void failed(Transaction& transaction, const BrError& error) {
    NB_FAILURE_PROBE(call_failed, transaction.trace(), error.command());
    if (observer_ != nullptr) [[unlikely]]
      tell_failed(transaction, error);
  }

  void event_ended() {
    if (observer_ != nullptr) [[unlikely]]
      observer_->event_ended();
  }

  // The transaction is about to be destroyed.
  void ends(Transaction& transaction) {
    if (observer_ != nullptr) [[unlikely]]
      tell_end(transaction);
  }

 private:
  [[nodiscard]] static bool from_here(const Transaction& call) {
    return call.trace().from_host == HostId{};
  }
  void end_oneway(Thread& handler);
  void tell_begun(TransactionLogEntry& call, const Thread& caller);
  void tell_arrived(TransactionLogEntry& call, ProcessId remote_caller);
  void tell_sent(const TransactionLogEntry& call, const Thread& caller,
                 std::span<const std::byte> image);
  void tell_accepted(const TransactionLogEntry& call);
  void tell_failed(const TransactionLogEntry& call, const BrError& error);
  void tell_queued(const Transaction& call);
  void tell_placed(const Transaction& call);
  void tell_delivered(Transaction& call, const Thread& handler);
  void tell_replied(Transaction& call, const Thread& handler, const TransactionLogEntry& reply);
  void tell_reply_arrived(Transaction& call, const TransactionLogEntry& reply);
  void tell_reply_read(Transaction& reply, const Thread& caller);
  void tell_failed(Transaction& transaction, const BrError& error);
  void tell_end(Transaction& transaction);

  CallObserver* observer_ = nullptr;
  std::uint64_t next_span_;
};

}  // namespace netbinder
