// SPDX-License-Identifier: Apache-2.0
#include "membership/etcd/values.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "cluster-config/address.h"

namespace netbinder::etcd {

namespace {

using nlohmann::json;

constexpr std::size_t kMaxLabels = 64;
constexpr std::size_t kMaxTextBytes = 255;

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> number_in_text(const json& in, const char* key) {
  const auto found = in.find(key);
  if (found == in.end() || !found->is_string()) return std::nullopt;
  return number(found->get_ref<const std::string&>());
}

std::optional<HostId> id_in(const json& in, const char* key) {
  const auto found = in.find(key);
  if (found == in.end() || !found->is_number_unsigned()) return std::nullopt;
  const auto value = found->get<std::uint64_t>();
  if (value == 0 || value > UINT32_MAX) return std::nullopt;
  return HostId{static_cast<std::uint32_t>(value)};
}

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// False: they are no labels.
bool read_labels(const json& in, std::map<std::string, std::string>& labels) {
  const auto found = in.find("labels");
  if (found == in.end()) return true;
  if (!found->is_object() || found->size() > kMaxLabels) return false;
  for (const auto& [name, value] : found->items()) {
    if (!host_name_valid(name) || !value.is_string()) return false;
    labels[name] = value.get<std::string>();
    if (labels[name].size() > kMaxTextBytes) return false;
  }
  return true;
}

}  // namespace

std::string to_value(const Member& member) {
  return dump({{"id", member.id.value()},
               {"address", member.address},
               {"incarnation", std::to_string(member.incarnation.value())},
               {"labels", json(member.labels)}});
}

Read<Member> member_value(const std::string& name, std::string_view value, Reachable reachable) {
  if (!host_name_valid(name)) return std::unexpected("no host can have this name");
  const json in = json::parse(value, nullptr, false);
  if (!in.is_object()) return std::unexpected("it is no JSON object");
  const auto id = id_in(in, "id");
  if (!id) return std::unexpected("it has no id");
  const auto incarnation = number_in_text(in, "incarnation");
  if (!incarnation) return std::unexpected("it has no incarnation");
  Member member{.name = name,
                .id = *id,
                .address = {},
                .incarnation = Incarnation{*incarnation},
                .labels = {}};
  const auto address = in.find("address");
  if (address == in.end() || !address->is_string()) return std::unexpected("it has no address");
  member.address = address->get<std::string>();
  if (member.address.size() > 2 * kMaxTextBytes) return std::unexpected("its address is too long");
  const std::string problem = address_problem(member.address, reachable == Reachable::kEverywhere);
  if (!problem.empty()) return std::unexpected(problem);
  if (!read_labels(in, member.labels)) return std::unexpected("its labels are not usable");
  return member;
}

std::string to_value(const ClaimHolder& holder, const std::string& name) {
  return dump({{"host", holder.host.value()},
               {"name", name},
               {"incarnation", std::to_string(holder.incarnation.value())}});
}

Read<ClaimHolder> claim_value(std::string_view value) {
  const json in = json::parse(value, nullptr, false);
  if (!in.is_object()) return std::unexpected("it is no JSON object");
  const auto host = id_in(in, "host");
  const auto incarnation = number_in_text(in, "incarnation");
  if (!host || !incarnation) return std::unexpected("it names no host and incarnation");
  return ClaimHolder{.host = *host, .incarnation = Incarnation{*incarnation}, .epoch = {}};
}

std::string id_value(HostId id) { return std::to_string(id.value()); }

std::optional<HostId> id_value(std::string_view value) {
  const auto found = number(value);
  if (!found || *found > UINT32_MAX) return std::nullopt;
  return HostId{static_cast<std::uint32_t>(*found)};
}

}  // namespace netbinder::etcd
