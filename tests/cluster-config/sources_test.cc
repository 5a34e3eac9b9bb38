// SPDX-License-Identifier: Apache-2.0
//
// A configuration from several sources: who has precedence, and where values came from.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>

#include "cluster-config/config.h"

namespace netbinder {
namespace {

namespace fs = std::filesystem;

class Sources : public ::testing::Test {
 protected:
  Sources() {
    std::string pattern = (fs::temp_directory_path() / "netbinder-sources-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    sources_.file = path("n.toml");
  }
  ~Sources() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name)) << text;
  }
  LoadedConfig load() {
    auto loaded = load_config(sources_);
    EXPECT_TRUE(loaded) << loaded.error().to_string();
    return loaded ? *loaded : LoadedConfig{};
  }
  std::string failure() {
    const auto loaded = load_config(sources_);
    EXPECT_FALSE(loaded);
    return loaded ? "" : loaded.error().to_string();
  }

  fs::path folder_;
  ConfigSources sources_;
};

TEST_F(Sources, LaterOnesHavePrecedence) {
  write("n.toml", "host = \"file\"\nlog_level = \"debug\"\n[session]\ntimeout_ms = 1000\n"
                  "heartbeat_ms = 100\n[limits]\nmax_processes = 1\n");
  write("n.toml.d/20-b.toml", "[session]\ntimeout_ms = 3000\n[limits]\nmax_processes = 3\n");
  write("n.toml.d/10-a.toml", "log_level = \"warn\"\n[session]\ntimeout_ms = 2000\n");
  write("n.toml.d/notes.txt", "this is no configuration");
  sources_.environment = {"NETBINDER_LIMITS__MAX_PROCESSES=4", "NETBINDER_HOST=variable",
                          "NETBINDER_PRESET=asan", "PATH=/bin"};
  sources_.flags = {{"--host", "host", "flag"}};
  const LoadedConfig loaded = load();
  EXPECT_EQ(loaded.config.host, "flag");
  EXPECT_EQ(loaded.config.log_level, "warn");
  EXPECT_EQ(loaded.config.session.timeout_ms, 3000U);
  EXPECT_EQ(loaded.config.session.heartbeat_ms, 100U);
  EXPECT_EQ(loaded.config.limits.max_processes, 4U);
  EXPECT_EQ(loaded.origins.at("host"), "--host");
  EXPECT_EQ(loaded.origins.at("log_level"), path("n.toml.d/10-a.toml") + ":1");
  EXPECT_EQ(loaded.origins.at("session.timeout_ms"), path("n.toml.d/20-b.toml") + ":2");
  EXPECT_EQ(loaded.origins.at("session.heartbeat_ms"), path("n.toml") + ":5");
  EXPECT_EQ(loaded.origins.at("limits.max_processes"), "NETBINDER_LIMITS__MAX_PROCESSES");
  EXPECT_FALSE(loaded.origins.contains("cluster"));
}

TEST_F(Sources, EntriesOfArraysAreAddedOrChangedByName) {
  write("n.toml", "host = \"a\"\ncluster_key = \"k\"\n"
                  "[[hosts]]\nname = \"a\"\naddress = \"127.0.0.1:1\"\n"
                  "[[hosts]]\nname = \"b\"\naddress = \"127.0.0.1:2\"\n");
  write("n.toml.d/c.toml", "[[hosts]]\nname = \"c\"\naddress = \"127.0.0.1:3\"\n"
                           "[[hosts]]\nname = \"b\"\naddress = \"127.0.0.1:20\"\n");
  const LoadedConfig loaded = load();
  ASSERT_EQ(loaded.config.hosts.size(), 3U);
  EXPECT_EQ(loaded.config.hosts[1].name, "b");
  EXPECT_EQ(loaded.config.hosts[1].address, "127.0.0.1:20");
  EXPECT_EQ(loaded.config.hosts[2].name, "c");
  EXPECT_EQ(loaded.origins.at("hosts[1].name"), path("n.toml") + ":4");
  EXPECT_EQ(loaded.origins.at("hosts[2].address"), path("n.toml.d/c.toml") + ":6");
}

TEST_F(Sources, TextIsTakenAsItIs) {
  sources_.file.clear();
  sources_.environment = {"NETBINDER_HOST=007", "NETBINDER_SOCKET=/tmp/with \"quotes\" and \\"};
  const LoadedConfig loaded = load();
  EXPECT_EQ(loaded.config.host, "007");
  EXPECT_EQ(loaded.config.socket, "/tmp/with \"quotes\" and \\");
}

TEST_F(Sources, FlagsTakeAnyKey) {
  sources_.file.clear();
  sources_.flags = {{"--set", "host", "x"},
                    {"--set", "context", "[{name = \"one\"}, {name = \"two\"}]"},
                    {"--set", "session.suspect_ms", "5000"}};
  const LoadedConfig loaded = load();
  ASSERT_EQ(loaded.config.contexts.size(), 2U);
  EXPECT_EQ(loaded.config.contexts[1].name, "two");
  EXPECT_EQ(loaded.config.session.suspect_ms, 5000U);
}

TEST_F(Sources, ErrorsNameTheirSource) {
  write("n.toml", "host = \"a\"\n");
  write("n.toml.d/x.toml", "\n[limits]\nmax_processes = 0\n");
  EXPECT_TRUE(failure().starts_with(path("n.toml.d/x.toml") + ":3")) << failure();
  write("n.toml.d/x.toml", "hots = \"a\"\n");
  EXPECT_TRUE(failure().starts_with(path("n.toml.d/x.toml") + ":1")) << failure();
  write("n.toml.d/x.toml", "host = \n");
  EXPECT_TRUE(failure().starts_with(path("n.toml.d/x.toml") + ":1")) << failure();
  write("n.toml.d/x.toml", "");
  sources_.environment = {"NETBINDER_SESSION__TIMEOUT_MS=1"};
  EXPECT_TRUE(failure().starts_with("NETBINDER_SESSION__TIMEOUT_MS")) << failure();
  sources_.environment = {"NETBINDER_INSECURE=perhaps"};
  EXPECT_TRUE(failure().starts_with("NETBINDER_INSECURE")) << failure();
  sources_.environment.clear();
  sources_.flags = {{"--set", "limits.wings", "2"}};
  EXPECT_TRUE(failure().starts_with("--set")) << failure();
  sources_.flags.clear();
  fs::remove_all(path("n.toml.d"));
  write("n.toml.d", "no folder");
  EXPECT_TRUE(failure().starts_with(path("n.toml.d"))) << failure();
}

// The output of --check has every value and its source, and is itself a configuration.
TEST_F(Sources, RenderedWithSourcesItIsTheSameConfiguration) {
  write("n.toml", "host = \"a\"\n[limits]\nmax_processes = 9\n");
  const LoadedConfig loaded = load();
  const std::string text = render_config(loaded.config, loaded.origins);
  EXPECT_NE(text.find("max_processes = 9  # " + path("n.toml") + ":3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("cluster = \"default\"  # default\n"), std::string::npos) << text;
  EXPECT_EQ(parse_config(text, "t").value(), loaded.config);
}

// Each key that has a value of its own can be set from the environment.
TEST_F(Sources, EveryKeyHasAVariable) {
  write("n.toml", R"(
host = "a"
cluster_key = "k"
user = "u"
[[hosts]]
name = "a"
address = "127.0.0.1:1"
[[hosts]]
name = "b"
address = "127.0.0.1:2"
[rdma]
device = "d"
gid_index = 1
[tls]
certificate = "c"
key = "k"
ca = "a"
)");
  const LoadedConfig loaded = load();
  for (const auto& [key, value] : config_values(loaded.config)) {
    if (key.find('[') != std::string::npos) continue;
    std::string name = "NETBINDER_";
    for (const char c : key) {
      name += c == '.' ? "__" : std::string(1, static_cast<char>(std::toupper(c)));
    }
    const bool quoted = value.starts_with('"');
    const std::string text = quoted ? value.substr(1, value.size() - 2) : value;
    sources_.environment = {name + "=" + text};
    EXPECT_EQ(load().origins[key], name) << key;
  }
}

TEST_F(Sources, UsersOfOtherHosts) {
  write("n.toml", R"(
host = "a"
cluster_key = "k"
[[hosts]]
name = "a"
address = "127.0.0.1:1"
[[hosts]]
name = "b"
address = "127.0.0.1:2"
[hosts.uid_map]
0 = 0
1000 = 2000
"*" = 65534
)");
  const LoadedConfig loaded = load();
  EXPECT_EQ(loaded.config.hosts[0].uid_map, (std::map<std::uint32_t, std::uint32_t>{{0, 65534}}));
  EXPECT_FALSE(loaded.config.hosts[0].other_uids);
  EXPECT_EQ(loaded.config.hosts[1].uid_map,
            (std::map<std::uint32_t, std::uint32_t>{{0, 0}, {1000, 2000}}));
  EXPECT_EQ(loaded.config.hosts[1].other_uids, 65534U);
  EXPECT_EQ(parse_config(render_config(loaded.config), "t").value(), loaded.config);
  for (const char* wrong : {"x = 1", "-1 = 1", "1 = -1", "1 = \"a\"", "4294967295 = 1"}) {
    write("n.toml.d/w.toml", std::string("[[hosts]]\nname = \"b\"\n[hosts.uid_map]\n") + wrong);
    EXPECT_NE(failure().find("hosts[2].uid_map"), std::string::npos) << wrong << ": " << failure();
  }
}

// Programs of several users live with an agent of root's or the system's, so its service manager
// does not yield; unless the configuration says so.
TEST_F(Sources, WhoseAgentItIsDecidesWhetherTheServiceManagerYields) {
  constexpr ServiceManagerKind kYields = ServiceManagerKind::kBuiltinUntilClaimed;
  struct Case {
    AgentOwner owner;
    ServiceManagerKind manager;
    std::string origin;
  };
  for (const Case& each :
       {Case{AgentOwner::kUser, kYields, "default of a user's own agent"},
        Case{AgentOwner::kRootUser, ServiceManagerKind::kBuiltin, "default of root's agent"},
        Case{AgentOwner::kSystem, ServiceManagerKind::kBuiltin, "default of the system's agent"}}) {
    sources_.owner = each.owner;
    write("n.toml", "host = \"a\"\n");
    const LoadedConfig bare = load();
    ASSERT_EQ(bare.config.contexts.size(), 3U);
    for (const ContextSettings& context : bare.config.contexts) {
      EXPECT_EQ(context.service_manager, each.manager) << each.origin;
    }
    EXPECT_EQ(bare.origins.at("context[3].service_manager"), each.origin);

    write("n.toml", R"(
[[context]]
name = "one"
[[context]]
name = "two"
service_manager = "builtin-until-claimed"
[[context]]
name = "three"
service_manager = "none"
)");
    const LoadedConfig named = load();
    EXPECT_EQ(named.config.contexts[0].service_manager, each.manager) << each.origin;
    EXPECT_EQ(named.config.contexts[1].service_manager, kYields);
    EXPECT_EQ(named.config.contexts[2].service_manager, ServiceManagerKind::kNone);
    const std::string text = render_config(named.config, named.origins);
    EXPECT_NE(text.find("service_manager = \"" + std::string(to_string(each.manager)) + "\"  # " +
                        each.origin + "\n"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("\"builtin-until-claimed\"  # " + path("n.toml") + ":6\n"),
              std::string::npos)
        << text;
    EXPECT_EQ(parse_config(text, "t").value(), named.config) << "whoever reads it";
  }
}

TEST_F(Sources, AUserWithoutRootHasASocketOfHisOwn) {
  if (::geteuid() == 0) {
    ::setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
    EXPECT_EQ(default_config().socket, "/run/netbinder/agent.sock") << "root's is the host's";
    ASSERT_EQ(::seteuid(65534), 0);
    EXPECT_EQ(default_config().socket, "/run/user/7/netbinder/agent.sock");
    EXPECT_EQ(default_config().admin_socket, "/run/user/7/netbinder/agent.sock.admin");
    ::unsetenv("XDG_RUNTIME_DIR");
    EXPECT_EQ(default_config().socket, "/run/netbinder/agent.sock");
    ASSERT_EQ(::seteuid(0), 0);
  } else {
    ::setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
    EXPECT_EQ(default_config().socket, "/run/user/7/netbinder/agent.sock");
  }
}

}  // namespace
}  // namespace netbinder
