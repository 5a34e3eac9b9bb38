// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/agents.h"

#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "bench/peers/stream_socket.h"

namespace netbinder::bench {

namespace {

struct Host {
  const char* name;
  std::string address;  // where its agent listens
};

std::string socket_of(const Turn& turn, const char* host) {
  return turn.folder + "/" + host + ".sock";
}

// A port that is free at the moment. In a namespace of the turn's own, any is.
std::string free_address(const Place& place, int* next_port) {
  if (!place.namespace_path.empty()) return place.host + ":" + std::to_string((*next_port)++);
  return Socket::listen("", place.host).address();
}

std::string configuration(const Turn& turn, const std::vector<Host>& hosts, const Host& own,
                          Manager manager) {
  std::string text;
  text += "host = \"" + std::string(own.name) + "\"\n";
  text += "socket = \"" + socket_of(turn, own.name) + "\"\n";
  text += "cluster = \"bench\"\ntransport = \"tcp\"\nlog_level = \"error\"\n";
  text += "cluster_key = \"" + turn.folder + "/cluster.key\"\n";
  // Between namespaces they are on a network, which is the turn's own.
  if (turn.point.mode == Mode::kVeth) text += "insecure = true\n";
  if (turn.point.mode == Mode::kTls) {
    text += "tls = {ca = \"" + turn.folder + "/ca.pem\", certificate = \"" + turn.folder + "/" +
            own.name + ".pem\", key = \"" + turn.folder + "/" + own.name + ".key\"}\n";
  }
  text += "[[context]]\nname = \"binder\"\nservice_manager = \"";
  text += manager == Manager::kBuiltin ? "builtin\"\n" : "none\"\n";
  if (hosts.size() < 2) return text;
  for (const Host& host : hosts) {
    text += "[[hosts]]\nname = \"" + std::string(host.name) + "\"\naddress = \"" + host.address +
            "\"\n";
    text += "[hosts.uid_map]\n0 = 0\n";
  }
  return text;
}

Child start_agent(const Place& place, const std::string& program, const std::string& file) {
  return Child::start(place, [&] {
    ::unsetenv("LD_PRELOAD");
    ::execl(program.c_str(), program.c_str(), "--config", file.c_str(), nullptr);
    fail("cannot run " + program);
  });
}

// Certificates of both hosts, in the turn's folder.
void make_certificates(const Turn& turn, const std::vector<Host>& hosts) {
  const std::string tool = own_folder() / "netbinder";
  const auto run = [&](const std::string& words) {
    const std::string command = "env -u LD_PRELOAD '" + tool + "' certs " + words + " >/dev/null";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("no certificates");
  };
  run("init '" + turn.folder + "'");
  for (const Host& host : hosts) run("host " + std::string(host.name) + " --folder '" + turn.folder + "'");
}

constexpr std::chrono::seconds kPatience{15};

}  // namespace

std::filesystem::path own_folder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

void until(const char* what, const std::function<bool()>& attempt) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!attempt()) {
    if (std::chrono::steady_clock::now() > deadline) fail(what);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

std::string server_agent(const Turn& turn) { return socket_of(turn, "server"); }
std::string client_agent(const Turn& turn) {
  return socket_of(turn, turn.point.mode == Mode::kLocal ? "server" : "client");
}

std::vector<Child> start_agents(const Turn& turn, const std::string& agent_program,
                                Manager manager) {
  int port = 7700;
  std::vector<Host> hosts = {{.name = "server", .address = free_address(turn.server, &port)}};
  std::vector<const Place*> places = {&turn.server};
  if (turn.point.mode != Mode::kLocal) {
    hosts.push_back({.name = "client", .address = free_address(turn.client, &port)});
    places.push_back(&turn.client);
  }
  if (turn.point.mode == Mode::kTls) make_certificates(turn, hosts);
  std::vector<Child> agents;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const std::string file = turn.folder + "/" + hosts[i].name + ".toml";
    std::ofstream(file) << configuration(turn, hosts, hosts[i], manager);
    agents.push_back(start_agent(*places[i], agent_program, file));
  }
  return agents;
}

}  // namespace netbinder::bench
