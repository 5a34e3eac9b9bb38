// SPDX-License-Identifier: Apache-2.0
//
// The interface through which the driver of a host reaches other hosts. Cluster implements it; a
// host that is alone, where nothing is ever imported or exported, has NoHosts instead.
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
  // Whether the thread must wait before it replies to that call of another host. If so, it waits.
  virtual bool reply_waits(Thread& thread, const CallData& reply, const Transaction& call) = 0;
  // A call from another host has failed.
  virtual void call_failed(const Transaction& call, const BrError& error) = 0;
  // A call that other hosts know of has ended.
  virtual void call_ended(Transaction& call) = 0;
  // The thread of this host that waits in that chain of calls, if the target has it.
  [[nodiscard]] virtual Thread* nested_target(std::span<const CallAncestor> ancestors,
                                              const Process& target) const = 0;
  // The host to which a call with a number of ours was made; 0: this host.
  [[nodiscard]] virtual HostId called_host(const Transaction& call) const = 0;

  // ---- nodes ----
  // Gives references to an imported node that nobody here needs back to its home.
  virtual void give_back(Node& node) = 0;
  // An imported node is about to be destroyed.
  virtual void node_ends(Node& node) = 0;
  // The home has yet to say whether an imported node's owner is frozen: asks, and the thread waits.
  virtual void await_freeze_state(Thread& thread, Node& node) = 0;

  // ---- managers of contexts of cluster scope ----
  // Whether another claim of the context holds or is under way.
  [[nodiscard]] virtual bool claim_stands(const Context& context) const = 0;
  // A program of this host wants to become the manager. kDone: it may do so now.
  virtual Outcome claim(Thread& thread, Context& context, const ClaimingContext& claim) = 0;
  virtual void manager_installed(Context& context) = 0;
  virtual void manager_gone(Context& context) = 0;
  virtual void builtin_installed(Context& context) = 0;

  // ---- ends ----
  // A thread whose ioctl waits for another host ends.
  virtual void thread_ends(Thread& thread) = 0;
  // A process ends. Payloads that arrive for it and space of it that peers have leased end, too.
  virtual void process_ends(Process& process) = 0;
};

}  // namespace netbinder
