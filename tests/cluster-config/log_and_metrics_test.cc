// SPDX-License-Identifier: Apache-2.0
//
// The tables [log] and [metrics].
#include <gtest/gtest.h>

#include "cluster-config/config.h"

namespace netbinder {
namespace {

std::string mistake(const std::string& text) {
  const auto config = parse_config(text, "f");
  return config ? "none" : config.error().to_string();
}

TEST(LogSettings, AreTakenAndRendered) {
  const auto config = parse_config(R"(
[log]
format = "json"
filter = "transport=debug, claims=trace,"
)",
                                   "f");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->log.format, LogFormat::kJson);
  EXPECT_EQ(config->log.filter,
            (std::map<std::string, std::string>{{"claims", "trace"}, {"transport", "debug"}}));
  EXPECT_EQ(*parse_config(render_config(*config), "f"), *config);
  EXPECT_EQ(config_values(*config).at("log.filter"), "\"claims=trace,transport=debug\"");
}

TEST(LogSettings, MistakesAreNamed) {
  EXPECT_EQ(mistake("[log]\nformat = \"xml\"\n"),
            "f:2:10: log.format: 'xml' is not one of text, json, journal");
  EXPECT_EQ(mistake("[log]\nfilter = \"transport\"\n"),
            "f:2:10: log.filter: 'transport' is not COMPONENT=LEVEL");
  EXPECT_NE(mistake("[log]\nfilter = \"tcp=debug\"\n").find("there is no component 'tcp'"),
            std::string::npos);
  EXPECT_NE(mistake("[log]\nfilter = \"rdma=loud\"\n").find("'loud' is not one of trace, debug"),
            std::string::npos);
  EXPECT_NE(mistake("[log]\nfilter = \"rdma=info,rdma=off\"\n").find("'rdma' is there twice"),
            std::string::npos);
}

TEST(LogSettings, ComeFromTheEnvironmentAndFlagsAsWell) {
  const auto loaded = load_config({.file = {},
                                   .environment = {"NETBINDER_LOG__FORMAT=journal"},
                                   .flags = {{"--set", "log.filter", "files=error"}}});
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  EXPECT_EQ(loaded->config.log.format, LogFormat::kJournal);
  EXPECT_EQ(loaded->config.log.filter.at("files"), "error");
  EXPECT_EQ(loaded->origins.at("log.format"), "NETBINDER_LOG__FORMAT");
}

TEST(MetricsSettings, AreTakenAndRendered) {
  const auto config =
      parse_config("[metrics]\nlisten = \"[::1]:9555\"\nusers = true\nlatency = true\n", "f");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->metrics,
            (MetricsSettings{.listen = "[::1]:9555", .users = true, .latency = true}));
  EXPECT_EQ(*parse_config(render_config(*config), "f"), *config);
  EXPECT_EQ(default_config().metrics, MetricsSettings{});
}

TEST(MetricsSettings, ListenOnLoopbackUnlessItIsSaid) {
  EXPECT_NE(mistake("[metrics]\nlisten = \"0.0.0.0:9555\"\n").find("is not a loopback address"),
            std::string::npos);
  EXPECT_EQ(mistake("[metrics]\nlisten = \"0.0.0.0:9555\"\nremote = true\n"), "none");
  EXPECT_NE(mistake("[metrics]\nlisten = \"localhost:9555\"\n").find("has no IP address"),
            std::string::npos);
  EXPECT_NE(mistake("[metrics]\nlisten = \"127.0.0.1\"\n").find("there is no port"),
            std::string::npos);
}

}  // namespace
}  // namespace netbinder
