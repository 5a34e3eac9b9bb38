// SPDX-License-Identifier: Apache-2.0
#include "cluster-config/read_policy.h"

#include <algorithm>
#include <expected>
#include <optional>
#include <string>
#include <utility>

#include "cluster-config/accounts.h"

namespace netbinder {

namespace {

constexpr std::size_t kMaxRules = 256;
constexpr std::size_t kMaxOfRule = 64;  // subjects, or globs
constexpr std::size_t kMaxGlobBytes = 255;

using Read = std::expected<PolicyWho, std::string>;

Read user_or_group(PolicyWho who, std::string_view kind, const std::string& name) {
  const bool group = kind == "gid" || kind == "group";
  who.kind = group ? PolicyWho::Kind::kGroup : PolicyWho::Kind::kUser;
  if (kind == "uid" || kind == "gid") {
    const auto found = account_number(name);
    if (!found) return std::unexpected("'" + name + "' is no number");
    who.number = *found;
  } else if (group) {
    const auto found = group_named(name);
    if (!found) return std::unexpected("there is no group '" + name + "' on this host");
    who.number = *found;
  } else {
    const auto found = user_named(name);
    if (!found) return std::unexpected("there is no user '" + name + "' on this host");
    who.number = *found;
  }
  return who;
}

Read read_who(const std::string& text, const Config& config) {
  PolicyWho who;
  who.text = text;
  if (text == "*") return who;
  const std::size_t colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  std::string name = colon == std::string::npos ? "" : text.substr(colon + 1);
  const bool of_host = kind == "host";
  if (!of_host && kind != "uid" && kind != "user" && kind != "gid" && kind != "group") {
    return std::unexpected(
        "'" + text +
        "' is none of \"*\", uid:N, user:NAME, gid:N, group:NAME, each with @HOST or "
        "without, and host:NAME");
  }
  if (of_host) {
    who.host = name;
  } else if (const std::size_t at = name.rfind('@'); at != std::string::npos) {
    who.host = name.substr(at + 1);
    name.resize(at);
    if (who.host.empty())
      return std::unexpected("there is no host behind the '@' of '" + text + "'");
  }
  // Hosts that join are known later.
  const std::vector<HostSettings>& hosts = config.hosts;
  if ((of_host || !who.host.empty()) && config.membership.kind == MembershipKind::kStatic &&
      std::ranges::find(hosts, who.host, &HostSettings::name) == hosts.end()) {
    return std::unexpected("'" + who.host + "' is not one of [[hosts]]");
  }
  return of_host ? Read(who) : user_or_group(std::move(who), kind, name);
}

void read_actions(TableReader& table, PolicySettings& rule) {
  std::vector<std::string> allowed;
  std::vector<std::string> denied;
  const bool allows = table.get("allow", allowed);
  const bool denies = table.get("deny", denied);
  if (allows == denies) {
    table.fail(allows ? "deny" : "allow",
               "a rule has either allow or deny: a list of what it is about");
  }
  rule.effect = allows ? PolicyEffect::kAllow : PolicyEffect::kDeny;
  for (const std::string& word : allows ? allowed : denied) {
    const auto found = std::ranges::find(config_names::kPolicyActions, word,
                                         &std::pair<std::string_view, PolicyAction>::first);
    if (found == config_names::kPolicyActions.end()) {
      table.fail(allows ? "allow" : "deny", "'" + word + "' is not one of add, find, call, manage");
    }
    rule.actions.push_back(found->second);
  }
}

}  // namespace

void read_globs(TableReader& in, std::string_view key, Globs& globs) {
  if (!in.get(key, globs)) return;
  if (globs.size() > kMaxOfRule)
    in.fail(key, "must not be more than " + std::to_string(kMaxOfRule));
  for (const std::string& glob : globs) {
    if (glob == "!" || glob.size() > kMaxGlobBytes) in.fail(key, "'" + glob + "' is no glob");
  }
}

void read_policy(TableReader& in, Config& config) {
  in.tables("policy", kMaxRules, [&](TableReader& table, std::size_t) {
    PolicySettings rule;
    if (table.get("context", rule.context) &&
        std::ranges::find(config.contexts, rule.context, &ContextSettings::name) ==
            config.contexts.end()) {
      table.fail("context", "'" + rule.context + "' is not one of [[context]]");
    }
    read_actions(table, rule);
    std::vector<std::string> subjects;
    if (table.get("who", subjects)) {
      rule.who.clear();
      if (subjects.size() > kMaxOfRule) {
        table.fail("who", "must not be more than " + std::to_string(kMaxOfRule));
      }
      for (const std::string& text : subjects) {
        auto who = read_who(text, config);
        if (!who) table.fail("who", who.error());
        rule.who.push_back(*std::move(who));
      }
    }
    read_globs(table, "names", rule.names);
    const bool only_manages = std::ranges::all_of(
        rule.actions, [](PolicyAction action) { return action == PolicyAction::kManage; });
    if (only_manages && rule.names != kAllNames) {
      table.fail("names", "\"manage\" is about the context, which has no names");
    }
    config.policy.push_back(std::move(rule));
  });
}

}  // namespace netbinder
