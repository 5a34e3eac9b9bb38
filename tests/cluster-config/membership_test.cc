// SPDX-License-Identifier: Apache-2.0
//
// Tests the configuration of hosts that join.
#include <gtest/gtest.h>

#include <string>

#include "cluster-config/config.h"
#include "cluster-config/endpoint.h"

namespace netbinder {
namespace {

constexpr const char* kJoining = R"(
host = "alpha"
cluster = "blue"
cluster_key = "k"
listen = "127.0.0.1:7"
[membership]
kind = "etcd"
endpoints = ["http://127.0.0.1:2379", "https://etcd.example:2379"]
)";

Config config_of(const std::string& text) {
  const auto config = parse_config(text, "f");
  EXPECT_TRUE(config) << config.error().to_string() << "\n" << text;
  return config.value_or(default_config());
}

TEST(MembershipConfig, WithoutAnythingItIsTheListOfHosts) {
  EXPECT_EQ(default_config().membership, MembershipSettings{});
  EXPECT_EQ(config_of("[membership]\nkind = \"static\"\n").membership, MembershipSettings{});
}

TEST(MembershipConfig, AListOfHostsMayHaveANumber) {
  EXPECT_EQ(config_of("").membership.list, 0U);
  const Config config = config_of("[membership]\nlist = 20261130\n");
  EXPECT_EQ(config.membership.list, 20261130U);
  EXPECT_EQ(config_values(config).at("membership.list"), "20261130");
  EXPECT_EQ(parse_config(render_config(config), "again").value(), config);
  EXPECT_FALSE(config_values(config_of("")).contains("membership.list"));

  ConfigSources sources;
  sources.environment = {"NETBINDER_MEMBERSHIP__LIST=3"};
  const auto of_variable = load_config(sources);
  ASSERT_TRUE(of_variable) << of_variable.error().to_string();
  EXPECT_EQ(of_variable->config.membership.list, 3U);
  EXPECT_EQ(of_variable->origins.at("membership.list"), "NETBINDER_MEMBERSHIP__LIST");
  sources.flags = {{"--set membership.list=4", "membership.list", "4"}};
  const auto of_flag = load_config(sources);
  ASSERT_TRUE(of_flag) << of_flag.error().to_string();
  EXPECT_EQ(of_flag->config.membership.list, 4U);
}

TEST(MembershipConfig, DefaultsOfHostsThatJoin) {
  const Config config = config_of(kJoining);
  EXPECT_EQ(config.membership.kind, MembershipKind::kEtcd);
  EXPECT_EQ(config.membership.prefix, "/netbinder/blue");
  EXPECT_EQ(config.membership.address, "127.0.0.1:7");
  EXPECT_EQ(config.membership.lease_seconds, 20U);
  ASSERT_EQ(config.hosts.size(), 1U);
  EXPECT_EQ(config.self().id, 0U) << "it gets one when it joins";
  EXPECT_EQ(config.self().address, "127.0.0.1:7");
}

TEST(MembershipConfig, NamesAreUniqueOnlyWhereEtcdDecidesIt) {
  const std::string context = "[[context]]\nname = \"c\"\nunique = [\"a.*\", \"!a.b\"]\n";
  const Config config = config_of(kJoining + context);
  EXPECT_EQ(config.contexts[0].unique, (Globs{"a.*", "!a.b"}));
  EXPECT_EQ(*parse_config(render_config(config), "f"), config);
  EXPECT_TRUE(config_of(kJoining).contexts[0].unique.empty());

  const auto by_list = parse_config(context, "f");
  ASSERT_FALSE(by_list);
  EXPECT_EQ(by_list.error().key, "context[1].unique");
  const auto of_host = parse_config(kJoining + context + "scope = \"host\"\n", "f");
  ASSERT_FALSE(of_host);
  EXPECT_EQ(of_host.error().key, "context[1].unique");
}

TEST(MembershipConfig, ValuesAreTakenAndRenderedAsTheSame) {
  const Config config = config_of(std::string(kJoining) + R"(
prefix = "/x/"
address = "alpha.example:70"
lease_seconds = 5
user = "u"
password_file = "/p"
tls = { ca = "/ca", certificate = "/c", key = "/k" }
labels = { rack = "r1", "a.b" = "say \"x\"" }
[[hosts]]
name = "beta"
uid_map = { 0 = 0 }
export = ["a.*"]
[[policy]]
deny = ["call"]
who = ["host:gamma"]
)");
  EXPECT_EQ(config.membership.prefix, "/x");
  EXPECT_EQ(config.membership.lease_seconds, 5U);
  EXPECT_EQ(config.membership.labels.at("a.b"), "say \"x\"");
  EXPECT_EQ(config.membership.tls.key, "/k");
  ASSERT_EQ(config.host_rules.size(), 1U);
  const HostSettings beta = described_host(config, "beta", 4, "127.0.0.1:9");
  EXPECT_EQ(beta.id, 4U);
  EXPECT_EQ(beta.uid_map.at(0), 0U);
  EXPECT_EQ(beta.exported, Globs{"a.*"});
  EXPECT_EQ(described_host(config, "other", 5, "127.0.0.1:10").uid_map.at(0), kNobody);
  const auto again = parse_config(render_config(config), "again");
  ASSERT_TRUE(again) << again.error().to_string() << "\n" << render_config(config);
  EXPECT_EQ(*again, config);
}

TEST(MembershipConfig, EveryKeyHasAVariable) {
  ConfigSources sources;
  sources.environment = {"NETBINDER_HOST=a",
                         "NETBINDER_INSECURE=true",
                         "NETBINDER_LISTEN=127.0.0.1:7",
                         "NETBINDER_MEMBERSHIP__KIND=etcd",
                         "NETBINDER_MEMBERSHIP__ENDPOINTS=['http://10.0.0.1:2379']",
                         "NETBINDER_MEMBERSHIP__PREFIX=/x",
                         "NETBINDER_MEMBERSHIP__ADDRESS=127.0.0.1:8",
                         "NETBINDER_MEMBERSHIP__LEASE_SECONDS=5",
                         "NETBINDER_MEMBERSHIP__USER=u",
                         "NETBINDER_MEMBERSHIP__PASSWORD_FILE=/p",
                         "NETBINDER_MEMBERSHIP__TLS__CA=/ca",
                         "NETBINDER_MEMBERSHIP__TLS__CERTIFICATE=/c",
                         "NETBINDER_MEMBERSHIP__TLS__KEY=/k"};
  const auto loaded = load_config(sources);
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  for (const auto& [key, value] : config_values(loaded->config)) {
    if (!key.starts_with("membership.")) continue;
    EXPECT_TRUE(loaded->origins.contains(key)) << key;
  }
  EXPECT_EQ(loaded->config.membership.tls.key, "/k");
}

TEST(MembershipConfig, MistakesAreNamed) {
  struct Case {
    const char* text;
    const char* key;
    const char* message;
  };
  const std::string start =
      "host = \"a\"\ncluster_key = \"k\"\nlisten = \"127.0.0.1:7\"\n[membership]\nkind = "
      "\"etcd\"\n";
  const std::string ends = "endpoints = [\"http://127.0.0.1:1\"]\n";
  const Case cases[] = {
      {"", "membership.endpoints", "is missing"},
      {"endpoints = []\n", "membership.endpoints", "not empty"},
      {"endpoints = [\"127.0.0.1:1\"]\n", "membership.endpoints", "neither http:// nor https://"},
      {"endpoints = [\"http://127.0.0.1\"]\n", "membership.endpoints", "no port"},
      {"endpoints = [\"http://10.0.0.1:1\"]\n", "membership.endpoints", "only with TLS"},
      {"endpoints = [\"http://etcd.example:1\"]\n", "membership.endpoints", "only with TLS"},
      {"+lease_seconds = 1\n", "membership.lease_seconds", "from 2 to 3600"},
      {"+prefix = \"\"\n", "membership.prefix", "bytes"},
      {"+user = \"u\"\n", "membership.password_file", "go together"},
      {"+password_file = \"/p\"\n", "membership.user", "go together"},
      {"+tls = { certificate = \"/c\" }\n", "membership.tls.key", "go together"},
      {"+tls = { crl = \"/c\" }\n", "membership.tls.crl", "unknown key"},
      {"+address = \"x\"\n", "membership.address", "no port"},
      {"+address = \"10.0.0.1:7\"\n", "membership", "not a loopback address"},
      {"+labels = { a = 1 }\n", "membership.labels.a", "must be a string"},
      {"+labels = { \"a b\" = \"1\" }\n", "membership.labels.a b", "label"},
      {"+endpoint = 1\n", "membership.endpoint", "unknown key"},
      {"+list = 1\n", "membership.list", "is for a list of hosts"},
      {"+[[hosts]]\nname = \"b\"\naddress = \"127.0.0.1:9\"\n", "hosts[1].address",
       "not to be set"},
      {"+[[hosts]]\nname = \"b\"\nid = 3\n", "hosts[1].id", "not to be set"},
      {"+[[hosts]]\nname = \"b\"\n[[hosts]]\nname = \"b\"\n", "hosts[2].name", "already"},
  };
  for (const Case& bad : cases) {
    const std::string text = start + (bad.text[0] == '+' ? ends + (bad.text + 1) : bad.text);
    const auto config = parse_config(text, "f");
    ASSERT_FALSE(config) << text;
    EXPECT_EQ(config.error().key, bad.key) << text;
    EXPECT_NE(config.error().message.find(bad.message), std::string::npos)
        << config.error().to_string();
  }
  const auto no_listen = parse_config(
      "host = \"a\"\ncluster_key = \"k\"\n[membership]\nkind = \"etcd\"\n" + ends, "f");
  ASSERT_FALSE(no_listen);
  EXPECT_EQ(no_listen.error().key, "listen");
  const auto no_key = parse_config(
      "host = \"a\"\nlisten = \"127.0.0.1:7\"\n[membership]\nkind = \"etcd\"\n" + ends, "f");
  ASSERT_FALSE(no_key);
  EXPECT_EQ(no_key.error().key, "cluster_key");
  const auto of_etcd = parse_config("[membership]\nprefix = \"/x\"\n", "f");
  ASSERT_FALSE(of_etcd);
  EXPECT_EQ(of_etcd.error().key, "membership.prefix");
  for (const char* list : {"0", "-1", "1000000000000000", "\"1\""}) {
    const auto of_list = parse_config("[membership]\nlist = " + std::string(list), "f");
    ASSERT_FALSE(of_list) << list;
    EXPECT_EQ(of_list.error().key, "membership.list");
  }
}

TEST(MembershipConfig, EndpointsHaveTheirParts) {
  const auto six = parse_endpoint("https://[::1]:2379/");
  ASSERT_TRUE(six) << six.error();
  EXPECT_TRUE(six->tls);
  EXPECT_TRUE(six->loopback);
  EXPECT_EQ(six->host, "::1");
  EXPECT_EQ(six->port, "2379");
  EXPECT_TRUE(parse_endpoint("http://localhost:1")->loopback);
  EXPECT_FALSE(parse_endpoint("http://other:1")->loopback);
  EXPECT_FALSE(parse_endpoint("http://10.1.2.3:1")->loopback);
  EXPECT_FALSE(parse_endpoint("http://a:1/path"));
}

}  // namespace
}  // namespace netbinder
