// SPDX-License-Identifier: Apache-2.0
#include "node-agent/agent_status.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "channel/version.h"
#include "core/base/statistics.h"
#include "core/driver.h"
#include "core/view/viewer.h"
#include "generated/version.h"
#include "host/host_work.h"
#include "node-agent/agent.h"
#include "node-agent/channel_statistics.h"
#include "node-agent/event_loop.h"
#include "node-agent/foreign_closer.h"
#include "node-agent/look_window.h"
#include "node-agent/other_versions.h"
#include "transport/tcp/certificate.h"
#include "transport/transport.h"

namespace netbinder {
namespace {

using nlohmann::json;

// `list` is the number of the host's list of hosts.
json status_of(const LinkStatus& link, ListNumber list) {
  return {{"host", link.name},
          {"list", list.value()},
          {"address", link.address},
          {"transport", link.transport},
          {"transport_reason", link.transport_reason},
          {"state", link.state},
          {"protocol_version", link.version},
          {"bytes_sent", link.bytes_sent},
          {"bytes_received", link.bytes_received},
          {"messages_sent", link.messages_sent},
          {"messages_received", link.messages_received},
          {"reconnects", link.reconnects},
          {"sessions", link.sessions},
          {"sessions_lost", link.sessions_lost},
          {"retransmitted", link.retransmitted},
          {"last_failure", link.last_failure},
          {"up_for_ms", link.up_for_ms},
          {"round_trip_us", link.round_trip_us},
          {"clock_ahead_ms", link.clock_ahead_ms ? json(*link.clock_ahead_ms) : json(nullptr)},
          {"certificate_end_s", link.certificate_end_s},
          {"certificate_end",
           link.certificate_end_s == 0 ? "" : tcp::format_time(link.certificate_end_s)},
          {"unacknowledged_bytes", link.unacknowledged_bytes},
          {"payload_bytes_written", link.payload_bytes_written},
          {"payload_bytes_copied", link.payload_bytes_copied},
          {"payload_bytes_written_here", link.payload_bytes_written_here},
          {"payload_bytes_copied_here", link.payload_bytes_copied_here}};
}

json status_of(const MembershipStatus& membership) {
  json members = json::array();
  for (const Member& member : membership.members) {
    members.push_back({{"host", member.name},
                       {"id", member.id.value()},
                       {"address", member.address},
                       {"incarnation", member.incarnation.value()},
                       {"labels", json(member.labels)}});
  }
  json status{{"kind", membership.kind}, {"hosts", members}};
  if (membership.kind == "static") {
    status["list"] = membership.list.value();
    return status;
  }
  status["joined"] = membership.joined;
  status["available"] = membership.available;
  status["since_ms"] = membership.since_ms;
  status["last_error"] = membership.last_error;
  status["endpoint"] = membership.endpoint;
  status["version"] = membership.version;
  status["revision"] = membership.revision;
  status["lease_s"] = membership.lease_s;
  status["lease_left_ms"] = membership.lease_left_ms;
  return status;
}

}  // namespace

json status_of(const Agent& agent) {
  json status;
  const Driver::Counts counts = agent.driver().counts();
  status["host"] = agent.config().host;
  status["cluster"] = agent.config().cluster;
  status["pid"] = ::getpid();
  status["version"] = kProgramVersion;
  status["incarnation"] = agent.incarnation().value();
  status["hosts_configured"] = agent.config().hosts.size();
  status["hosts_connected"] = agent.connected_peers() + 1;
  status["records_calls"] = agent.records_calls();
  status["counts"] = {{"processes", counts.processes},
                      {"threads", counts.threads},
                      {"nodes", counts.nodes},
                      {"refs", counts.refs},
                      {"transactions", counts.transactions},
                      {"deaths", counts.deaths},
                      {"buffers", counts.buffers},
                      {"relays", agent.relays()}};
  for (const Driver::ContextView& context : agent.driver().contexts()) {
    status["contexts"].push_back({{"name", context.name},
                                  {"scope", context.cluster_wide ? "cluster" : "host"},
                                  {"manager", context.manager}});
  }
  status["membership"] = status_of(agent.membership());
  status["links"] = json::array();
  for (const LinkStatus& link : agent.links())
    status["links"].push_back(status_of(link, agent.driver().host_list_of(link.peer)));
  status["waiting"] = {{"wake_up_ns", agent.look_window().wake_up_ns()},
                       {"look_ns", agent.look_window().ns()},
                       {"found_by_looking", agent.waits().found_by_looking},
                       {"slept", agent.waits().slept},
                       {"looked_in_vain", agent.waits().looked_in_vain},
                       {"crowded_looks", agent.waits().crowded_looks},
                       {"descriptors_to_close", waiting_to_be_closed()}};
  const OtherVersions others = agent.other_versions();
  status["channel_versions"] = {{"newest", kChannelVersion},
                                {"oldest", kOldestChannelVersion},
                                {"refused_programs", others.refused},
                                {"last_refused_version", others.last_version},
                                {"last_refused_pid", others.last_pid}};
  const ChannelStatistics& channels = agent.channel_statistics();
  const Statistics& driver = agent.driver().statistics();
  status["statistics"] = {{"requests", channels.requests},
                          {"doorbells", channels.doorbells},
                          {"wakeups", channels.wakeups},
                          {"bytes_read", channels.bytes_read},
                          {"calls_local", driver.calls_local},
                          {"calls_to_peers", driver.calls_to_peers},
                          {"calls_from_peers", driver.calls_from_peers},
                          {"failed_calls", driver.failed_calls},
                          {"payload_bytes_copied", driver.payload_bytes_copied}};
  return status;
}

json users_of(const Agent& agent, const Viewer& viewer) {
  const LimitSettings& limits = agent.config().limits;
  json users = json::array();
  for (const auto& [uid, usage] : agent.driver().users()) {
    if (!viewer.sees(uid)) continue;
    users.push_back({{"uid", uid},
                     {"processes", usage.processes.value()},
                     {"threads", usage.threads.value()},
                     {"nodes", usage.nodes.value()},
                     {"refs", usage.refs.value()},
                     {"todos", usage.todos.value()},
                     {"files", agent.files_of(uid)}});
  }
  return {{"users", users},
          {"limits",
           {{"processes", limits.max_processes_per_user},
            {"threads", limits.max_threads_per_user},
            {"nodes", limits.max_nodes_per_user},
            {"refs", limits.max_refs_per_user},
            {"todos", limits.max_todos_per_user},
            {"files", limits.max_files_per_user}}}};
}

}  // namespace netbinder
