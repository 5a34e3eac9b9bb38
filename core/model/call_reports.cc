// SPDX-License-Identifier: Apache-2.0
#include "core/model/call_reports.h"

#include "core/model/context.h"
#include "core/model/process.h"
#include "core/model/thread.h"
#include "core/model/transaction.h"

namespace netbinder {

namespace {

CallReport report_of(CallPoint point, const CallTrace& trace, std::uint32_t debug_id, bool oneway) {
  CallReport report;
  report.point = point;
  report.oneway = oneway;
  report.flags = trace.flags;
  report.code = trace.code;
  report.trace = trace.trace;
  report.span = trace.span;
  report.parent = trace.parent;
  report.began = trace.began;
  report.delivered = trace.delivered;
  report.debug_id = debug_id;
  report.node = trace.node;
  report.caller.host = trace.from_host;
  report.handler.host = trace.to_host;
  return report;
}

CallEnd end_of(const Thread& thread) {
  return {
      .process = thread.process().id(), .pid = thread.process().pid(), .tid = thread.tid().value()};
}

CallReport report_of(CallPoint point, const TransactionLogEntry& entry) {
  CallReport report = report_of(point, entry.trace, entry.debug_id,
                                entry.kind == TransactionLogEntry::Kind::kOneway);
  report.node = entry.to_node != 0 ? entry.to_node : entry.trace.node;
  report.caller = {.host = entry.from_host, .pid = entry.from_pid, .tid = entry.from_tid};
  report.handler = {.host = entry.to_host, .pid = entry.to_pid, .tid = entry.to_tid};
  report.data_size = entry.data_size;
  report.offsets_size = entry.offsets_size;
  return report;
}

CallEnd caller_of(const Transaction& call) {
  if (call.from() != nullptr) return end_of(*call.from());
  const CallTrace& trace = call.trace();
  if (trace.from_host != HostId{}) {
    return {
        .host = trace.from_host,
        .process = call.remote_caller() != nullptr ? call.remote_caller()->process : ProcessId{}};
  }
  return {.pid = call.head().from_pid, .tid = call.head().from_tid};
}

CallEnd handler_of(const Transaction& call) {
  CallEnd handler{.host = call.trace().to_host};
  if (call.to_thread() != nullptr) return end_of(*call.to_thread());
  if (const Process* target = call.to_process()) {
    handler.process = target->id();
    handler.pid = target->pid();
  }
  return handler;
}

void tell_load(CallReport& report, const Process& handler) {
  report.outstanding = handler.outstanding();
  const BufferAllocator& allocator = handler.arena().allocator();
  report.arena_used = allocator.size() - allocator.free_space();
}

void tell_parcel(CallReport& report, const Allocation& payload) {
  report.data = payload.process().arena().bytes(payload.buffer(), report.data_size);
  report.context = payload.process().context().name();
}

// Reports a call, not a reply.
CallReport report_of(CallPoint point, const Transaction& call) {
  CallReport report = report_of(point, call.trace(), call.debug_id(),
                                call.head().kind == TransactionHead::Kind::kOneway);
  report.caller = caller_of(call);
  report.handler = handler_of(call);
  if (call.buffer() != nullptr) {
    report.data_size = call.buffer()->shape().data_size;
    report.offsets_size = call.buffer()->shape().offsets_size;
  }
  return report;
}

// Reports the reply, which the caller reads or not.
CallReport report_of_reply(CallPoint point, const Transaction& reply) {
  CallReport report = report_of(point, reply.trace(), reply.debug_id(), false);
  if (const Process* caller = reply.to_process()) {
    report.caller.process = caller->id();
    report.caller.pid = caller->pid();
  }
  report.handler.pid = reply.head().from_pid;
  report.handler.tid = reply.head().from_tid;
  if (reply.buffer() != nullptr) {
    report.data_size = reply.buffer()->shape().data_size;
    report.offsets_size = reply.buffer()->shape().offsets_size;
  }
  return report;
}

}  // namespace

// ---- ids ----

CallTrace CallReports::trace_of_call(const Thread& caller, std::uint32_t code, CallFlags flags) {
  CallTrace made;
  made.span = SpanId{next_span_++};
  made.code = code;
  made.flags = flags;
  const Transaction* handled = caller.stack();
  if (handled != nullptr && handled->to_thread() == &caller) {
    made.trace = handled->trace().trace;
    made.parent = handled->trace().span;
  } else if (handled == nullptr && caller.handled_oneway().span != SpanId{}) {
    made.trace = caller.handled_oneway().trace;
    made.parent = caller.handled_oneway().span;
  } else {
    made.trace = TraceId{made.span.value()};
  }
  return made;
}

CallTrace CallReports::trace_of_arrival(TraceId trace, SpanId span, std::uint32_t code,
                                        CallFlags flags) {
  CallTrace made;
  made.span = span == SpanId{} ? SpanId{next_span_++} : span;
  made.trace = trace == TraceId{} ? TraceId{made.span.value()} : trace;
  made.code = code;
  made.flags = flags;
  return made;
}

// ---- before there is a transaction ----

void CallReports::tell_begun(TransactionLogEntry& call, const Thread& caller) {
  CallReport report = report_of(CallPoint::kBegun, call);
  report.caller = end_of(caller);
  call.trace.began = observer_->begun(report);
}

void CallReports::tell_arrived(TransactionLogEntry& call, ProcessId remote_caller) {
  CallReport report = report_of(CallPoint::kArrived, call);
  report.caller.process = remote_caller;
  call.trace.began = observer_->begun(report);
}

void CallReports::tell_sent(const TransactionLogEntry& call, const Thread& caller,
                            std::span<const std::byte> image) {
  CallReport report = report_of(CallPoint::kSent, call);
  report.caller = end_of(caller);
  report.data = image.first(call.data_size);
  report.context = caller.process().context().name();
  observer_->reached(report);
}

void CallReports::tell_accepted(const TransactionLogEntry& call) {
  observer_->reached(report_of(CallPoint::kAccepted, call));
}

void CallReports::tell_failed(const TransactionLogEntry& call, const BrError& error) {
  CallReport report = report_of(CallPoint::kFailed, call);
  report.error = &error;
  observer_->reached(report);
}

// ---- transactions ----

void CallReports::tell_queued(const Transaction& call) {
  CallReport report = report_of(CallPoint::kQueued, call);
  tell_load(report, *call.to_process());
  if (from_here(call)) tell_parcel(report, call.payload());
  observer_->reached(report);
}

void CallReports::tell_placed(const Transaction& call) {
  CallReport report = report_of(CallPoint::kPlaced, call);
  const Allocation& payload = call.payload();
  report.handler.process = payload.process().id();
  report.handler.pid = payload.process().pid();
  tell_parcel(report, payload);
  observer_->reached(report);
}

void CallReports::tell_delivered(Transaction& call, const Thread& handler) {
  CallReport report = report_of(CallPoint::kDelivered, call);
  report.handler = end_of(handler);
  tell_load(report, handler.process());
  if (report.oneway) call.trace().told = CallTrace::Told::kEnd;
  call.trace().delivered = observer_->delivered(report);
}

void CallReports::tell_replied(Transaction& call, const Thread& handler,
                               const TransactionLogEntry& reply) {
  CallReport report = report_of(CallPoint::kReplied, call);
  report.handler = end_of(handler);
  report.context = handler.process().context().name();
  report.data_size = reply.data_size;
  report.offsets_size = reply.offsets_size;
  call.trace().told = CallTrace::Told::kEnd;
  observer_->reached(report);
}

void CallReports::tell_reply_arrived(Transaction& call, const TransactionLogEntry& reply) {
  CallReport report = report_of(CallPoint::kReplyArrived, call);
  report.debug_id = reply.debug_id;
  report.context = call.from()->process().context().name();
  report.data_size = reply.data_size;
  report.offsets_size = reply.offsets_size;
  call.trace().told = CallTrace::Told::kEnd;
  observer_->reached(report);
}

void CallReports::tell_reply_read(Transaction& reply, const Thread& caller) {
  CallReport report = report_of_reply(CallPoint::kReplyRead, reply);
  report.caller = end_of(caller);
  reply.trace().told = CallTrace::Told::kEnd;
  observer_->reached(report);
}

void CallReports::end_oneway(Thread& handler) {
  const HandledOneway handled = handler.handled_oneway();
  handler.oneway_is_handled();
  NB_CALL_PROBE(call_handled, (CallTrace{.trace = handled.trace, .span = handled.span}));
  if (observer_ == nullptr) return;
  CallReport report;
  report.point = CallPoint::kHandled;
  report.oneway = true;
  report.trace = handled.trace;
  report.span = handled.span;
  report.handler = end_of(handler);
  observer_->reached(report);
}

void CallReports::tell_failed(Transaction& transaction, const BrError& error) {
  if (transaction.trace().told == CallTrace::Told::kEnd) return;
  CallReport report = transaction.is_reply() ? report_of_reply(CallPoint::kFailed, transaction)
                                             : report_of(CallPoint::kFailed, transaction);
  report.error = &error;
  transaction.trace().told = CallTrace::Told::kEnd;
  observer_->reached(report);
}

void CallReports::tell_end(Transaction& transaction) {
  if (transaction.trace().told != CallTrace::Told::kEnd) tell_failed(transaction, BrError::dead());
}

}  // namespace netbinder
