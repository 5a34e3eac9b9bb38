// SPDX-License-Identifier: Apache-2.0
#include "cluster-config/config.h"

#include <gtest/gtest.h>

namespace netbinder {
namespace {

constexpr const char* kTwoHosts = R"(
host = "b"
cluster_key = "key"
[[hosts]]
name = "a"
address = "127.0.0.1:1000"
[[hosts]]
name = "b"
address = "[::1]:1000"
)";

TEST(Config, NoFileIsAWorkingSingleHost) {
  const Config config = default_config();
  EXPECT_FALSE(config.host.empty());
  ASSERT_EQ(config.hosts.size(), 1U);
  EXPECT_EQ(config.hosts[0].name, config.host);
  EXPECT_EQ(config.self().id, 1U);
  EXPECT_EQ(config.listen, "");
  EXPECT_EQ(config.socket, "/run/netbinder/agent.sock");
  EXPECT_EQ(config.admin_socket, "/run/netbinder/agent.sock.admin");
  ASSERT_EQ(config.contexts.size(), 3U);
  EXPECT_EQ(config.contexts[1].name, "hwbinder");
  EXPECT_EQ(config.contexts[1].service_manager, ServiceManagerKind::kBuiltinUntilClaimed);
}

TEST(Config, TheExampleFileIsValidAndShowsTheDefaults) {
  const auto config = load_config(EXAMPLE_FILE);
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->hosts.size(), 2U);
  EXPECT_EQ(config->session, SessionSettings{});
  EXPECT_EQ(config->limits, LimitSettings{});
  EXPECT_EQ(config->contexts, default_config().contexts);
  EXPECT_EQ(config->socket, default_config().socket);
}

TEST(Config, HostsAreNumberedByPosition) {
  const auto config = parse_config(kTwoHosts, "f");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->hosts[0].id, 1U);
  EXPECT_EQ(config->self().id, 2U);
  EXPECT_EQ(config->listen, "[::1]:1000");
}

TEST(Config, ValuesAreTaken) {
  const auto config = parse_config(R"(
host = "x"
cluster = "blue"
socket = "/tmp/s"
insecure = true
busy_poll_us = 1000
log_level = "debug"
[[context]]
name = "binder"
scope = "host"
service_manager = "none"
dialect = "android13"
[[hosts]]
name = "x"
id = 9
address = "10.0.0.1:70"
[[hosts]]
name = "y"
address = "y.example:70"
[session]
timeout_ms = 1000
[limits]
max_processes = 7
[tls]
certificate = "c"
key = "k"
ca = "a"
)",
                                   "f");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->cluster, "blue");
  EXPECT_EQ(config->admin_socket, "/tmp/s.admin");
  EXPECT_TRUE(config->insecure);
  EXPECT_EQ(config->busy_poll_us, 1000U);
  ASSERT_EQ(config->contexts.size(), 1U);
  EXPECT_EQ(config->contexts[0],
            (ContextSettings{"binder", ContextScope::kHost, ServiceManagerKind::kNone,
                             ServiceManagerDialect::kAndroid13}));
  EXPECT_EQ(config->self().id, 9U);
  EXPECT_EQ(config->hosts[1].id, 2U);
  EXPECT_EQ(config->session.timeout_ms, 1000U);
  EXPECT_EQ(config->limits.max_processes, 7U);
  EXPECT_EQ(config->tls.ca, "a");
}

TEST(Config, WhatIsRenderedLoadsAsTheSame) {
  for (const char* text : {"", kTwoHosts, R"(
socket = "/tmp/a \"quoted\\ one"
insecure = true
host = "one"
listen = "0.0.0.0:5"
[[hosts]]
name = "one"
address = "10.1.1.1:5"
[[hosts]]
name = "two"
id = 77
address = "10.1.1.2:5"
[tls]
certificate = "c"
key = "k"
ca = "a"
)"}) {
    const auto config = parse_config(text, "f");
    ASSERT_TRUE(config) << config.error().to_string();
    const auto again = parse_config(render_config(*config), "again");
    ASSERT_TRUE(again) << again.error().to_string() << "\n" << render_config(*config);
    EXPECT_EQ(*again, *config);
  }
}

struct BadCase {
  const char* text;
  std::uint32_t line;
  const char* key;
  const char* message;  // a part of it
};

TEST(Config, MistakesAreNamedWithFileLineAndKey) {
  const BadCase cases[] = {
      {"sokcet = \"x\"", 1, "sokcet", "unknown key"},
      {"\n[session]\nheartbeat = 5", 3, "session.heartbeat", "unknown key"},
      {"[[hosts]]\nname=\"a\"\naddres=\"x\"", 3, "hosts[1].addres", "unknown key"},
      {"[sesion]\ntimeout_ms = 5", 1, "sesion", "unknown key"},
      {"insecure = 1", 1, "insecure", "true or false"},
      {"socket = 5", 1, "socket", "must be a string"},
      {"socket = \"\"", 1, "socket", "empty"},
      {"socket = \"a\\u0000b\"", 1, "socket", "NUL"},
      {"admin_socket = \"/run/netbinder/agent.sock\"", 1, "admin_socket", "must not be the socket"},
      {"session = 5", 1, "session", "must be a table"},
      {"[hosts]\nname = \"a\"", 1, "hosts", "array of tables"},
      {"hosts = [1]", 1, "hosts", "array of tables"},
      {"[session]\ntimeout_ms = \"5\"", 2, "session.timeout_ms", "must be an integer"},
      {"[session]\ntimeout_ms = -1", 2, "session.timeout_ms", "from 100 to 3600000"},
      {"[session]\ntimeout_ms = 99", 2, "session.timeout_ms", "from 100 to 3600000"},
      {"[session]\nheartbeat_ms = 1500", 1, "session.suspect_ms", "two heartbeats"},
      {"[limits]\nmax_processes = 0", 2, "limits.max_processes", "from 1"},
      {"log_level = \"loud\"", 1, "log_level", "trace, debug"},
      {"host = \"a b\"", 1, "host", "characters"},
      {"cluster = \"\"", 1, "cluster", "characters"},
      {"[[context]]\nscope = \"host\"", 1, "context[1].name", "is missing"},
      {"[[context]]\nname = \"a/b\"", 2, "context[1].name", "device"},
      {"[[context]]\nname = \"a\"\nscope = \"world\"", 3, "context[1].scope", "cluster, host"},
      {"[[context]]\nname = \"a\"\n[[context]]\nname = \"a\"", 4, "context[2].name", "already"},
      {"[[context]]\nname = \"a\"\ndialect = \"android10\"", 3, "context[1].dialect", "android11"},
      {"host = \"c\"\n[[hosts]]\nname = \"a\"", 1, "host", "not one of [[hosts]]"},
      {"[[hosts]]\nname = \"no-such-host\"", 1, "host", "is missing"},
      {"[[hosts]]\nid = 5", 1, "hosts[1].name", "is missing"},
      {"[[hosts]]\nname = \"a\"\nid = 0", 3, "hosts[1].id", "from 1"},
      {"[[hosts]]\nname = \"a\"\naddress = \"10.0.0.1:5\"", 3, "hosts[1].address", "insecure"},
      {"[[hosts]]\nname = \"a\"\naddress = \"127.0.0.1\"", 3, "hosts[1].address", "no port"},
      {"[[hosts]]\nname = \"a\"\naddress = \"127.0.0.1:0\"", 3, "hosts[1].address", "port"},
      {"[[hosts]]\nname = \"a\"\naddress = \"127.0.0.1:70000\"", 3, "hosts[1].address", "port"},
      {"[[hosts]]\nname = \"a\"\naddress = \"::1:70\"", 3, "hosts[1].address", "brackets"},
      {"[[hosts]]\nname = \"a\"\naddress = \"[1.2.3.4]:70\"", 3, "hosts[1].address", "IPv6"},
      {"[[hosts]]\nname = \"a\"\naddress = \":70\"", 3, "hosts[1].address", "host name"},
      {"host = \"a\"\n[[hosts]]\nname = \"a\"\n[[hosts]]\nname = \"b\"", 4, "hosts[2].address",
       "is missing"},
      {"[[hosts]]\nname = \"a\"\naddress = \"[::1]:5\"\n[[hosts]]\nname = \"a\"", 5,
       "hosts[2].name", "already"},
      {"[[hosts]]\nname = \"a\"\nid = 2\naddress = \"[::1]:5\"\n[[hosts]]\nname = \"b\"\n"
       "address = \"[::1]:6\"",
       5, "hosts[2].id", "has the id 2"},
      {"[[hosts]]\nname = \"a\"\naddress = \"[::1]:5\"\n[[hosts]]\nname = \"b\"\n"
       "address = \"[::1]:5\"",
       6, "hosts[2].address", "has the address"},
      {"listen = \"127.0.0.1:5\"", 1, "listen", "no other hosts"},
      {"cluster_key = \"\"", 1, "cluster_key", "must name a file"},
      {"host = \"a\"\n[[hosts]]\nname = \"a\"\naddress = \"[::1]:5\"\n[[hosts]]\nname = \"b\"\n"
       "address = \"[::1]:6\"",
       1, "cluster_key", "insecure"},
      {"[tls]\ncertificate = \"x\"\nkey = \"y\"", 1, "tls.ca", "go together"},
      {"socket_mode = \"0o660\"", 1, "socket_mode", "octal"},
      {"socket_mode = \"1777\"", 1, "socket_mode", "octal"},
      {"socket_mode = \"0466\"", 1, "socket_mode", "owner"},
      {"[[policy]]\nwho = [\"*\"]", 1, "policy[1].allow", "either"},
      {"[[policy]]\nallow = [\"add\"]\ndeny = [\"add\"]", 3, "policy[1].deny", "either"},
      {"[[policy]]\ndeny = [\"ad\"]", 2, "policy[1].deny", "add, find, call, manage"},
      {"[[policy]]\ndeny = []", 2, "policy[1].deny", "not empty"},
      {"[[policy]]\ndeny = \"add\"", 2, "policy[1].deny", "list"},
      {"[[policy]]\ndeny = [\"add\"]\nwho = [\"me\"]", 3, "policy[1].who", "uid:N"},
      {"[[policy]]\ndeny = [\"add\"]\nwho = [\"uid:x\"]", 3, "policy[1].who", "number"},
      {"[[policy]]\ndeny = [\"add\"]\nwho = [\"uid:4294967295\"]", 3, "policy[1].who", "number"},
      {"[[policy]]\ndeny = [\"add\"]\nwho = [\"user:no such user\"]", 3, "policy[1].who",
       "no user"},
      {"[[policy]]\ndeny = [\"add\"]\nwho = [\"uid:1@nowhere\"]", 3, "policy[1].who", "[[hosts]]"},
      {"[[policy]]\ndeny = [\"add\"]\nwho = [\"host:nowhere\"]", 3, "policy[1].who", "[[hosts]]"},
      {"[[policy]]\ndeny = [\"add\"]\nwho = [\"uid:1@\"]", 3, "policy[1].who", "behind the '@'"},
      {"[[policy]]\ndeny = [\"add\"]\ncontext = \"x\"", 3, "policy[1].context", "[[context]]"},
      {"[[policy]]\ndeny = [\"manage\"]\nnames = [\"x\"]", 3, "policy[1].names", "no names"},
      {"[[policy]]\ndeny = [\"add\"]\nnames = [\"!\"]", 3, "policy[1].names", "no glob"},
      {"[[policy]]\ndeny = [\"add\"]\nname = \"x\"", 3, "policy[1].name", "unknown key"},
      {"a = [", 1, "", ""},
      {"a = 1\na = 2", 2, "", ""},
  };
  for (const auto& bad : cases) {
    const auto config = parse_config(bad.text, "the-file");
    ASSERT_FALSE(config) << bad.text;
    const auto& error = config.error();
    EXPECT_EQ(error.file, "the-file");
    EXPECT_EQ(error.line, bad.line) << bad.text << "\n" << error.to_string();
    EXPECT_EQ(error.key, bad.key) << bad.text << "\n" << error.to_string();
    EXPECT_NE(error.message.find(bad.message), std::string::npos) << bad.text << "\n"
                                                                  << error.to_string();
  }
}

TEST(Config, PolicyRulesAreReadInOrder) {
  const auto config = parse_config(R"(
host = "a"
cluster_key = "k"
[[policy]]
context = "binder"
deny = ["add", "call"]
who = ["uid:7@b", "user:root", "gid:8", "group:root@a", "host:b"]
names = ["x.*", "!x.y"]
[[policy]]
allow = ["manage"]
[[context]]
name = "binder"
export = ["e.*"]
import = ["i.*"]
[[hosts]]
name = "a"
address = "127.0.0.1:1"
[[hosts]]
name = "b"
address = "127.0.0.1:2"
export = ["!e.x"]
)",
                                   "f");
  ASSERT_TRUE(config) << config.error().to_string();
  ASSERT_EQ(config->policy.size(), 2U);
  const PolicySettings& first = config->policy[0];
  EXPECT_EQ(first.context, "binder");
  EXPECT_EQ(first.effect, PolicyEffect::kDeny);
  EXPECT_EQ(first.actions, (std::vector{PolicyAction::kAdd, PolicyAction::kCall}));
  ASSERT_EQ(first.who.size(), 5U);
  using Kind = PolicyWho::Kind;
  EXPECT_EQ(first.who[0], (PolicyWho{Kind::kUser, 7, "b", "uid:7@b"}));
  EXPECT_EQ(first.who[1], (PolicyWho{Kind::kUser, 0, "", "user:root"}));
  EXPECT_EQ(first.who[2], (PolicyWho{Kind::kGroup, 8, "", "gid:8"}));
  EXPECT_EQ(first.who[3], (PolicyWho{Kind::kGroup, 0, "a", "group:root@a"}));
  EXPECT_EQ(first.who[4], (PolicyWho{Kind::kAnybody, 0, "b", "host:b"}));
  EXPECT_EQ(first.names, (Globs{"x.*", "!x.y"}));
  EXPECT_EQ(config->policy[1].effect, PolicyEffect::kAllow);
  EXPECT_EQ(config->policy[1].who, (std::vector<PolicyWho>{{.text = "*"}}));
  EXPECT_EQ(config->contexts[0].exported, Globs{"e.*"});
  EXPECT_EQ(config->contexts[0].imported, Globs{"i.*"});
  EXPECT_EQ(config->hosts[1].exported, Globs{"!e.x"});
  EXPECT_EQ(config->hosts[1].imported, kAllNames);
  EXPECT_EQ(*parse_config(render_config(*config), "f"), *config);
}

TEST(Config, OneRuleTooManyIsRefused) {
  std::string text;
  for (int i = 0; i < 256; ++i) text += "[[policy]]\ndeny = [\"add\"]\n";
  EXPECT_TRUE(parse_config(text, "f"));
  const auto config = parse_config(text + "[[policy]]\ndeny = [\"add\"]\n", "f");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().key, "policy");
  std::string names;
  for (int i = 0; i < 65; ++i) names += "\"a\",";
  EXPECT_FALSE(parse_config("[[policy]]\ndeny = [\"add\"]\nnames = [" + names + "]\n", "f"));
}

TEST(Config, SocketsHaveModeAndOwners) {
  const auto config = parse_config(
      "socket_mode = \"0640\"\nsocket_owner = \"alice\"\nsocket_group = \"42\"\n", "f");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->socket_mode, 0640U);
  EXPECT_EQ(config->socket_owner, "alice");
  EXPECT_EQ(config->socket_group, "42");
  EXPECT_EQ(*parse_config(render_config(*config), "f"), *config);
}

TEST(Config, OneHostTooManyIsRefused) {
  const auto hosts = [](int count) {
    std::string text = "host = \"h1\"\ncluster_key = \"key\"\n";
    for (int i = 1; i <= count; ++i) {
      text += "[[hosts]]\nname = \"h" + std::to_string(i) +
              "\"\naddress = \"127.0.0.1:" + std::to_string(10000 + i) + "\"\n";
    }
    return parse_config(text, "f");
  };
  EXPECT_TRUE(hosts(1024));
  const auto refused = hosts(1025);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().to_string().find("hosts"), std::string::npos);
}

TEST(Config, AnErrorReadsLikeACompilersMessage) {
  const auto config = parse_config("\n  insecure = 3", "netbinder.toml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().to_string(), "netbinder.toml:2:14: insecure: must be true or false");
}

TEST(Config, AFileThatIsNotThereIsAnError) {
  const auto config = load_config("/nonexistent/netbinder.toml");
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().to_string().find("No such file"), std::string::npos);
  EXPECT_FALSE(load_config("/"));
}

TEST(Config, InsecureAllowsNetworkAddresses) {
  const std::string text =
      "host = \"a\"\ninsecure = true\n[[hosts]]\nname = \"a\"\naddress = \"10.0.0.1:5\"\n";
  EXPECT_TRUE(parse_config(text, "f"));
}

}  // namespace
}  // namespace netbinder
