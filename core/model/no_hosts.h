// SPDX-License-Identifier: Apache-2.0
//
// The Elsewhere of a host that is alone: no node is imported, so it is asked only whether a context
// may have a manager. Any other request breaks an invariant.
#pragma once

#include "core/base/check.h"
#include "core/model/elsewhere.h"

namespace netbinder {

class NoHosts final : public Elsewhere {
 public:
  CallOutcome call(Thread&, Node&, const CallData&, TransactionLogEntry&) override {
    NB_UNREACHABLE();
  }
  std::expected<void, BrError> reply(Thread&, const CallData&, Transaction&,
                                     TransactionLogEntry&) override {
    NB_UNREACHABLE();
  }
  bool reply_waits(Thread&, const CallData&, const Transaction&) override { NB_UNREACHABLE(); }
  void call_failed(const Transaction&, const BrError&) override { NB_UNREACHABLE(); }
  void call_ended(Transaction&) override { NB_UNREACHABLE(); }
  [[nodiscard]] Thread* nested_target(std::span<const CallAncestor>,
                                      const Process&) const override {
    NB_UNREACHABLE();
  }
  [[nodiscard]] HostId called_host(const Transaction&) const override { return {}; }
  void give_back(Node&) override { NB_UNREACHABLE(); }
  void node_ends(Node&) override { NB_UNREACHABLE(); }
  void await_freeze_state(Thread&, Node&) override { NB_UNREACHABLE(); }
  [[nodiscard]] bool claim_stands(const Context&) const override { return false; }
  Outcome claim(Thread&, Context&, const ClaimingContext&) override { return Step::kDone; }
  void manager_installed(Context&) override {}
  void manager_gone(Context&) override {}
  void builtin_installed(Context&) override {}
  void thread_ends(Thread&) override {}
  void process_ends(Process&) override {}
};

}  // namespace netbinder
