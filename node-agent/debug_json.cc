// SPDX-License-Identifier: Apache-2.0
#include "node-agent/debug_json.h"

#include <nlohmann/json.hpp>

#include "core/driver.h"
#include "node-agent/debug_names.h"

namespace netbinder {

namespace {

using nlohmann::json;

std::string name_of(WorkKind kind) {
  switch (kind) {
    case WorkKind::kTransaction:
      return "transaction";
    case WorkKind::kTransactionComplete:
      return "transaction_complete";
    case WorkKind::kTransactionPending:
      return "transaction_pending_frozen";
    case WorkKind::kOnewaySpamSuspect:
      return "oneway_spam_suspect";
    case WorkKind::kReturnError:
      return "return_error";
    case WorkKind::kDeposed:
      return "deposed";
    case WorkKind::kNode:
      return "node";
    case WorkKind::kDeadBinder:
      return "dead_binder";
    case WorkKind::kDeadBinderAndClear:
      return "dead_binder_and_clear";
    case WorkKind::kClearDeath:
      return "clear_death_notification";
    case WorkKind::kFrozenBinder:
      return "frozen_binder";
    case WorkKind::kClearFreeze:
      return "clear_freeze_notification";
  }
  return "unknown";
}

json to_json(const TransactionView& transaction) {
  json made = {{"debug_id", transaction.debug_id},
               {"from", {{"pid", transaction.from_pid}, {"tid", transaction.from_tid}}},
               {"to", {{"pid", transaction.to_pid}, {"tid", transaction.to_tid}}},
               {"code", transaction.code},
               {"flags", transaction.flags},
               {"nice", transaction.nice},
               {"awaits_reply", transaction.awaits_reply},
               {"elapsed_ms", transaction.elapsed_ms}};
  if (!transaction.from_host.empty()) made["from"]["host"] = transaction.from_host;
  if (!transaction.to_host.empty()) made["to"]["host"] = transaction.to_host;
  if (transaction.payload) {
    made["node"] = transaction.payload->node;
    made["data_size"] = transaction.payload->data_size;
    made["offsets_size"] = transaction.payload->offsets_size;
    made["offset"] = transaction.payload->offset;
  }
  return made;
}

json to_json(const WorkView& work) {
  json made = {{"kind", name_of(work.kind)}};
  if (work.transaction) made["transaction"] = to_json(*work.transaction);
  if (work.kind == WorkKind::kNode) made["node"] = work.node.debug_id;
  if (work.kind == WorkKind::kReturnError) made["error"] = work.error;
  return made;
}

json to_json(const ThreadView& thread);
json to_json(const NodeView& node);
json to_json(const RefView& ref);
json to_json(const BufferView& buffer);
json to_json(const ProcessDebugView& process);

template <typename View>
json list(const std::vector<View>& views) {
  json made = json::array();
  for (const View& view : views) made.push_back(to_json(view));
  return made;
}

json to_json(const ThreadView& thread) {
  json stack = json::array();
  for (const StackEntryView& entry : thread.stack) {
    stack.push_back(to_json(entry.transaction));
    stack.back()["direction"] = entry.incoming ? "incoming" : "outgoing";
  }
  return {{"tid", thread.tid},
          {"looper", thread.looper},
          {"need_return", thread.need_return},
          {"transactions", stack},
          {"todo", list(thread.todo)}};
}

json to_json(const NodeView& node) {
  return {{"debug_id", node.name.debug_id},     {"ptr", node.name.ptr},
          {"cookie", node.name.cookie},         {"has_strong", node.has_strong},
          {"has_weak", node.has_weak},          {"local_strong", node.local_strong},
          {"local_weak", node.local_weak},      {"internal_strong", node.internal_strong},
          {"holder_pids", node.holder_pids},    {"holder_hosts", node.holder_hosts},
          {"async_todo", list(node.async_todo)}};
}

json to_json(const RefView& ref) {
  json made = {{"debug_id", ref.debug_id},
               {"handle", ref.handle},
               {"node", ref.node},
               {"node_dead", ref.node_dead},
               {"strong", ref.strong},
               {"weak", ref.weak},
               {"death_requested", ref.death_requested}};
  if (!ref.node_host.empty()) made["node_host"] = ref.node_host;
  return made;
}

json to_json(const BufferView& buffer) {
  return {{"debug_id", buffer.debug_id},     {"offset", buffer.offset},
          {"data_size", buffer.data_size},   {"offsets_size", buffer.offsets_size},
          {"extra_size", buffer.extra_size}, {"delivered", buffer.delivered}};
}

json to_json(const ProcessDebugView& process) {
  return {{"pid", process.pid},
          {"context", process.context},
          {"threads", list(process.threads)},
          {"nodes", list(process.nodes)},
          {"refs", list(process.refs)},
          {"buffers", list(process.buffers)},
          {"todo", list(process.todo)},
          {"has_delivered_death", process.has_delivered_death},
          {"has_delivered_freeze", process.has_delivered_freeze}};
}

json state_json(const Driver& driver, const Viewer& viewer) {
  const DebugState state = driver.debug_state(viewer);
  return {{"dead_nodes", list(state.dead_nodes)}, {"processes", list(state.processes)}};
}

// Threads that handle or await a call, waiting calls, and buffers, for the processes that have any
// of them.
json transactions_json(const Driver& driver, const Viewer& viewer) {
  json processes = json::array();
  for (const ProcessDebugView& process : driver.debug_state(viewer).processes) {
    json threads = json::array();
    for (const ThreadView& thread : process.threads) {
      if (!thread.stack.empty() || !thread.todo.empty()) threads.push_back(to_json(thread));
    }
    json nodes = json::array();
    for (const NodeView& node : process.nodes) {
      if (!node.async_todo.empty()) nodes.push_back(to_json(node));
    }
    if (threads.empty() && nodes.empty() && process.buffers.empty() && process.todo.empty()) {
      continue;
    }
    processes.push_back({{"pid", process.pid},
                         {"context", process.context},
                         {"threads", threads},
                         {"nodes", nodes},
                         {"buffers", list(process.buffers)},
                         {"todo", list(process.todo)}});
  }
  return {{"processes", processes}};
}

json to_json(const CommandCounts& counts) {
  json made = json::object();
  for (std::size_t i = 0; i < counts.bc.size(); ++i) {
    if (counts.bc[i] > 0) made[kBcNames[i]] = counts.bc[i];
  }
  for (std::size_t i = 0; i < counts.br.size(); ++i) {
    if (counts.br[i] > 0) made[kBrNames[i]] = counts.br[i];
  }
  return made;
}

json stats_json(const Driver& driver, const Viewer& viewer) {
  const ObjectCounts counts = driver.object_counts();
  const auto count = [](const ObjectCount& of) {
    return json{{"active", of.active}, {"total", of.total}};
  };
  json processes = json::array();
  for (const ProcessDebugView& process : driver.debug_state(viewer).processes) {
    processes.push_back({{"pid", process.pid},
                         {"context", process.context},
                         {"threads", process.threads.size()},
                         {"requested_threads", process.requested_threads},
                         {"requested_threads_started", process.requested_threads_started},
                         {"max_threads", process.max_threads},
                         {"ready_threads", process.waiting_threads},
                         {"free_async_bytes", process.free_async_bytes},
                         {"nodes", process.nodes.size()},
                         {"refs", process.refs.size()},
                         {"buffers", process.buffers.size()},
                         {"pages_used", process.pages_used},
                         {"pages_kept", process.pages_kept},
                         {"pages_untouched", process.pages_untouched},
                         {"pages_high", process.pages_high},
                         {"commands", to_json(process.commands)}});
  }
  return {{"commands", to_json(static_cast<const CommandCounts&>(driver.statistics()))},
          {"objects",
           {{"proc", count(counts.processes)},
            {"thread", count(counts.threads)},
            {"node", count(counts.nodes)},
            {"ref", count(counts.refs)},
            {"death", count(counts.deaths)},
            {"transaction", count(counts.transactions)},
            {"transaction_complete", count(counts.completions)},
            {"freeze", count(counts.freezes)}}},
          {"processes", processes}};
}

json log_json(const Driver& driver, const std::vector<TransactionLogEntry>& log) {
  json entries = json::array();
  for (const TransactionLogEntry& entry : log) {
    const char* kind = "call";
    if (entry.kind == TransactionLogEntry::Kind::kOneway) kind = "async";
    if (entry.kind == TransactionLogEntry::Kind::kReply) kind = "reply";
    json made = {{"debug_id", entry.debug_id},
                 {"kind", kind},
                 {"from", {{"pid", entry.from_pid}, {"tid", entry.from_tid}}},
                 {"to", {{"pid", entry.to_pid}, {"tid", entry.to_tid}}},
                 {"context", entry.context != nullptr ? entry.context->name() : ""},
                 {"node", entry.to_node},
                 {"handle", entry.handle},
                 {"data_size", entry.data_size},
                 {"offsets_size", entry.offsets_size}};
    if (entry.from_host != HostId{}) made["from"]["host"] = driver.host_name(entry.from_host);
    if (entry.to_host != HostId{}) made["to"]["host"] = driver.host_name(entry.to_host);
    if (entry.failed_command != 0) {
      made["failed"] = {{"command", kBrNames[_IOC_NR(entry.failed_command) % kBrNames.size()]},
                        {"errno", -entry.failed_error},
                        {"line", entry.failed_line}};
      if (entry.reason != nullptr) made["failed"]["reason"] = entry.reason;
      if (entry.rule != 0) made["failed"]["rule"] = entry.rule;
    }
    entries.push_back(std::move(made));
  }
  return {{"entries", entries}};
}

}  // namespace

std::optional<json> debug_file_json(const Driver& driver, const Viewer& viewer,
                                    std::string_view file) {
  if (file == "state") return state_json(driver, viewer);
  if (file == "stats") return stats_json(driver, viewer);
  if (file == "transactions") return transactions_json(driver, viewer);
  if (file == "transaction_log") return log_json(driver, driver.log(viewer));
  if (file == "failed_transaction_log") return log_json(driver, driver.failed_log(viewer));
  return std::nullopt;
}

}  // namespace netbinder
