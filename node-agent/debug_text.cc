// SPDX-License-Identifier: Apache-2.0
#include "node-agent/debug_text.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <set>

#include "core/driver.h"
#include "core/model/context.h"
#include "core/view/debug_collection.h"
#include "core/view/debug_view.h"
#include "node-agent/debug_content.h"
#include "node-agent/debug_names.h"

namespace netbinder {

namespace {

using Text = std::back_insert_iterator<std::string>;

// `received`: the transaction is listed under its receiver, which has its payload.
void print(std::string& text, std::string_view prefix, const TransactionView& transaction,
           bool received) {
  const Text out(text);
  // The kernel shows a hashed address as the transaction's identity; a debug id serves as well.
  fmt::format_to(out,
                 "{} {}: {:016x} from {}:{} to {}:{} code {:x} flags {:x} pri {} r{} elapsed {}ms",
                 prefix, transaction.debug_id, transaction.debug_id, transaction.from_pid,
                 transaction.from_tid, transaction.to_pid, transaction.to_tid, transaction.code,
                 transaction.flags, transaction.nice, transaction.awaits_reply ? 1 : 0,
                 transaction.elapsed_ms);
  if (received && !transaction.payload) {
    text += " buffer free";
  } else if (received) {
    const TransactionView::Payload& payload = *transaction.payload;
    if (payload.node != 0) fmt::format_to(out, " node {}", payload.node);
    fmt::format_to(out, " size {}:{} offset {:x}", payload.data_size, payload.offsets_size,
                   payload.offset);
  }
  if (!transaction.from_host.empty()) fmt::format_to(out, " host {}", transaction.from_host);
  if (!transaction.to_host.empty()) fmt::format_to(out, " host {}", transaction.to_host);
  text += '\n';
}

void print(std::string& text, std::string_view indent, std::string_view transaction_prefix,
           const WorkView& work) {
  const Text out(text);
  switch (work.kind) {
    case WorkKind::kTransaction:
      print(text, fmt::format("{}{}", indent, transaction_prefix), *work.transaction, true);
      break;
    case WorkKind::kReturnError:
      fmt::format_to(out, "{}transaction error: {}\n", indent, work.error);
      break;
    case WorkKind::kTransactionComplete:
    case WorkKind::kTransactionPending:
    case WorkKind::kOnewaySpamSuspect:
      fmt::format_to(out, "{}transaction complete\n", indent);
      break;
    case WorkKind::kDeposed:
      fmt::format_to(out, "{}manager no more\n", indent);
      break;
    case WorkKind::kNode:
      fmt::format_to(out, "{}node work {}: u{:016x} c{:016x}\n", indent, work.node.debug_id,
                     work.node.ptr, work.node.cookie);
      break;
    case WorkKind::kDeadBinder:
      fmt::format_to(out, "{}has dead binder\n", indent);
      break;
    case WorkKind::kDeadBinderAndClear:
      fmt::format_to(out, "{}has cleared dead binder\n", indent);
      break;
    case WorkKind::kClearDeath:
      fmt::format_to(out, "{}has cleared death notification\n", indent);
      break;
    case WorkKind::kFrozenBinder:
      fmt::format_to(out, "{}has frozen binder\n", indent);
      break;
    case WorkKind::kClearFreeze:
      fmt::format_to(out, "{}has cleared freeze notification\n", indent);
      break;
  }
}

void print(std::string& text, std::string_view indent, std::string_view transaction_prefix,
           const WorkListView& list) {
  for (const WorkView& work : list.first) print(text, indent, transaction_prefix, work);
  if (list.more) fmt::format_to(Text(text), "{}more pending work\n", indent);
}

void print(std::string& text, const ThreadView& thread, bool all) {
  if (!all && thread.stack.empty() && thread.todo.first.empty()) return;
  fmt::format_to(Text(text), "  thread {}: l {:02x} need_return {} tr 0\n", thread.tid,
                 thread.looper, thread.need_return ? 1 : 0);
  for (const StackEntryView& entry : thread.stack) {
    print(text, entry.incoming ? "    incoming transaction" : "    outgoing transaction",
          entry.transaction, entry.incoming);
  }
  print(text, "    ", "pending transaction", thread.todo);
}

void print(std::string& text, const NodeView& node, bool all) {
  if (!all && node.async_todo.first.empty()) return;
  const Text out(text);
  fmt::format_to(out, "  node {}: u{:016x} c{:016x} hs {} hw {} ls {} lw {} is {} iw {} tr 1",
                 node.name.debug_id, node.name.ptr, node.name.cookie, node.has_strong ? 1 : 0,
                 node.has_weak ? 1 : 0, node.local_strong, node.local_weak, node.internal_strong,
                 node.holder_pids.size() + node.holder_hosts.size());
  if (!node.holder_pids.empty()) {
    text += " proc";
    for (const std::int32_t pid : node.holder_pids) fmt::format_to(out, " {}", pid);
  }
  if (!node.holder_hosts.empty()) {
    text += " host";
    for (const std::string& host : node.holder_hosts) fmt::format_to(out, " {}", host);
  }
  text += '\n';
  print(text, "    ", "pending async transaction", node.async_todo);
}

void print(std::string& text, const ProcessDebugView& process, bool all) {
  const std::size_t start = text.size();
  const Text out(text);
  fmt::format_to(out, "proc {}\ncontext {}\n", process.pid, process.context);
  const std::size_t header_end = text.size();
  for (const ThreadView& thread : process.threads) print(text, thread, all);
  for (const NodeView& node : process.nodes) print(text, node, all);
  if (all) {
    for (const RefView& ref : process.refs) {
      // The kernel shows the address of a requested notification, or 0.
      fmt::format_to(out, "  ref {}: desc {} {}node {} s {} w {} d {:016x}", ref.debug_id,
                     ref.handle, ref.node_dead ? "dead " : "", ref.node, ref.strong, ref.weak,
                     ref.death_requested ? ref.debug_id : 0);
      if (!ref.node_host.empty()) fmt::format_to(out, " host {}", ref.node_host);
      text += '\n';
    }
  }
  for (const BufferView& buffer : process.buffers) {
    fmt::format_to(out, "  buffer {}: {:x} size {}:{}:{} {}\n", buffer.debug_id, buffer.offset,
                   buffer.data_size, buffer.offsets_size, buffer.extra_size,
                   buffer.delivered ? "delivered" : "active");
  }
  print(text, "  ", "pending transaction", process.todo);
  if (process.has_delivered_death) text += "  has delivered dead binder\n";
  if (process.has_delivered_freeze) text += "  has delivered freeze binder\n";
  if (!all && text.size() == header_end) text.resize(start);
}

void print(std::string& text, std::string_view indent, const CommandCounts& counts) {
  const Text out(text);
  for (std::size_t i = 0; i < counts.bc.size(); ++i) {
    if (counts.bc[i] > 0) fmt::format_to(out, "{}{}: {}\n", indent, kBcNames[i], counts.bc[i]);
  }
  for (std::size_t i = 0; i < counts.br.size(); ++i) {
    if (counts.br[i] > 0) fmt::format_to(out, "{}{}: {}\n", indent, kBrNames[i], counts.br[i]);
  }
}

void print_statistics(std::string& text, const ProcessDebugView& process) {
  std::uint64_t strong = 0;
  std::uint64_t weak = 0;
  for (const RefView& ref : process.refs) {
    strong += ref.strong;
    weak += ref.weak;
  }
  std::size_t pending = 0;
  for (const WorkView& work : process.todo.first) {
    pending += work.kind == WorkKind::kTransaction ? 1 : 0;
  }
  fmt::format_to(Text(text),
                 "proc {}\n"
                 "context {}\n"
                 "  threads: {}\n"
                 "  requested threads: {}+{}/{}\n"
                 "  ready threads {}\n"
                 "  free async space {}\n"
                 "  nodes: {}\n"
                 "  refs: {} s {} w {}\n"
                 "  buffers: {}\n"
                 "  pages: {}:{}:{}\n"
                 "  pages high watermark: {}\n"
                 "  pending transactions: {}\n",
                 process.pid, process.context, process.threads.size(), process.requested_threads,
                 process.requested_threads_started, process.max_threads, process.waiting_threads,
                 process.free_async_bytes, process.nodes.size(), process.refs.size(), strong, weak,
                 process.buffers.size(), process.pages_used, process.pages_kept,
                 process.pages_untouched, process.pages_high, pending);
  print(text, "  ", process.commands);
}

std::string state_text(const DebugState& state) {
  std::string text = "binder state:\n";
  if (!state.dead_nodes.empty()) text += "dead nodes:\n";
  for (const NodeView& node : state.dead_nodes) print(text, node, true);
  for (const ProcessDebugView& process : state.processes) print(text, process, true);
  return text;
}

std::string transactions_text(const DebugState& state) {
  std::string text = "binder transactions:\n";
  for (const ProcessDebugView& process : state.processes) print(text, process, false);
  return text;
}

std::string stats_text(const DebugContent& content) {
  std::string text = "binder stats:\n";
  print(text, "", content.statistics);
  const ObjectCounts& counts = content.counts;
  const auto print_count = [&](std::string_view name, const ObjectCount& count) {
    if (count.total == 0) return;
    fmt::format_to(Text(text), "{}: active {} total {}\n", name, count.active, count.total);
  };
  print_count("proc", counts.processes);
  print_count("thread", counts.threads);
  print_count("node", counts.nodes);
  print_count("ref", counts.refs);
  print_count("death", counts.deaths);
  print_count("transaction", counts.transactions);
  print_count("transaction_complete", counts.completions);
  print_count("freeze", counts.freezes);
  for (const ProcessDebugView& process : content.state.processes) print_statistics(text, process);
  return text;
}

std::string log_text(const Driver& driver, const std::vector<TransactionLogEntry>& log) {
  std::string text;
  for (const TransactionLogEntry& entry : log) {
    const char* kind = "call ";
    if (entry.kind == TransactionLogEntry::Kind::kOneway) kind = "async";
    if (entry.kind == TransactionLogEntry::Kind::kReply) kind = "reply";
    fmt::format_to(
        Text(text),
        "{}: {} from {}:{} to {}:{} context {} node {} handle {} size {}:{} ret {}/{} l={}",
        entry.debug_id, kind, entry.from_pid, entry.from_tid, entry.to_pid, entry.to_tid,
        entry.context != nullptr ? entry.context->name() : "-", entry.to_node, entry.handle,
        entry.data_size, entry.offsets_size, entry.failed_command, entry.failed_error,
        entry.failed_line);
    for (const HostId host : {entry.from_host, entry.to_host}) {
      if (host != HostId{}) fmt::format_to(Text(text), " host {}", driver.host_name(host));
    }
    if (entry.reason != nullptr) {
      fmt::format_to(Text(text), " ({}", entry.reason);
      if (entry.rule != 0) fmt::format_to(Text(text), ", rule {}", entry.rule);
      text += ')';
    }
    text += '\n';
  }
  return text;
}

std::string process_list(const Driver& driver, const Viewer& viewer) {
  std::set<std::int32_t> pids;
  for (const Driver::ProcessView& process : driver.processes()) {
    if (viewer.sees(process.euid)) pids.insert(process.pid);
  }
  std::string text;
  for (const std::int32_t pid : pids) fmt::format_to(Text(text), "{}\n", pid);
  return text;
}

std::string device_list(const Driver& driver) {
  std::string text;
  for (const Driver::ContextView& context : driver.contexts()) text += context.name + "\n";
  return text;
}

std::optional<std::string> process_text(const DebugState& state) {
  if (state.processes.empty()) return std::nullopt;
  std::string text = "binder proc state:\n";
  for (const ProcessDebugView& process : state.processes) print(text, process, true);
  return text;
}

constexpr std::string_view kProcesses = "proc/";

}  // namespace

std::optional<std::int32_t> is_about_processes(std::string_view file) {
  if (file == "state" || file == "stats" || file == "transactions") return 0;
  if (!file.starts_with(kProcesses)) return std::nullopt;
  std::int32_t pid = 0;
  const char* const end = file.data() + file.size();
  const auto parsed = std::from_chars(file.data() + kProcesses.size(), end, pid);
  if (parsed.ec != std::errc{} || parsed.ptr != end || pid <= 0) return std::nullopt;
  return pid;
}

std::optional<std::string> debug_file_text(const DebugContent& content, std::string_view file) {
  if (file == "state") return state_text(content.state);
  if (file == "stats") return stats_text(content);
  if (file == "transactions") return transactions_text(content.state);
  return process_text(content.state);
}

std::optional<std::string> debug_file_text(const Driver& driver, const Viewer& viewer,
                                           std::string_view file) {
  if (const auto pid = is_about_processes(file)) {
    DebugCollection collection = driver.collect(viewer, *pid);
    while (!collection.go_on()) {
    }
    DebugContent content{.state = collection.take(),
                         .statistics = driver.statistics(),
                         .counts = driver.object_counts()};
    content.state.sort_dead_nodes();
    return debug_file_text(content, file);
  }
  if (file == "transaction_log") return log_text(driver, driver.log(viewer));
  if (file == "failed_transaction_log") return log_text(driver, driver.failed_log(viewer));
  if (file == "proc/") return process_list(driver, viewer);
  if (file == "devices/") return device_list(driver);
  return std::nullopt;
}

}  // namespace netbinder
