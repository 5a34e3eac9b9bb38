// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/oracle.h"

#include <algorithm>

#include "core/base/uapi.h"

namespace netbinder::sim {

void Oracle::fail(std::string what) {
  if (!failure_) failure_ = "at " + std::to_string(clock_.now_ms()) + " ms: " + std::move(what);
}

void Oracle::program_started(std::uint64_t serial, HostId host) { living_.emplace(serial, host); }

void Oracle::program_gone(std::uint64_t serial) {
  living_.erase(serial);
  for (Call& call : calls_) {
    if (call.caller == serial && !call.ended) {
      call.ended = true;
      ++statistics.cancelled;
    }
  }
}

void Oracle::thread_gone(std::uint64_t serial, std::uint32_t tid) {
  for (Call& call : calls_) {
    if (call.caller == serial && call.tid == tid && !call.ended) {
      call.ended = true;
      ++statistics.cancelled;
    }
  }
}

std::uint64_t Oracle::new_call(std::uint64_t caller, std::uint32_t tid, Uid target, bool oneway,
                               std::uint64_t since_ms) {
  Call& call = calls_.emplace_back();
  call.caller = caller;
  call.tid = tid;
  call.target = target;
  call.oneway = oneway;
  call.since_ms = since_ms;
  if (oneway) call.order = ++sent_order_[{caller, tid, target}];
  ++(oneway ? statistics.oneways : statistics.calls);
  return calls_.size();
}

Oracle::Call* Oracle::find(std::uint64_t number, const char* what) {
  if (number == 0 || number > calls_.size()) {
    fail(std::string(what) + " a call nobody made: " + std::to_string(number));
    return nullptr;
  }
  return &calls_[number - 1];
}

std::uint64_t Oracle::order_of(std::uint64_t number) const { return calls_[number - 1].order; }

void Oracle::not_issued(std::uint64_t number) {
  Call* call = find(number, "not issued:");
  if (call == nullptr) return;
  if (call->deliveries > 0) fail("call " + std::to_string(number) + " delivered, not consumed");
  call->ended = call->failed = true;
}

void Oracle::accepted(std::uint64_t number) {
  Call* call = find(number, "accepted:");
  if (call == nullptr) return;
  if (call->ended || call->was_accepted) {
    fail("call " + std::to_string(number) + " was accepted after its end");
  }
  call->was_accepted = true;
  if (call->oneway) call->ended = true;
}

void Oracle::delivered(std::uint64_t number, Uid node, std::uint64_t order, bool oneway) {
  Call* call = find(number, "delivered:");
  if (call == nullptr) return;
  const std::string name = "call " + std::to_string(number);
  if (++call->deliveries > 1) fail(name + " was delivered twice");
  if (call->target != 0 && call->target != node) {
    fail(name + " of node " + std::to_string(call->target) + " came to node " +
         std::to_string(node));
  }
  if (call->oneway != oneway) fail(name + " has changed its kind");
  if (call->failed && !troubled_since(call->since_ms)) {
    fail(name + " was delivered after its caller had heard that it failed");
  }
  if (call->must_fail) fail(name + " was delivered with descriptors that could not be sent");
  if (call->install_failed) fail(name + " was delivered without its descriptors");
  call->delivered_to = node;
  if (!oneway) return;
  ++statistics.oneways_delivered;
  auto& last = seen_order_[{call->caller, call->tid, node, call->target == 0}];
  if (order != call->order) fail(name + " carries the order of another call");
  if (order <= last) {
    fail("oneway call " + std::to_string(order) + " of program " + std::to_string(call->caller) +
         " thread " + std::to_string(call->tid) + " came to node " + std::to_string(node) +
         " after " + std::to_string(last));
  }
  last = order;
}

void Oracle::reply_written(std::uint64_t number) {
  if (Call* call = find(number, "replied to:")) call->reply_written = true;
}

void Oracle::abandoned(std::uint64_t number) {
  if (Call* call = find(number, "abandoned:")) call->abandoned = true;
}

void Oracle::reply_read(std::uint64_t number) {
  Call* call = find(number, "answered:");
  if (call == nullptr) return;
  const std::string name = "call " + std::to_string(number);
  if (call->ended) fail(name + " has ended twice");
  if (!call->was_accepted) fail(name + " was answered before BR_TRANSACTION_COMPLETE");
  if (!call->reply_written) fail(name + " was answered by nobody");
  if (call->reply_must_fail) fail(name + " was answered with descriptors that could not be sent");
  call->ended = true;
  ++statistics.replies;
}

void Oracle::call_failed(std::uint64_t number, std::uint32_t command) {
  Call* call = find(number, "failed:");
  if (call == nullptr) return;
  const std::string name = "call " + std::to_string(number);
  if (call->ended) fail(name + " has ended twice");
  call->ended = call->failed = true;
  ++(command == BR_DEAD_REPLY ? statistics.dead : statistics.failed);
  if (troubled_since(call->since_ms)) return;
  const Uid target = call->delivered_to != 0 ? call->delivered_to : call->target;
  const bool target_gone = target == 0 || !alive(program_of(target)) ||
                           (call->delivered_to == 0 && revoked(target));
  if (command == BR_DEAD_REPLY && !target_gone && !call->abandoned) {
    fail(name + " of living node " + std::to_string(target) + " heard BR_DEAD_REPLY");
  }
  if (command == BR_FROZEN_REPLY) {
    if (target != 0 && !frozen_once_.contains(program_of(target))) {
      fail(name + " heard BR_FROZEN_REPLY from a program that never was frozen");
    }
  } else if (command != BR_DEAD_REPLY && strict_failures && !call->may_fail &&
             !failed_below(*call)) {
    fail(name + " of node " + std::to_string(target) + " failed with room for everything");
  }
}

// Its callee is gone, and a call that the callee waited in has failed for its descriptors: the driver
// tells whoever waits for the callee of that failure.
bool Oracle::failed_below(const Call& call) const {
  if (call.delivered_to == 0 || alive(program_of(call.delivered_to))) return false;
  return std::ranges::any_of(calls_, [&](const Call& other) {
    return other.caller == program_of(call.delivered_to) && other.install_failed;
  });
}

void Oracle::must_fail(std::uint64_t number, bool of_reply) {
  Call* call = find(number, "wrong on purpose:");
  if (call == nullptr) return;
  call->may_fail = true;
  (of_reply ? call->reply_must_fail : call->must_fail) = true;
}

void Oracle::may_fail(std::uint64_t number) {
  if (Call* call = find(number, "may fail:")) call->may_fail = true;
}

void Oracle::install_failed(std::uint64_t number, bool of_reply) {
  Call* call = find(number, "not installed:");
  if (call == nullptr) return;
  ++statistics.installs_failed;
  call->may_fail = true;
  if (!of_reply) call->install_failed = true;
}

void Oracle::check_drained() {
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    const Call& call = calls_[i];
    const std::string name = std::string(call.oneway ? "oneway" : "synchronous") + " call " +
                             std::to_string(i + 1) + " of program " + std::to_string(call.caller) +
                             " thread " + std::to_string(call.tid) + " to node " +
                             std::to_string(call.target);
    if (!call.ended) fail(name + " never ended");
    if (call.oneway && call.was_accepted && call.deliveries == 0 && call.target != 0 &&
        !call.install_failed && alive(program_of(call.target))) {
      fail(name + " was accepted and lost");
    }
  }
}

}  // namespace netbinder::sim
