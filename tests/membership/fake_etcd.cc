// SPDX-License-Identifier: Apache-2.0
#include "tests/membership/fake_etcd.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "transport/base64.h"

namespace netbinder::testing {

using nlohmann::json;

namespace {

std::string bytes(const json& in, const char* key) {
  return in.contains(key) ? from_base64(in[key].get<std::string>()).value() : "";
}

std::int64_t number(const json& in, const char* key) {
  return in.contains(key) ? std::stoll(in[key].get<std::string>()) : 0;
}

json to_json(const std::string& key, const FakeEtcd::Value& value) {
  return {{"key", to_base64(key)},
          {"value", to_base64(value.value)},
          {"create_revision", std::to_string(value.created)},
          {"mod_revision", std::to_string(value.modified)},
          {"version", std::to_string(value.version)},
          {"lease", std::to_string(value.lease)}};
}

json error(const char* message) { return {{"error", message}, {"message", message}, {"code", 5}}; }

}  // namespace

// ---- FakeEtcd ----

std::string FakeEtcd::header() const {
  return json{{"cluster_id", std::to_string(cluster_)}, {"revision", std::to_string(revision_)}}
      .dump();
}

void FakeEtcd::put(const std::string& key, const std::string& value, std::int64_t lease) {
  ++revision_;
  Value& stored = values_[key];
  if (stored.created == 0) stored.created = revision_;
  stored.modified = revision_;
  ++stored.version;
  stored.value = value;
  stored.lease = lease;
  changes_.push_back({.revision = revision_, .deleted = false, .key = key, .value = stored});
}

void FakeEtcd::remove(const std::string& key) {
  if (values_.erase(key) == 0) return;
  ++revision_;
  changes_.push_back({.revision = revision_, .deleted = true, .key = key, .value = {}});
}

void FakeEtcd::empty() {
  values_.clear();
  changes_.clear();
  leases_.clear();
  revision_ = 1;
  ++cluster_;
}

std::optional<std::string> FakeEtcd::get(const std::string& key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? std::nullopt : std::optional(found->second.value);
}

std::vector<std::string> FakeEtcd::keys() const {
  std::vector<std::string> keys;
  for (const auto& [key, value] : values_) keys.push_back(key);
  return keys;
}

void FakeEtcd::end_lease(std::int64_t lease) {
  leases_.erase(lease);
  std::vector<std::string> gone;
  for (const auto& [key, value] : values_) {
    if (value.lease == lease) gone.push_back(key);
  }
  for (const std::string& key : gone) remove(key);
}

void FakeEtcd::end_leases() {
  if (down) {
    for (auto& [id, lease] : leases_) lease.ends_ms = world_.now_ms + lease.seconds * 1000ULL;
    return;
  }
  std::vector<std::int64_t> over;
  for (const auto& [id, lease] : leases_) {
    if (lease.ends_ms <= world_.now_ms) over.push_back(id);
  }
  for (const std::int64_t id : over) end_lease(id);
}

std::optional<std::string> FakeEtcd::changes_since(std::int64_t revision) const {
  const bool changed = !changes_.empty() && changes_.back().revision > revision;
  if (!changed && revision >= compacted_) return std::nullopt;
  const json head = json::parse(header());
  if (revision < compacted_) {
    return json{
        {"result",
         {{"header", head}, {"canceled", true}, {"compact_revision", std::to_string(compacted_)}}}}
        .dump();
  }
  json events = json::array();
  const auto first = std::ranges::upper_bound(changes_, revision, {}, &Change::revision);
  for (auto at = first; at != changes_.end(); ++at) {
    const Change& change = *at;
    if (change.deleted) {
      events.push_back(
          {{"type", "DELETE"},
           {"kv",
            {{"key", to_base64(change.key)}, {"mod_revision", std::to_string(change.revision)}}}});
    } else {
      events.push_back({{"kv", to_json(change.key, change.value)}});
    }
  }
  return json{{"result", {{"header", head}, {"events", events}}}}.dump();
}

FakeEtcd::Answer FakeEtcd::call(const std::string& path, const std::string& body) {
  const json in = json::parse(body, nullptr, false);
  json out{{"header", json::parse(header())}};
  if (path == "/version") return {200, json{{"etcdserver", "3.4.23"}}.dump()};
  if (path == "/v3/auth/authenticate") {
    if (in["name"] != "binder" || in["password"] != password) {
      return {400, error("etcdserver: authentication failed, invalid user ID or password").dump()};
    }
    out["token"] = "token of " + password;
  } else if (path == "/v3/lease/grant") {
    const std::int64_t seconds = number(in, "TTL");
    leases_[next_lease_] = {.seconds = seconds, .ends_ms = world_.now_ms + seconds * 1000ULL};
    out["ID"] = std::to_string(next_lease_++);
    out["TTL"] = std::to_string(seconds);
  } else if (path == "/v3/lease/keepalive") {
    out["ID"] = in["ID"];
    const auto lease = leases_.find(number(in, "ID"));
    if (lease != leases_.end()) {
      lease->second.ends_ms = world_.now_ms + lease->second.seconds * 1000ULL;
      out["TTL"] = std::to_string(lease->second.seconds);
    }
    out = {{"result", out}};
  } else if (path == "/v3/lease/revoke") {
    if (!leases_.contains(number(in, "ID")))
      return {404, error("etcdserver: requested lease not found").dump()};
    end_lease(number(in, "ID"));
  } else if (path == "/v3/kv/range") {
    ++reads;
    out["kvs"] = json::array();
    for (const auto& [key, value] : values_) {
      if (key >= bytes(in, "key") && key < bytes(in, "range_end"))
        out["kvs"].push_back(to_json(key, value));
    }
  } else {
    EXPECT_EQ(path, "/v3/kv/txn");
    return transaction(body);
  }
  return {200, out.dump()};
}

FakeEtcd::Answer FakeEtcd::transaction(const std::string& body) {
  const json in = json::parse(body);
  bool all = true;
  for (const json& compare : in["compare"]) {
    const auto found = values_.find(bytes(compare, "key"));
    const Value value = found == values_.end() ? Value{} : found->second;
    const std::string what = compare["target"];
    if (what == "VERSION") all = all && value.version == number(compare, "version");
    if (what == "CREATE") all = all && value.created == number(compare, "create_revision");
    if (what == "MOD") all = all && value.modified == number(compare, "mod_revision");
    if (what == "VALUE")
      all = all && found != values_.end() && value.value == bytes(compare, "value");
  }
  json responses = json::array();
  for (const json& operation : in[all ? "success" : "failure"]) {
    if (operation.contains("request_put")) {
      const json& put_in = operation["request_put"];
      const std::int64_t lease = number(put_in, "lease");
      if (lease != 0 && !leases_.contains(lease)) {
        return {404, error("etcdserver: requested lease not found").dump()};
      }
      // All of one transaction have one revision.
      put(bytes(put_in, "key"), bytes(put_in, "value"), lease);
      responses.push_back({{"response_put", json::object()}});
    } else if (operation.contains("request_delete_range")) {
      remove(bytes(operation["request_delete_range"], "key"));
      responses.push_back({{"response_delete_range", json::object()}});
    } else {
      json range{{"kvs", json::array()}};
      const std::string key = bytes(operation["request_range"], "key");
      const auto found = values_.find(key);
      if (found != values_.end()) range["kvs"].push_back(to_json(key, found->second));
      responses.push_back({{"response_range", range}});
    }
  }
  json out{{"header", json::parse(header())}, {"responses", responses}};
  if (all) out["succeeded"] = true;
  return {200, out.dump()};
}

// ---- FakeHost ----

FakeHost::FakeHost(World& world, etcd::MemberSetup setup, std::size_t endpoints, std::string user)
    : member(std::move(setup), *this, *this), world_(world) {
  std::vector<std::string> list;
  for (std::size_t i = 0; i < endpoints; ++i)
    list.push_back("http://etcd" + std::to_string(i) + ":1");
  member.set_time(world_.now_ms);
  member.use(list, std::move(user));
  member.start();
}

std::vector<std::string> FakeHost::names() const {
  std::vector<std::string> names;
  for (const Member& each : members) names.push_back(each.name);
  return names;
}

HostId FakeHost::id_of(const std::string& name) const {
  const auto found = std::ranges::find(members, name, &Member::name);
  return found == members.end() ? HostId{} : found->id;
}

std::vector<std::string> FakeHost::news() { return std::exchange(told, {}); }

void FakeHost::use_endpoint(std::size_t index) {
  ++connection_;
  watched_.reset();
  endpoints_used.push_back(std::to_string(index));
}

void FakeHost::call(etcd::Request request) {
  const auto answered = [this, connection = connection_, id = request.id](auto event) {
    return [this, connection, id, event] {
      if (ended || connection != connection_) return;
      member.set_time(world_.now_ms);
      event(id);
    };
  };
  const auto lost =
      answered([this](etcd::RequestId id) { member.failed(id, "no answer in time"); });
  if (cut_off) return world_.at(world_.now_ms + request.timeout_ms, lost);
  if (world_.etcd.down) {
    return world_.at(world_.now_ms, answered([this](etcd::RequestId id) {
                       member.failed(id, "connection refused");
                     }));
  }
  FakeEtcd::Answer answer = world_.etcd.call(request.path, request.body);
  const bool needs_token = !world_.etcd.password.empty() && request.path.starts_with("/v3/") &&
                           request.path != "/v3/auth/authenticate";
  if (needs_token && token_ != "token of " + world_.etcd.password) {
    answer = {401, R"({"error":"etcdserver: invalid auth token","code":16})"};
  }
  if (world_.etcd.delay_ms > request.timeout_ms)
    return world_.at(world_.now_ms + request.timeout_ms, lost);
  world_.at(world_.now_ms + world_.etcd.delay_ms,
            [this, lost, deliver = answered([this, answer](etcd::RequestId id) {
                           member.answered(id, answer.status, answer.body);
                         })] { cut_off ? lost() : deliver(); });
}

void FakeHost::watch(std::string body) {
  watched_ = number(json::parse(body)["create_request"], "start_revision") - 1;
}

void FakeHost::members_changed(const std::vector<Member>& now) {
  members = now;
  std::string text = "hosts";
  for (const Member& each : now) text += " " + each.name;
  told.push_back(text);
}

void FakeHost::claim_answered(const std::string& context, ClaimAnswer answer) {
  constexpr const char* kWords[] = {" granted", " held", " unreachable"};
  told.push_back(context + kWords[static_cast<std::size_t>(answer)]);
}

void FakeHost::claim_lost(const std::string& context) { told.push_back(context + " lost"); }

void FakeHost::claim_held(const std::string& context, std::optional<ClaimHolder> holder) {
  claims.erase(context);
  if (holder) claims.emplace(context, *holder);
}

// ---- World ----

FakeHost& World::host(const std::string& name, std::uint32_t lease_s, std::size_t endpoints,
                      const std::string& address, const std::string& user) {
  etcd::MemberSetup setup;
  setup.prefix = "/nb";
  setup.name = name;
  setup.address = address.empty() ? "127.0.0.1:" + std::to_string(next_incarnation_) : address;
  setup.incarnation = Incarnation{next_incarnation_++};
  setup.lease_s = lease_s;
  hosts.push_back(std::make_unique<FakeHost>(*this, std::move(setup), endpoints, user));
  return *hosts.back();
}

void World::bring_watches() {
  for (const auto& host : hosts) {
    if (host->ended || host->cut_off || !host->watched_) continue;
    host->member.set_time(now_ms);
    if (etcd.down) {
      host->watched_.reset();
      host->member.watch_ended("etcd has ended it");
      continue;
    }
    const auto line = etcd.changes_since(*host->watched_);
    if (!line) continue;
    host->watched_ = etcd.revision();
    host->member.watch_line(*line);
  }
}

void World::run_ms(std::uint64_t ms) {
  const std::uint64_t until_ms = now_ms + ms;
  for (;;) {
    etcd.end_leases();
    bring_watches();
    std::uint64_t next_ms = until_ms + 1;
    if (!due_.empty()) next_ms = std::min(next_ms, due_.begin()->first);
    for (const auto& host : hosts) {
      if (!host->ended) next_ms = std::min(next_ms, host->timer_ms_);
    }
    if (next_ms > until_ms) {
      const std::uint64_t step_ms =
          std::min<std::uint64_t>(until_ms - now_ms, 100);  // leases end in between
      if (step_ms == 0) return;
      now_ms += step_ms;
      continue;
    }
    if (next_ms > now_ms + 100) {
      now_ms += 100;
      continue;
    }
    now_ms = std::max(now_ms, next_ms);
    if (!due_.empty() && due_.begin()->first <= now_ms) {
      const auto what = std::move(due_.begin()->second);
      due_.erase(due_.begin());
      what();
      continue;
    }
    for (const auto& host : hosts) {
      if (host->ended || host->timer_ms_ > now_ms) continue;
      host->timer_ms_ = UINT64_MAX;
      host->member.set_time(now_ms);
      host->member.timer();
    }
  }
}

}  // namespace netbinder::testing
