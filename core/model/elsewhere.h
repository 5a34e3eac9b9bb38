// SPDX-License-Identifier: Apache-2.0
//
// The one interface through which the driver of a host reaches other hosts. Cluster implements it;
// NoHosts stands in on a host that is alone, where nothing is ever imported or exported.
#pragma once

#include <cstdint>
#include <expected>
#include <span>

#include "core/base/uapi.h"
#include "core/model/outcome.h"
#include "core/model/thread.h"
#include "core/model/transaction_log.h"
#include "core/wire/peer_message.h"

namespace netbinder {

class Context;
class Node;
class Process;
class Thread;
class Transaction;

// A BC_TRANSACTION or BC_REPLY as the program gave it.
struct CallData {
  binder_transaction_data data{};
  std::uint64_t extra_size = 0;  // of its scatter-gather part
};

class Elsewhere {
 public:
  virtual ~Elsewhere() = default;

  // ---- calls ----
  // A call of a node of another host.
  virtual CallOutcome call(Thread& thread, Node& node, const CallData& call,
                           TransactionLogEntry& entry) = 0;
  // The reply to a call from another host.
  virtual std::expected<void, BrError> reply(Thread& thread, const CallData& reply,
                                             Transaction& in_reply_to,
                                             TransactionLogEntry& entry) = 0;
  // Whether the thread has to wait before it can reply to that call of another host; then it does.
  virtual bool reply_waits(Thread& thread, const CallData& reply, const Transaction& call) = 0;
  // A call from another host has failed.
  virtual void call_failed(const Transaction& call, const BrError& error) = 0;
  // A call that other hosts know of has ended.
  virtual void call_ended(Transaction& call) = 0;
  // The thread of this host's that waits in such a chain of calls, if it is the target's.
  [[nodiscard]] virtual Thread* nested_target(std::span<const CallAncestor> ancestors,
                                              const Process& target) const = 0;
  // The other end of a call that this host knows by its own number; 0: this host.
  [[nodiscard]] virtual HostId called_host(const Transaction& call) const = 0;

  // ---- nodes ----
  // References to an imported node that nobody here needs go back to its home.
  virtual void give_back(Node& node) = 0;
  // An imported node is about to be destroyed.
  virtual void node_ends(Node& node) = 0;
  // Whether the owner of an imported node is frozen is not known yet: asks, and the thread waits.
  virtual void await_freeze_state(Thread& thread, Node& node) = 0;

  // ---- managers of contexts of cluster scope ----
  // Another claim of the context is standing or under way.
  [[nodiscard]] virtual bool claim_stands(const Context& context) const = 0;
  // A program of this host wants to become the manager. kDone: it may.
  virtual Outcome claim(Thread& thread, Context& context, const ClaimingContext& claim) = 0;
  virtual void manager_installed(Context& context) = 0;
  virtual void manager_gone(Context& context) = 0;
  virtual void builtin_installed(Context& context) = 0;

  // ---- ends ----
  // A thread ends whose ioctl waits for another host.
  virtual void thread_ends(Thread& thread) = 0;
  // A process ends: what arrives for it, and what peers have leased of it.
  virtual void process_ends(Process& process) = 0;
};

}  // namespace netbinder
