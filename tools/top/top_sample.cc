// SPDX-License-Identifier: Apache-2.0
#include "tools/top/top_sample.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "tools/told.h"

namespace netbinder::tools {

namespace {

using nlohmann::json;

void read_status(const Told& status, TopLook& look) {
  look.host = status.text("host");
  look.cluster = status.text("cluster");
  look.version = status.text("version");
  const auto count = [](const Told& of, const char* name) {
    return of.number<std::uint64_t>(name);
  };
  look.hosts_connected = count(status, "hosts_connected");
  look.hosts_configured = count(status, "hosts_configured");
  look.transactions = count(status.object("counts"), "transactions");
  const Told statistics = status.object("statistics");
  look.calls_local = count(statistics, "calls_local");
  look.calls_to_peers = count(statistics, "calls_to_peers");
  look.calls_from_peers = count(statistics, "calls_from_peers");
  look.failed_calls = count(statistics, "failed_calls");
  look.payload_bytes = count(statistics, "payload_bytes_copied");
  look.requests = count(statistics, "requests");
  for (const json& each : status.list("contexts")) {
    const Told context(each);
    look.contexts.push_back({.name = context.text("name"), .manager = context.text("manager")});
  }
  for (const json& each : status.list("links")) {
    const Told link(each);
    look.links.push_back({.host = link.text("host"),
                          .transport = link.text("transport"),
                          .state = link.text("state"),
                          .bytes_sent = count(link, "bytes_sent"),
                          .bytes_received = count(link, "bytes_received"),
                          .unacknowledged_bytes = count(link, "unacknowledged_bytes"),
                          .round_trip_us = count(link, "round_trip_us"),
                          .reconnects = count(link, "reconnects")});
  }
}

void read_loads(const Told& loads, TopLook& look) {
  for (const json& each : loads.list("processes")) {
    const Told load(each);
    const auto count = [&](const char* name) { return load.number<std::uint64_t>(name); };
    // An agent of an older version does not tell names.
    look.processes.emplace(
        count("id"), TopLook::Process{.pid = load.number<std::int32_t>("pid"),
                                      .uid = load.number<std::uint32_t>("uid"),
                                      .context = load.text("context"),
                                      .program = load.has("program") ? load.text("program") : "",
                                      .threads = count("threads"),
                                      .waiting_threads = count("waiting_threads"),
                                      .outstanding = count("outstanding"),
                                      .arena_bytes = count("arena_bytes"),
                                      .arena_used_bytes = count("arena_used_bytes"),
                                      .calls_made = count("calls_made"),
                                      .calls_handled = count("calls_handled")});
  }
}

double rate(std::uint64_t before, std::uint64_t now, double seconds) {
  return static_cast<double>(now >= before ? now - before : now) / seconds;
}

}  // namespace

TopLook look_of(const json& status, const json& loads) {
  TopLook look;
  read_status(Told(status), look);
  read_loads(Told(loads), look);
  return look;
}

TopPage page_of(const TopLook& before, TopLook now) {
  TopPage page;
  page.seconds = std::max(std::chrono::duration<double>(now.time - before.time).count(), 1e-6);
  const auto of = [&](std::uint64_t TopLook::*counter) {
    return rate(before.*counter, now.*counter, page.seconds);
  };
  page.calls_local = of(&TopLook::calls_local);
  page.calls_to_peers = of(&TopLook::calls_to_peers);
  page.calls_from_peers = of(&TopLook::calls_from_peers);
  page.failed_calls = of(&TopLook::failed_calls);
  page.payload_bytes = of(&TopLook::payload_bytes);
  page.requests = of(&TopLook::requests);
  for (TopLook::Context& context : now.contexts)
    page.contexts.push_back({.now = std::move(context)});
  for (auto& [id, process] : now.processes) {
    const auto earlier = before.processes.find(id);
    const TopLook::Process none;
    const TopLook::Process& then = earlier == before.processes.end() ? none : earlier->second;
    TopPage::Process& made = page.processes.emplace_back();
    made.calls_made = rate(then.calls_made, process.calls_made, page.seconds);
    made.calls_handled = rate(then.calls_handled, process.calls_handled, page.seconds);
    made.now = std::move(process);
    const auto context = std::ranges::find_if(
        page.contexts, [&](const auto& each) { return each.now.name == made.now.context; });
    if (context == page.contexts.end()) continue;
    ++context->processes;
    context->threads += made.now.threads;
    context->waiting_threads += made.now.waiting_threads;
    context->outstanding += made.now.outstanding;
    context->arena_bytes += made.now.arena_bytes;
    context->arena_used_bytes += made.now.arena_used_bytes;
    context->calls_made += made.calls_made;
    context->calls_handled += made.calls_handled;
  }
  std::ranges::stable_sort(page.processes, [](const auto& a, const auto& b) {
    const double calls_a = a.calls_made + a.calls_handled;
    const double calls_b = b.calls_made + b.calls_handled;
    return calls_a != calls_b ? calls_a > calls_b : a.now.outstanding > b.now.outstanding;
  });
  for (TopLook::Link& link : now.links) {
    const auto earlier = std::ranges::find(before.links, link.host, &TopLook::Link::host);
    TopPage::Link& made = page.links.emplace_back();
    if (earlier != before.links.end()) {
      made.bytes_sent = rate(earlier->bytes_sent, link.bytes_sent, page.seconds);
      made.bytes_received = rate(earlier->bytes_received, link.bytes_received, page.seconds);
    }
    made.now = std::move(link);
  }
  now.contexts.clear();
  now.links.clear();
  now.processes.clear();
  page.now = std::move(now);
  return page;
}

json to_json(const TopPage& page) {
  json made = {{"host", page.now.host},
               {"cluster", page.now.cluster},
               {"version", page.now.version},
               {"hosts_connected", page.now.hosts_connected},
               {"hosts_configured", page.now.hosts_configured},
               {"seconds", page.seconds},
               {"transactions", page.now.transactions},
               {"calls_per_second",
                {{"local", page.calls_local},
                 {"to_peers", page.calls_to_peers},
                 {"from_peers", page.calls_from_peers},
                 {"failed", page.failed_calls}}},
               {"payload_bytes_per_second", page.payload_bytes},
               {"requests_per_second", page.requests},
               {"contexts", json::array()},
               {"links", json::array()},
               {"processes", json::array()}};
  for (const TopPage::Context& context : page.contexts) {
    made["contexts"].push_back({{"name", context.now.name},
                                {"manager", context.now.manager},
                                {"processes", context.processes},
                                {"threads", context.threads},
                                {"waiting_threads", context.waiting_threads},
                                {"outstanding", context.outstanding},
                                {"arena_bytes", context.arena_bytes},
                                {"arena_used_bytes", context.arena_used_bytes},
                                {"calls_made_per_second", context.calls_made},
                                {"calls_handled_per_second", context.calls_handled}});
  }
  for (const TopPage::Link& link : page.links) {
    made["links"].push_back({{"host", link.now.host},
                             {"transport", link.now.transport},
                             {"state", link.now.state},
                             {"round_trip_us", link.now.round_trip_us},
                             {"bytes_sent_per_second", link.bytes_sent},
                             {"bytes_received_per_second", link.bytes_received},
                             {"unacknowledged_bytes", link.now.unacknowledged_bytes},
                             {"resumed", link.now.reconnects}});
  }
  for (const TopPage::Process& process : page.processes) {
    made["processes"].push_back({{"pid", process.now.pid},
                                 {"uid", process.now.uid},
                                 {"program", process.now.program},
                                 {"context", process.now.context},
                                 {"threads", process.now.threads},
                                 {"waiting_threads", process.now.waiting_threads},
                                 {"outstanding", process.now.outstanding},
                                 {"arena_bytes", process.now.arena_bytes},
                                 {"arena_used_bytes", process.now.arena_used_bytes},
                                 {"calls_made_per_second", process.calls_made},
                                 {"calls_handled_per_second", process.calls_handled}});
  }
  return made;
}

}  // namespace netbinder::tools
