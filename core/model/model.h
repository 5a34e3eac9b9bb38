// SPDX-License-Identifier: Apache-2.0
//
// All objects of one driver, and what they share: the host's setup and effects, counters and logs,
// the time, and the work that the event in progress leaves to be done. Owned by the Driver; made
// first and destroyed last. Processes and contexts are found here; everything else belongs to one
// of them, or to the class that makes it.
//
// Thread: the driver's.
#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/pool.h"
#include "core/base/statistics.h"
#include "core/model/call_reports.h"
#include "core/model/call_stacks.h"
#include "core/model/context.h"
#include "core/model/driver_setup.h"
#include "core/model/effects.h"
#include "core/model/elsewhere.h"
#include "core/model/end_of_event.h"
#include "core/model/nodes.h"
#include "core/model/notifications.h"
#include "core/model/process.h"
#include "core/model/ref_table.h"
#include "core/model/transaction_log.h"
#include "core/model/users.h"

namespace netbinder {

class Model {
 public:
  Model(DriverSetup with_setup, Effects& with_effects)
      : setup(std::move(with_setup)),
        effects(with_effects),
        reports(setup.host, setup.incarnation),
        users(setup.user_limits),
        nodes(*this),
        calls(*this) {}
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  DriverSetup setup;  // only its bounds change
  Effects& effects;
  Elsewhere* elsewhere = nullptr;  // set by the Driver before anything else, for good
  Statistics statistics;
  TransactionLog log;
  TransactionLog failed_log;
  CallReports reports;
  std::uint64_t now_ms = 0;  // deadlines are in these
  std::uint64_t now_us = 0;  // the same
  EndOfEvent end;
  Users users;

  Pool<CompletionWork> completions;
  Pool<ProcessRef> refs;
  Pool<DeathNotification> deaths;
  Pool<FreezeNotification> freezes;
  Nodes nodes;
  CallStacks calls;

  // The next number for a node, a ref or a transaction, as the debug files print it.
  [[nodiscard]] std::uint32_t next_debug_id() { return next_debug_id_++; }

  // ---- processes ----
  using Processes = boost::unordered_flat_map<std::uint64_t, std::unique_ptr<Process>>;
  [[nodiscard]] const Processes& processes() const { return processes_; }
  [[nodiscard]] std::uint64_t processes_created() const { return next_process_ - 1; }
  [[nodiscard]] Process* find_process(ProcessId id) const {
    const auto found = processes_.find(id.value());
    return found == processes_.end() ? nullptr : found->second.get();
  }
  Process& add_process(Context& context, Credentials credentials) {
    const ProcessId id{next_process_++};
    UserUsage& user = users.of(credentials.euid);
    auto made = std::make_unique<Process>(*this, id, context, std::move(credentials), user);
    return *processes_.emplace(id.value(), std::move(made)).first->second;
  }
  // The process is to end, and is found no more.
  [[nodiscard]] std::unique_ptr<Process> take_process(ProcessId id) {
    const auto found = processes_.find(id.value());
    std::unique_ptr<Process> taken = std::move(found->second);
    processes_.erase(found);
    return taken;
  }
  // Nothing is left of it.
  void end_process(std::unique_ptr<Process> process) {
    const std::uint32_t uid = process->user().uid();
    process.reset();
    users.forget_if_gone(uid);
  }
  // Dead processes of which something is left (Teardown), by whose turn it is.
  [[nodiscard]] const std::deque<std::unique_ptr<Process>>& ending() const { return ending_; }
  void add_ending(std::unique_ptr<Process> process) { ending_.push_back(std::move(process)); }
  [[nodiscard]] std::unique_ptr<Process> take_ending() {
    std::unique_ptr<Process> taken = std::move(ending_.front());
    ending_.pop_front();
    return taken;
  }
  // All of them, also those that are ending.
  template <typename What>
  void each_process(What&& what) const {
    for (const auto& [id, process] : processes_) what(*process);
    for (const auto& process : ending_) what(*process);
  }
  // All processes of one program, the latest first.
  [[nodiscard]] std::vector<Process*> processes_of(std::int32_t pid) const;

  // ---- contexts ----
  [[nodiscard]] const std::vector<std::unique_ptr<Context>>& contexts() const { return contexts_; }
  [[nodiscard]] Context* find_context(std::string_view name) const {
    const auto found = std::find_if(contexts_.begin(), contexts_.end(),
                                    [&](const auto& each) {
                                      return each->listed() && each->name() == name;
                                    });
    return found == contexts_.end() ? nullptr : found->get();
  }
  void add_context(std::string name, Context::Scope scope) {
    contexts_.push_back(std::make_unique<Context>(std::move(name), scope));
  }

  // Ends the contexts whose devices were removed and that no process has open.
  void end_unused_contexts() {
    std::erase_if(contexts_, [this](const auto& context) {
      bool used = context->listed();
      each_process([&](const Process& each) { used = used || &each.context() == context.get(); });
      if (used) return false;
      log.forget(*context);
      failed_log.forget(*context);
      return true;
    });
  }

  // ---- logs; they count as well ----
  // A call or a reply is on its way, or in a queue here.
  void log_sent(const TransactionLogEntry& entry) {
    calls_of(entry).add(entry);
    log.add(entry);
  }
  void log_failure(TransactionLogEntry entry, const BrError& error);
  // Calls and replies of peers that were for no process, whose contexts nobody can tell.
  [[nodiscard]] const CallCounts& calls_without_context() const { return calls_without_context_; }

 private:
  CallCounts& calls_of(const TransactionLogEntry& entry) {
    return entry.context != nullptr ? entry.context->calls() : calls_without_context_;
  }

  CallCounts calls_without_context_;
  std::vector<std::unique_ptr<Context>> contexts_;
  Processes processes_;
  std::deque<std::unique_ptr<Process>> ending_;
  std::uint64_t next_process_ = 1;
  std::uint32_t next_debug_id_ = 1;
};

}  // namespace netbinder
