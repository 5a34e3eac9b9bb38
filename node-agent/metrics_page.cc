// SPDX-License-Identifier: Apache-2.0
#include "node-agent/metrics_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "generated/version.h"
#include "host/data_plane.h"
#include "host/host_work.h"
#include "node-agent/agent.h"
#include "node-agent/call_latencies.h"
#include "node-agent/channel_statistics.h"
#include "node-agent/debug_names.h"
#include "node-agent/event_loop.h"
#include "node-agent/foreign_closer.h"
#include "node-agent/late_turns.h"
#include "node-agent/look_window.h"

namespace netbinder {

namespace {

using Type = MetricText::Type;

struct LinkMetric {
  const char* name;
  Type type;
  const char* help;
  double (*value)(const LinkStatus& link);
};

double number(std::uint64_t value) { return static_cast<double>(value); }

constexpr std::array kLinkMetrics = {
    LinkMetric{"netbinder_link_up", Type::kGauge, "Whether there is a link to the host now.",
               [](const LinkStatus& link) { return link.state == "established" ? 1.0 : 0.0; }},
    LinkMetric{"netbinder_session_up", Type::kGauge,
               "Whether there is a session with the host, with or without a link at the moment.",
               [](const LinkStatus& link) { return link.state == "connecting" ? 0.0 : 1.0; }},
    LinkMetric{"netbinder_sessions_total", Type::kCounter,
               "Sessions with the host that have begun.",
               [](const LinkStatus& link) { return number(link.sessions); }},
    LinkMetric{"netbinder_sessions_lost_total", Type::kCounter,
               "Sessions with the host that were lost: all that it had here is dead.",
               [](const LinkStatus& link) { return number(link.sessions_lost); }},
    LinkMetric{"netbinder_session_resumptions_total", Type::kCounter,
               "Links that resumed a session whose link before was lost.",
               [](const LinkStatus& link) { return number(link.reconnects); }},
    LinkMetric{"netbinder_link_sent_bytes_total", Type::kCounter, "Bytes sent to the host.",
               [](const LinkStatus& link) { return number(link.bytes_sent); }},
    LinkMetric{"netbinder_link_received_bytes_total", Type::kCounter,
               "Bytes received from the host.",
               [](const LinkStatus& link) { return number(link.bytes_received); }},
    LinkMetric{"netbinder_link_sent_messages_total", Type::kCounter, "Messages sent to the host.",
               [](const LinkStatus& link) { return number(link.messages_sent); }},
    LinkMetric{"netbinder_link_received_messages_total", Type::kCounter,
               "Messages received from the host.",
               [](const LinkStatus& link) { return number(link.messages_received); }},
    LinkMetric{"netbinder_link_unacknowledged_bytes", Type::kGauge,
               "Bytes for the host that it has not acknowledged yet, or that still wait here.",
               [](const LinkStatus& link) { return number(link.unacknowledged_bytes); }},
    LinkMetric{"netbinder_link_round_trip_seconds", Type::kGauge,
               "Round trip of the link's TCP connection as the kernel has it; 0: not known.",
               [](const LinkStatus& link) { return number(link.round_trip_us) / 1e6; }},
    LinkMetric{"netbinder_link_retransmitted_segments_total", Type::kCounter,
               "TCP segments that the kernel sent to the host more than once.",
               [](const LinkStatus& link) { return number(link.retransmitted); }},
    LinkMetric{"netbinder_link_rdma_written_bytes_total", Type::kCounter,
               "Bytes of payloads that this host's RDMA device wrote to the host.",
               [](const LinkStatus& link) { return number(link.payload_bytes_written); }},
    LinkMetric{"netbinder_link_up_seconds", Type::kGauge, "Age of the link; 0: there is none.",
               [](const LinkStatus& link) { return number(link.up_for_ms) / 1e3; }},
};

struct ContextMetric {
  const char* name;
  const char* help;
  std::uint64_t ContextUsage::*value;
};

constexpr std::array kContextMetrics = {
    ContextMetric{"netbinder_processes", "Opens of the device.", &ContextUsage::processes},
    ContextMetric{"netbinder_threads", "Threads that use the device.", &ContextUsage::threads},
    ContextMetric{"netbinder_waiting_threads", "Threads that wait for a call.",
                  &ContextUsage::waiting_threads},
    ContextMetric{"netbinder_nodes", "Objects of the device's programs.", &ContextUsage::nodes},
    ContextMetric{"netbinder_refs", "Handles of the device's programs.", &ContextUsage::refs},
    ContextMetric{"netbinder_buffers", "Payloads in arenas.", &ContextUsage::buffers},
    ContextMetric{"netbinder_outstanding_transactions",
                  "Calls and replies that are queued to programs, and calls that they handle.",
                  &ContextUsage::outstanding},
    ContextMetric{"netbinder_arena_bytes",
                  "Memory in which the device's programs receive payloads.",
                  &ContextUsage::arena_bytes},
    ContextMetric{"netbinder_arena_used_bytes", "How much of the arenas is under payloads.",
                  &ContextUsage::arena_used_bytes},
    ContextMetric{"netbinder_async_space_bytes", "How much of the arenas oneway calls may take.",
                  &ContextUsage::async_bytes},
    ContextMetric{"netbinder_async_space_free_bytes", "How much of the async space is free.",
                  &ContextUsage::async_free_bytes},
};

constexpr std::array kKindNames = {"call", "oneway", "reply"};
constexpr std::array kWayNames = {"local", "to_peer", "from_peer"};
constexpr std::array kResultNames = {"sent", "failed", "dead", "frozen", "denied"};
static_assert(kKindNames.size() == CallCounts::kKinds && kWayNames.size() == CallCounts::kWays &&
              kResultNames.size() == CallCounts::kResults);

void write_calls(MetricText& text, std::string_view context, const CallCounts& calls) {
  for (std::size_t kind = 0; kind < CallCounts::kKinds; ++kind) {
    for (std::size_t way = 0; way < CallCounts::kWays; ++way) {
      for (std::size_t result = 0; result < CallCounts::kResults; ++result) {
        const std::uint64_t count =
            calls.of(static_cast<CallCounts::Kind>(kind), static_cast<CallCounts::Way>(way),
                     static_cast<CallCounts::Result>(result));
        // A series begins when its event first happens, but rates need "sent" from the start.
        const bool always = way == 0 && result == 0 && !context.empty();
        if (count == 0 && !always) continue;
        text.sample({{"context", context},
                     {"kind", kKindNames[kind]},
                     {"way", kWayNames[way]},
                     {"result", kResultNames[result]}},
                    count);
      }
    }
  }
}

}  // namespace

const std::vector<MetricsPage::Part> MetricsPage::kParts = {
    &MetricsPage::agent,      &MetricsPage::loop,        &MetricsPage::channels,
    &MetricsPage::commands,   &MetricsPage::users,       &MetricsPage::user_limits,
    &MetricsPage::membership, &MetricsPage::certificates};

MetricsPage::MetricsPage(const Agent& agent, const Shown& shown)
    : agent_(agent),
      shown_(shown),
      collection_(agent.driver().collect_usage()),
      links_(agent.links()) {}

bool MetricsPage::go_on() {
  NB_ON_DATA_PLANE();
  if (!collected_) {
    collected_ = collection_.go_on();
    if (!collected_) return false;
    usage_ = collection_.take();
    calls_ = usage_.contexts.begin();
    return false;
  }
  const std::size_t before = text_.samples();
  while (text_.samples() < before + kSamplesAtOnce) {
    if (!write_next()) return true;
  }
  return false;
}

bool MetricsPage::write_next() {
  if (part_ < kParts.size()) {
    (this->*kParts[part_++])();
  } else if (calls_ != usage_.contexts.end()) {
    calls_of_next_context();
  } else if (context_metric_ < kContextMetrics.size()) {
    context_metric(context_metric_++);
  } else if (latency_ != Latency::kDone) {
    latencies_of_next_interface();
  } else if (links_.empty()) {
    return false;
  } else if (!links_told_) {
    links_told_ = true;
    links();
  } else if (link_metric_ < kLinkMetrics.size()) {
    link_metric(link_metric_++);
  } else {
    return false;
  }
  return true;
}

void MetricsPage::agent() {
  const Config& config = agent_.config();
  text_.metric("netbinder_info", Type::kGauge, "The agent; its value is 1.");
  text_.sample({{"version", kProgramVersion}, {"host", config.host}, {"cluster", config.cluster}},
               std::uint64_t{1});
  text_.metric("netbinder_hosts_configured", Type::kGauge,
               "Hosts of the cluster, this one included.");
  text_.sample({}, std::uint64_t{config.hosts.size()});
  text_.metric("netbinder_hosts_connected", Type::kGauge,
               "Hosts of the cluster with which there is a session, and this one.");
  text_.sample({}, std::uint64_t{agent_.connected_peers() + 1});
  text_.metric("netbinder_processes_opened_total", Type::kCounter,
               "Times that a program has opened a binder device.");
  text_.sample({}, agent_.driver().processes_opened());
  text_.metric("netbinder_transactions", Type::kGauge,
               "Calls and replies under way on this host, and calls that await their replies.");
  text_.sample({}, usage_.transactions);
  text_.metric("netbinder_death_notifications", Type::kGauge,
               "Notifications of deaths that programs have asked for.");
  text_.sample({}, usage_.death_notifications);
  text_.metric("netbinder_deaths_delivered_total", Type::kCounter,
               "Deaths of objects that programs have read of.");
  text_.sample({}, agent_.driver().statistics().br[_IOC_NR(BR_DEAD_BINDER)]);
  text_.metric("netbinder_descriptor_relays", Type::kGauge,
               "Descriptors that are relayed between this host and others.");
  text_.sample({}, std::uint64_t{agent_.relays()});
  text_.metric("netbinder_descriptors_to_close", Type::kGauge,
               "Descriptors of programs that wait to be closed.");
  text_.sample({}, std::uint64_t{waiting_to_be_closed()});
}

void MetricsPage::loop() {
  const LateTurns& turns = agent_.turns();
  const LoopWaits& waits = agent_.waits();
  text_.metric("netbinder_loop_turn_seconds", Type::kHistogram,
               "Turns of the agent's loop: how long everybody else had to wait for each.");
  text_.histogram({}, TurnTimes::kBoundsNs, turns.times().counts, turns.times().total_ns);
  text_.metric("netbinder_loop_late_turns_total", Type::kCounter,
               "Turns of the agent's loop that took 10 ms or more.");
  text_.sample({}, turns.late());
  text_.metric("netbinder_loop_waits_total", Type::kCounter,
               "Waits of the agent's loop, by how they ended.");
  text_.sample({{"ended", "found_by_looking"}}, waits.found_by_looking);
  text_.sample({{"ended", "slept"}}, waits.slept);
  text_.sample({{"ended", "looked_in_vain"}}, waits.looked_in_vain);
  text_.metric("netbinder_loop_crowded_looks_total", Type::kCounter,
               "Times that the loop gave up looking because others wanted its processor.");
  text_.sample({}, waits.crowded_looks);
  text_.metric("netbinder_loop_look_seconds", Type::kGauge,
               "How long the agent and its programs look before they sleep.");
  text_.sample({}, static_cast<double>(agent_.look_window().ns()) / 1e9);
}

void MetricsPage::channels() {
  const ChannelStatistics& channels = agent_.channel_statistics();
  text_.metric("netbinder_channels", Type::kGauge, "Channels of programs.");
  text_.sample({}, std::uint64_t{agent_.channels()});
  text_.metric("netbinder_requests_total", Type::kCounter, "Requests of programs: their ioctls.");
  text_.sample({}, channels.requests);
  text_.metric("netbinder_doorbells_total", Type::kCounter, "Times that a program woke the agent.");
  text_.sample({}, channels.doorbells);
  text_.metric("netbinder_wakeups_total", Type::kCounter, "Times that the agent woke a thread.");
  text_.sample({}, channels.wakeups);
  text_.metric(
      "netbinder_payload_bytes_total", Type::kCounter,
      "Bytes of calls and replies, by the way they took: from a thread's mailbox, from the "
      "staging area behind it (mapped, or read from its file), over the network.");
  text_.sample({{"path", "mailbox"}}, channels.staged.mailbox);
  text_.sample({{"path", "staged"}}, channels.staged.mapped);
  text_.sample({{"path", "staged_file"}}, channels.staged.file);
  text_.sample({{"path", "network"}}, agent_.work().payload_bytes);
  text_.metric("netbinder_failed_calls_total", Type::kCounter,
               "Calls and replies that failed, also after they were sent.");
  text_.sample({}, agent_.driver().statistics().failed_calls);
}

void MetricsPage::commands() {
  const Statistics& statistics = agent_.driver().statistics();
  text_.metric("netbinder_commands_total", Type::kCounter,
               "BC commands that programs gave, and BR commands that they read.");
  for (std::size_t i = 0; i < kBcNames.size(); ++i) {
    text_.sample({{"command", kBcNames[i]}}, statistics.bc[i]);
  }
  for (std::size_t i = 0; i < kBrNames.size(); ++i) {
    text_.sample({{"command", kBrNames[i]}}, statistics.br[i]);
  }
}

void MetricsPage::calls_of_next_context() {
  if (calls_ == usage_.contexts.begin()) {
    text_.metric("netbinder_calls_total", Type::kCounter,
                 "Calls and replies, by how sending them ended. Without a context: those of other "
                 "hosts that were for no program here.");
    write_calls(text_, "", usage_.calls_without_context);
  }
  if (calls_ == usage_.contexts.end()) return;
  write_calls(text_, calls_->first, calls_->second.calls);
  ++calls_;
}

void MetricsPage::context_metric(std::size_t number) {
  const ContextMetric& metric = kContextMetrics[number];
  text_.metric(metric.name, Type::kGauge, metric.help);
  for (const auto& [name, usage] : usage_.contexts) {
    text_.sample({{"context", name}}, usage.*metric.value);
  }
}

void MetricsPage::latencies_of_next_interface() {
  const CallLatencies* const latencies = agent_.call_latencies();
  if (latencies == nullptr) {  // at all, or no more: it may change while a page is made
    latency_ = Latency::kDone;
    return;
  }
  const bool of_calls = latency_ == Latency::kCall;
  if (interface_ == 0 && of_calls) {
    text_.metric("netbinder_call_seconds", Type::kHistogram,
                 "Calls that were replied to: from their beginning on the caller's host to the "
                 "reply's arrival there.");
  } else if (interface_ == 0) {
    text_.metric("netbinder_call_handling_seconds", Type::kHistogram,
                 "Calls that were replied to: from their reading on the object's host to the "
                 "reply.");
  }
  if (interface_ >= latencies->series().size()) {
    latency_ = of_calls ? Latency::kHandling : Latency::kDone;
    interface_ = 0;
    return;
  }
  const CallLatencies::Series& of = latencies->series()[interface_++];
  const auto write = [&](const LatencyHistogram& histogram, MetricText::Labels labels) {
    if (histogram.empty()) return;
    text_.histogram(labels, LatencyHistogram::kBoundsNs, histogram.counts(), histogram.total_ns());
  };
  const MetricText::Label context{"context", of.context()};
  const MetricText::Label interface { "interface", of.interface() };
  if (of_calls) {
    write(of.local, {context, interface, {"way", "local"}});
    write(of.to_peer, {context, interface, {"way", "to_peer"}});
  } else {
    write(of.handling, {context, interface});
  }
}

std::vector<MetricsPage::User> MetricsPage::users_seen() const {
  std::vector<const UserUsage*> seen;
  for (const auto& [uid, usage] : agent_.driver().users()) {
    if (shown_.viewer.sees(uid)) seen.push_back(&usage);
  }
  const auto more = [](const UserUsage* a, const UserUsage* b) {
    return a->processes.value() != b->processes.value()
               ? a->processes.value() > b->processes.value()
               : a->uid() < b->uid();
  };
  const std::size_t kept = std::min(seen.size(), kMaxUsers);
  std::partial_sort(seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(kept), seen.end(),
                    more);
  std::vector<User> users;
  for (const UserUsage* usage : seen) {
    if (users.size() <= kMaxUsers) {
      users.push_back(
          {.uid = users.size() < kMaxUsers ? fmt::format("{}", usage->uid()) : "other"});
    }
    User& user = users.back();
    user.processes += usage->processes.value();
    user.threads += usage->threads.value();
    user.nodes += usage->nodes.value();
    user.refs += usage->refs.value();
    user.todos += usage->todos.value();
    user.files += agent_.files_of(usage->uid());
  }
  return users;
}

void MetricsPage::users() {
  if (!shown_.users) return;
  const std::vector<User> users = users_seen();
  struct Sum {
    const char* name;
    const char* help;
    std::size_t User::*value;
  };
  constexpr std::array kSums = {
      Sum{"netbinder_user_processes", "Opens of devices by the user.", &User::processes},
      Sum{"netbinder_user_threads", "Threads of the user's programs.", &User::threads},
      Sum{"netbinder_user_nodes", "Objects of the user's programs.", &User::nodes},
      Sum{"netbinder_user_refs", "Handles of the user's programs.", &User::refs},
      Sum{"netbinder_user_todos",
          "Completions and notifications that the user's programs have not read.", &User::todos},
      Sum{"netbinder_user_files", "Descriptors of the user's programs that are on their way.",
          &User::files},
  };
  for (const Sum& sum : kSums) {
    text_.metric(sum.name, Type::kGauge, sum.help);
    for (const User& user : users) {
      text_.sample({{"uid", user.uid}}, std::uint64_t{user.*sum.value});
    }
  }
}

void MetricsPage::user_limits() {
  const LimitSettings& limits = agent_.config().limits;
  text_.metric("netbinder_user_limit", Type::kGauge,
               "The most of a kind that each user but root may have.");
  text_.sample({{"of", "processes"}}, std::uint64_t{limits.max_processes_per_user});
  text_.sample({{"of", "threads"}}, std::uint64_t{limits.max_threads_per_user});
  text_.sample({{"of", "nodes"}}, std::uint64_t{limits.max_nodes_per_user});
  text_.sample({{"of", "refs"}}, std::uint64_t{limits.max_refs_per_user});
  text_.sample({{"of", "todos"}}, std::uint64_t{limits.max_todos_per_user});
  text_.sample({{"of", "files"}}, std::uint64_t{limits.max_files_per_user});
  text_.metric("netbinder_process_limit", Type::kGauge, "The most opens of devices by all users.");
  text_.sample({}, std::uint64_t{limits.max_processes});
}

void MetricsPage::membership() {
  const MembershipStatus membership = agent_.membership();
  const bool listed = membership.kind == "static";
  text_.metric("netbinder_membership_joined", Type::kGauge,
               "Whether this host is a member of the cluster: of a list, always.");
  text_.sample({{"kind", membership.kind}}, std::uint64_t{listed || membership.joined ? 1U : 0U});
  text_.metric("netbinder_membership_available", Type::kGauge,
               "Whether the store of the cluster's members answers; a list always does.");
  text_.sample({{"kind", membership.kind}},
               std::uint64_t{listed || membership.available ? 1U : 0U});
  if (listed) return;
  text_.metric("netbinder_membership_lease_left_seconds", Type::kGauge,
               "How long this host is still a member without renewing its lease.");
  text_.sample({{"kind", membership.kind}}, static_cast<double>(membership.lease_left_ms) / 1e3);
}

void MetricsPage::certificates() {
  const std::int64_t own_s = agent_.certificate_end_s();
  const auto ends = [](const LinkStatus& link) { return link.certificate_end_s > 0; };
  if (own_s <= 0 && std::ranges::none_of(links_, ends)) return;
  text_.metric("netbinder_certificate_end_timestamp_seconds", Type::kGauge,
               "When a host's certificate ends, in seconds since 1970: this host's, and those of "
               "hosts with a link.");
  if (own_s > 0) text_.sample({{"host", agent_.config().host}}, static_cast<std::uint64_t>(own_s));
  for (const LinkStatus& link : links_) {
    if (!ends(link)) continue;
    text_.sample({{"host", link.name}}, static_cast<std::uint64_t>(link.certificate_end_s));
  }
}

void MetricsPage::links() {
  text_.metric("netbinder_link_info", Type::kGauge,
               "How the host is reached; its value is 1 for each host.");
  for (const LinkStatus& link : links_) {
    text_.sample({{"host", link.name}, {"address", link.address}, {"transport", link.transport}},
                 std::uint64_t{1});
  }
}

void MetricsPage::link_metric(std::size_t number) {
  const LinkMetric& metric = kLinkMetrics[number];
  text_.metric(metric.name, metric.type, metric.help);
  for (const LinkStatus& link : links_) text_.sample({{"host", link.name}}, metric.value(link));
}

}  // namespace netbinder
