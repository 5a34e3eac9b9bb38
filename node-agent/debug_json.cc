// SPDX-License-Identifier: Apache-2.0
#include "node-agent/debug_json.h"

#include <chrono>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/driver.h"
#include "core/model/context.h"
#include "core/view/debug_view.h"
#include "node-agent/clock.h"
#include "node-agent/debug_content.h"
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

// Names of hosts and texts from peers need not be UTF-8; invalid bytes show as U+FFFD.
std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// The texts of long lists are put together object by object, as the objects of all of them would
// take many times as much memory.
class ListText {
 public:
  void add(const std::string& element) {
    if (text_.size() > 1) text_ += ',';
    text_ += element;
  }
  [[nodiscard]] std::string take() { return std::move(text_) + ']'; }

 private:
  std::string text_ = "[";
};

// An object with these members, and some more that are texts already.
std::string object(const json& members,
                   std::initializer_list<std::pair<const char*, std::string>> more) {
  std::string text = text_of(members);
  text.pop_back();
  for (const auto& [name, value] : more) {
    if (text.size() > 1) text += ',';
    text += '"';
    text += name;
    text += "\":";
    text += value;
  }
  return text + '}';
}

json list(const WorkListView& views) {
  json made = json::array();
  for (const WorkView& view : views.first) made.push_back(to_json(view));
  if (views.more) made.push_back({{"kind", "more"}});
  return made;
}

json to_json(const ThreadView& thread);
json to_json(const NodeView& node);
json to_json(const RefView& ref);
json to_json(const BufferView& buffer);

template <typename Views>
std::string list_text(const Views& views) {
  ListText text;
  for (const auto& view : views) text.add(text_of(to_json(view)));
  return text.take();
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

std::string state_json(const DebugState& state) {
  ListText processes;
  for (const ProcessDebugView& process : state.processes) {
    processes.add(object({{"pid", process.pid},
                          {"context", process.context},
                          {"todo", list(process.todo)},
                          {"has_delivered_death", process.has_delivered_death},
                          {"has_delivered_freeze", process.has_delivered_freeze}},
                         {{"threads", list_text(process.threads)},
                          {"nodes", list_text(process.nodes)},
                          {"refs", list_text(process.refs)},
                          {"buffers", list_text(process.buffers)}}));
  }
  return object(json::object(),
                {{"dead_nodes", list_text(state.dead_nodes)}, {"processes", processes.take()}});
}

// Threads that handle or await a call, waiting calls, and buffers, for the processes that have any
// of them.
std::string transactions_json(const DebugState& state) {
  ListText processes;
  for (const ProcessDebugView& process : state.processes) {
    json threads = json::array();
    for (const ThreadView& thread : process.threads) {
      if (!thread.stack.empty() || !thread.todo.first.empty()) threads.push_back(to_json(thread));
    }
    bool any = false;
    ListText nodes;
    for (const NodeView& node : process.nodes) {
      if (node.async_todo.first.empty()) continue;
      nodes.add(text_of(to_json(node)));
      any = true;
    }
    if (threads.empty() && !any && process.buffers.empty() && process.todo.first.empty()) continue;
    processes.add(object({{"pid", process.pid},
                          {"context", process.context},
                          {"threads", threads},
                          {"todo", list(process.todo)}},
                         {{"nodes", nodes.take()}, {"buffers", list_text(process.buffers)}}));
  }
  return object(json::object(), {{"processes", processes.take()}});
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

std::string stats_json(const DebugContent& content) {
  const ObjectCounts& counts = content.counts;
  const auto count = [](const ObjectCount& of) {
    return json{{"active", of.active}, {"total", of.total}};
  };
  json processes = json::array();
  for (const ProcessDebugView& process : content.state.processes) {
    processes.push_back({{"pid", process.pid},
                         {"uid", process.euid},
                         {"context", process.context},
                         {"outstanding", process.outstanding},
                         {"arena_bytes", process.arena_bytes},
                         {"arena_free_bytes", process.arena_free_bytes},
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
  return text_of({{"commands", to_json(static_cast<const CommandCounts&>(content.statistics))},
                  {"objects",
                   {{"proc", count(counts.processes)},
                    {"thread", count(counts.threads)},
                    {"node", count(counts.nodes)},
                    {"ref", count(counts.refs)},
                    {"death", count(counts.deaths)},
                    {"transaction", count(counts.transactions)},
                    {"transaction_complete", count(counts.completions)},
                    {"freeze", count(counts.freezes)}}},
                  {"processes", processes}});
}

std::string log_json(const Driver& driver, const std::vector<TransactionLogEntry>& log) {
  json entries = json::array();
  const std::int64_t unix_us = std::chrono::duration_cast<std::chrono::microseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count() -
                               static_cast<std::int64_t>(monotonic_ns() / 1000);
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
                 {"offsets_size", entry.offsets_size},
                 {"code", entry.trace.code},
                 {"time_us", std::to_string(unix_us + static_cast<std::int64_t>(entry.at_us))},
                 {"trace", std::to_string(entry.trace.trace.value())},
                 {"span", std::to_string(entry.trace.span.value())}};
    if (entry.took_us != 0 || entry.kind == TransactionLogEntry::Kind::kReply)
      made["took_us"] = std::to_string(entry.took_us);
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
  return text_of({{"entries", entries}});
}

}  // namespace

std::optional<std::string> debug_file_json(const DebugContent& content, std::string_view file) {
  if (file == "state") return state_json(content.state);
  if (file == "stats") return stats_json(content);
  if (file == "transactions") return transactions_json(content.state);
  return std::nullopt;
}

std::optional<std::string> debug_log_json(const Driver& driver, const Viewer& viewer,
                                          std::string_view file) {
  if (file == "transaction_log") return log_json(driver, driver.log(viewer));
  if (file == "failed_transaction_log") return log_json(driver, driver.failed_log(viewer));
  return std::nullopt;
}

}  // namespace netbinder
