// SPDX-License-Identifier: Apache-2.0
#include "cluster-config/read_membership.h"

#include <algorithm>

#include "cluster-config/address.h"
#include "cluster-config/endpoint.h"

namespace netbinder {

namespace {

constexpr std::size_t kMaxEndpoints = 16;
constexpr std::size_t kMaxPrefixBytes = 255;
constexpr std::size_t kMaxLabels = 64;
constexpr std::size_t kMaxLabelBytes = 255;

void read_endpoints(TableReader& table, std::vector<std::string>& endpoints, bool insecure) {
  if (!table.get("endpoints", endpoints)) {
    table.fail("endpoints", "is missing: a list of \"https://host:port\" of etcd's servers");
  }
  if (endpoints.size() > kMaxEndpoints) {
    table.fail("endpoints", "must not be more than " + std::to_string(kMaxEndpoints));
  }
  for (const std::string& text : endpoints) {
    const auto endpoint = parse_endpoint(text);
    if (!endpoint) table.fail("endpoints", endpoint.error());
    if (!endpoint->tls && !endpoint->loopback && !insecure) {
      table.fail("endpoints", "'" + text +
                                  "' is neither https nor a loopback address: who the hosts are is "
                                  "asked over a network only with TLS, or with insecure = true");
    }
  }
}

void read_labels(TableReader& table, std::map<std::string, std::string>& labels) {
  table.each("labels", [&](TableReader& in, const std::string& name) {
    std::string value;
    in.get(name, value);
    if (!host_name_valid(name)) {
      in.fail(name, "a label's name has letters, digits, '.', '_' and '-'");
    }
    if (value.size() > kMaxLabelBytes) {
      in.fail(name, "is longer than " + std::to_string(kMaxLabelBytes) + " bytes");
    }
    labels[name] = value;
    if (labels.size() > kMaxLabels) {
      in.fail(name, "there must not be more than " + std::to_string(kMaxLabels) + " labels");
    }
  });
}

void read_files(TableReader& table, MembershipTlsSettings& tls) {
  table.table("tls", [&](TableReader& in) {
    for (const auto& [key, value] :
         {std::pair{"ca", &tls.ca}, std::pair{"certificate", &tls.certificate},
          std::pair{"key", &tls.key}}) {
      if (in.get(key, *value) && value->empty()) in.fail(key, "must name a file");
    }
    if (tls.certificate.empty() != tls.key.empty()) {
      in.fail(tls.key.empty() ? "key" : "certificate",
              "is missing: certificate and key go together");
    }
  });
}

void read_etcd(TableReader& table, MembershipSettings& membership, const std::string& cluster,
               bool insecure) {
  read_endpoints(table, membership.endpoints, insecure);
  membership.prefix = "/netbinder/" + cluster;
  if (table.get("prefix", membership.prefix) &&
      (membership.prefix.empty() || membership.prefix.size() > kMaxPrefixBytes)) {
    table.fail("prefix", "must have from 1 to " + std::to_string(kMaxPrefixBytes) + " bytes");
  }
  while (membership.prefix.size() > 1 && membership.prefix.ends_with('/'))
    membership.prefix.pop_back();
  if (table.get("address", membership.address)) {
    const auto examined = examine_address(membership.address);
    if (!examined.problem.empty()) table.fail("address", examined.problem);
  }
  table.get("lease_seconds", membership.lease_seconds, 2, 3600);
  read_labels(table, membership.labels);
  const bool user = table.get("user", membership.user);
  const bool password = table.get("password_file", membership.password_file);
  if (user != password) {
    table.fail(user ? "password_file" : "user", "is missing: user and password_file go together");
  }
  if (user && membership.user.empty()) table.fail("user", "must not be empty");
  if (password && membership.password_file.empty()) table.fail("password_file", "must name a file");
  read_files(table, membership.tls);
}

}  // namespace

void read_membership(TableReader& in, MembershipSettings& membership, const std::string& cluster,
                     bool insecure) {
  in.table("membership", [&](TableReader& table) {
    table.get("kind", membership.kind, config_names::kMemberships);
    if (membership.kind == MembershipKind::kEtcd) {
      if (table.has("list")) table.fail("list", "is for a list of hosts: kind = \"static\"");
      return read_etcd(table, membership, cluster, insecure);
    }
    table.get("list", membership.list, 1, kMaxListNumber);
    for (const char* key : {"endpoints", "prefix", "address", "lease_seconds", "labels", "user",
                            "password_file", "tls"}) {
      if (table.has(key)) table.fail(key, "is for hosts that join: kind = \"etcd\"");
    }
  });
}

}  // namespace netbinder
