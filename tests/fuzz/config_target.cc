// SPDX-License-Identifier: Apache-2.0
//
// A configuration file, which is the whole input. A configuration that is accepted is complete, and
// is the same after it was written out and read again; an error names its place.
#include <algorithm>
#include <string_view>

#include "cluster-config/config.h"
#include "core/base/check.h"
#include "tests/fuzz/seeds.h"

namespace netbinder::fuzz {

std::vector<Seed> make_seeds() {
  std::vector<Seed> seeds;
  Config config = *parse_config("host = 'a'", "(no file)");
  seeds.push_back(Seed{.name = "default", .bytes = {}}.text(render_config(config)));
  config.hosts = {{.name = "a", .id = 1, .address = "127.0.0.1:1000"},
                  {.name = "b", .id = 9, .address = "[::1]:1000"},
                  {.name = "c", .id = 3, .address = "c.example:70"}};
  config.listen = "127.0.0.2:1000";
  config.transport = TransportKind::kTcp;
  config.contexts = {{.name = "binder",
                      .scope = ContextScope::kHost,
                      .service_manager = ServiceManagerKind::kNone,
                      .dialect = ServiceManagerDialect::kAndroid13}};
  config.rdma.device = "mlx5_0";
  config.rdma.gid_index = 3;
  config.tls = {.certificate = "/etc/\"c\".pem", .key = "k\t", .ca = "\\a"};
  seeds.push_back(Seed{.name = "cluster", .bytes = {}}.text(render_config(config)));
  seeds.push_back(Seed{.name = "values", .bytes = {}}.text(
      "cluster = 'blue'\nsocket = \"\\u0073\"\ninsecure = true\nbusy_poll_us = 0x3E8 # a comment\n"
      "log_level = '''debug'''\nhosts = [{ name = \"x\", address = \"10.0.0.1:70\" }]\nhost = 'x'\n"
      "[session]\ntimeout_ms = 1_000\n[limits]\nmax_processes = 7\n"));
  seeds.push_back(Seed{.name = "other-types", .bytes = {}}.text(
      "a = 1979-05-27T07:32:00Z\nb = [1.5, inf, -0b1]\nc.d = nan\n[[e.f]]\n[e.g]\n"));
  seeds.push_back(Seed{.name = "joins", .bytes = {}}.text(
      "host = 'a'\ncluster_key = 'k'\nlisten = '127.0.0.1:7'\n[membership]\nkind = 'etcd'\n"
      "endpoints = ['http://127.0.0.1:1', 'https://[::1]:2/']\nprefix = '/p/'\nlease_seconds = 5\n"
      "address = 'a.example:70'\nuser = 'u'\npassword_file = 'p'\nlabels = { 'a.b' = 'c', d = '\\e' }\n"
      "tls = { ca = 'c', certificate = 'd', key = 'e' }\n"
      "[[hosts]]\nname = 'b'\nuid_map = { 0 = 0, '*' = 7 }\n"));
  seeds.push_back(Seed{.name = "numbered", .bytes = {}}.text("[membership]\nlist = 20261130\n"));
  seeds.push_back(Seed{.name = "policy", .bytes = {}}.text(
      "host = 'a'\n"
      "socket_mode = '0660'\n"
      "socket_group = '7'\n"
      "[[policy]]\n"
      "deny = ['add', 'find', 'call']\n"
      "who = ['uid:1@a', 'gid:2', 'user:root', 'host:a', '*']\n"
      "names = ['a.*', '!a.b?']\n"
      "[[policy]]\n"
      "allow = ['manage']\n"
      "context = 'binder'\n"
      "[[context]]\n"
      "name = 'binder'\n"
      "export = ['x*']\n"
      "import = ['!y']\n"));
  return seeds;
}

}  // namespace netbinder::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace netbinder;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = parse_config(text, "f");
  if (!config) {
    const ConfigError& error = config.error();
    NB_CHECK(error.file == "f" && !error.message.empty());
    NB_CHECK(error.line <= 1 + static_cast<std::size_t>(std::ranges::count(text, '\n')));
    NB_CHECK(error.to_string().starts_with("f:"));
    return 0;
  }
  NB_CHECK(config->self().name == config->host && !config->contexts.empty());
  NB_CHECK(config->session.suspect_ms >= 2 * config->session.heartbeat_ms);
  const auto again = parse_config(render_config(*config), "g");
  NB_CHECK(again && *again == *config);
  return 0;
}
