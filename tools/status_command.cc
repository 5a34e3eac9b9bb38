// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/commands.h"
#include "tools/host_answers.h"
#include "tools/installation.h"

namespace netbinder::tools {

namespace {

std::string text(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// Further facts of a link; empty if there are none. `own_list` is the number of this host's list.
std::string link_facts(const nlohmann::json& link, std::uint64_t own_list) {
  std::vector<std::string> facts;
  const auto list = link.value("list", std::uint64_t{0});
  if (list != 0 && own_list != 0 && list != own_list) {
    facts.push_back(fmt::format("list {} of hosts there, which is {} than {} here", list,
                                list < own_list ? "older" : "newer", own_list));
  }
  if (link["up_for_ms"] != 0) {
    facts.push_back(fmt::format("up for {} s", link["up_for_ms"].get<std::uint64_t>() / 1000));
  }
  if (link["round_trip_us"] != 0) {
    facts.push_back(fmt::format("round trip {} µs", text(link["round_trip_us"])));
  }
  // Older agents do not tell.
  if (const int version = link.value("protocol_version", 0); version != 0) {
    facts.push_back(fmt::format("protocol version {}", version));
  }
  if (link["certificate_end_s"] != 0) {
    facts.push_back("certificate until " + link["certificate_end"].get<std::string>());
  }
  if (link["last_failure"] != "") facts.push_back("last failure: " + text(link["last_failure"]));
  return fmt::format("{}", fmt::join(facts, ", "));
}

// The number of this host's list of hosts; 0: it has none, or the agent is older and does not tell.
std::uint64_t list_number(const nlohmann::json& status) {
  const auto membership = status.find("membership");
  return membership == status.end() ? 0 : membership->value("list", std::uint64_t{0});
}

// Prints how hosts join, or the number of the list of hosts if it has one.
void print_membership(const nlohmann::json& membership) {
  if (membership["kind"] == "static") {
    const auto list = membership.value("list", std::uint64_t{0});
    if (list != 0) {
      fmt::print("membership: list {} of hosts, {} of them\n", list, membership["hosts"].size());
    }
    return;
  }
  const std::uint64_t since_s = membership["since_ms"].get<std::uint64_t>() / 1000;
  const std::string error = membership["last_error"];
  if (membership["available"] == true) {
    fmt::print("membership: {} {} at {}, for {} s{}", text(membership["kind"]), text(membership["version"]),
               text(membership["endpoint"]), since_s,
               membership["joined"] == true ? "" : ", but this host has not joined: " + error);
  } else {
    fmt::print("membership: {} is away for {} s: hosts stay as they were, and no claim is granted; {}",
               text(membership["kind"]), since_s, error);
  }
  fmt::print("\n  {} hosts:", membership["hosts"].size());
  for (const auto& host : membership["hosts"]) {
    fmt::print(" {} ({}, {})", text(host["host"]), text(host["id"]), text(host["address"]));
  }
  fmt::print("\n");
}

// Nothing if no program was refused, or the agent is too old to tell.
void print_refused(const nlohmann::json& status) {
  const auto found = status.find("channel_versions");
  if (found == status.end() || (*found)["refused_programs"] == 0) return;
  const nlohmann::json& channel = *found;
  fmt::print(
      "programs refused for their shim's version: {}, the last pid {} with version {} of the "
      "channel; this agent speaks {} to {}\n",
      text(channel["refused_programs"]), text(channel["last_refused_pid"]),
      text(channel["last_refused_version"]), text(channel["oldest"]), text(channel["newest"]));
}

void print(const nlohmann::json& status) {
  fmt::print("host {} of cluster {}: agent pid {}, version {}, {} of {} hosts connected\n",
             text(status["host"]), text(status["cluster"]), text(status["pid"]), text(status["version"]),
             text(status["hosts_connected"]), text(status["hosts_configured"]));
  for (const auto& context : status["contexts"]) {
    fmt::print("context {} ({}): manager {}\n", text(context["name"]), text(context["scope"]),
               text(context["manager"]));
  }
  if (status.contains("membership")) print_membership(status["membership"]);  // older agents do not tell
  for (const auto& link : status["links"]) {
    const std::string reason = link["transport_reason"];
    fmt::print("link to {} at {} over {}{}: {}, {} messages sent, {} received, {} reconnects\n",
               text(link["host"]), text(link["address"]), text(link["transport"]),
               reason.empty() ? "" : " (" + reason + ")", text(link["state"]),
               text(link["messages_sent"]), text(link["messages_received"]),
               text(link["reconnects"]));
    const auto facts = link_facts(link, list_number(status));
    if (!facts.empty()) fmt::print("  {}\n", facts);
  }
  print_refused(status);
  for (const char* group : {"counts", "statistics", "waiting"}) {
    fmt::print("{}:", group);
    for (const auto& [name, value] : status[group].items()) fmt::print(" {} {}", name, text(value));
    fmt::print("\n");
  }
}

void print_users(const nlohmann::json& answer) {
  constexpr const char* kKinds[] = {"processes", "threads", "nodes", "refs", "todos", "files"};
  fmt::print("{:>12}", "user");
  for (const char* kind : kKinds) fmt::print("{:>12}", kind);
  fmt::print("\n");
  for (const auto& user : answer["users"]) {
    fmt::print("{:>12}", text(user["uid"]));
    for (const char* kind : kKinds) fmt::print("{:>12}", text(user[kind]));
    fmt::print("\n");
  }
  fmt::print("{:>12}", "at most");
  for (const char* kind : kKinds) fmt::print("{:>12}", text(answer["limits"][kind]));
  fmt::print("\n");
}

}  // namespace

int carry_out(const StatusOptions& options, char** /*argv*/) {
  const auto answers =
      ask_hosts(options.socket, options.hosts, {{"command", options.users ? "users" : "status"}},
                options.timeout_s);
  return print_answers(answers, options.hosts, options.json, options.users ? print_users : print);
}

}  // namespace netbinder::tools
