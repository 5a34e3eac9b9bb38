// SPDX-License-Identifier: Apache-2.0
#include "tools/private_cluster.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "tools/admin_client.h"
#include "tools/installation.h"

namespace netbinder::tools {

namespace {

constexpr std::chrono::seconds kStartTimeout{20};
constexpr std::chrono::milliseconds kStopTimeout{2000};

// Configuration of another agent, such as that of a session around this one, does not apply here.
void forget_configuration() {
  std::vector<std::string> names;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (text.starts_with("NETBINDER_")) names.emplace_back(text.substr(0, text.find('=')));
  }
  for (const std::string& name : names) ::unsetenv(name.c_str());
}

}  // namespace

PrivateCluster::PrivateCluster(const PrivateClusterSetup& setup) {
  if (setup.hosts < 1 || setup.hosts > kMaxHosts) {
    throw std::runtime_error(fmt::format("a session has 1 to {} hosts", kMaxHosts));
  }
  std::string pattern = (std::filesystem::temp_directory_path() / "netbinder-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw std::runtime_error(std::string("no folder for the sockets: ") + std::strerror(errno));
  }
  folder_ = pattern;
  try {
    ports_.resize(setup.hosts);
    std::string shared = "cluster = \"session\"\n";
    // The first agent makes it. So no program of this machine but these is a host of the cluster.
    shared += fmt::format("cluster_key = \"{}/cluster.key\"\n", folder_);
    shared += fmt::format("log_level = \"{}\"\n", setup.log_level);
    // Everybody who is let into the folder may use them.
    shared += "socket_mode = \"0666\"\n";
    if (setup.busy_poll_us) shared += fmt::format("busy_poll_us = {}\n", *setup.busy_poll_us);
    shared += fmt::format("transport = \"{}\"\n", setup.rdma ? "rdma" : "tcp");
    std::string tables;
    for (const std::string& context : setup.contexts) {
      tables += fmt::format("[[context]]\nname = \"{}\"\nservice_manager = \"{}\"\n", context,
                            setup.builtin_manager ? "builtin-until-claimed" : "none");
    }
    for (std::size_t i = 0; i < setup.hosts; ++i) {
      // All are on this machine, so root is the same one.
      tables += fmt::format(
          "[[hosts]]\nname = \"host{}\"\naddress = \"127.0.0.1:{}\"\n[hosts.uid_map]\n0 = 0\n",
          i + 1, ports_[i].number());
    }
    for (std::size_t i = 0; i < setup.hosts; ++i) {
      sockets_.push_back(fmt::format("{}/host{}.sock", folder_, i + 1));
      const std::string program =
          setup.agents.empty() ? agent_path() : setup.agents[i % setup.agents.size()];
      start_agent(i + 1, program,
                  fmt::format("host = \"host{}\"\nsocket = \"{}\"\n{}{}", i + 1, sockets_.back(),
                              shared, tables));
    }
    wait_until_connected(setup.rdma ? "rdma" : "tcp");
  } catch (...) {
    stop();
    throw;
  }
}

PrivateCluster::~PrivateCluster() { stop(); }

void PrivateCluster::start_agent(std::size_t number, const std::string& program,
                                 const std::string& config) {
  const std::string file = fmt::format("{}/host{}.toml", folder_, number);
  std::ofstream(file) << config;
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error(std::string("cannot fork: ") + std::strerror(errno));
  if (pid == 0) {
    // The agents end with the process that started them, however that ends.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(1);
    ::setpgid(0, 0);  // a Ctrl-C is for the command; they stop after it
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::unsetenv("LD_PRELOAD");
    forget_configuration();
    ::execl(program.c_str(), "netbinderd", "--config", file.c_str(), nullptr);
    ::_exit(127);
  }
  agents_.push_back(pid);
}

void PrivateCluster::wait_until_connected(std::string_view transport) {
  const auto deadline = std::chrono::steady_clock::now() + kStartTimeout;
  for (const std::string& socket : sockets_) {
    for (;;) {
      try {
        const auto status = ask_agent(socket, {{"command", "status"}});
        const auto& links = status["links"];
        const bool all = std::ranges::all_of(
            links, [&](const auto& link) { return link["transport"] == transport; });
        if (all && status["hosts_connected"] == sockets_.size()) break;
      } catch (const std::runtime_error&) {
        // not there yet
      }
      for (const pid_t agent : agents_) {
        if (::waitpid(agent, nullptr, WNOHANG) == agent) {
          std::erase(agents_, agent);
          throw std::runtime_error("an agent of the session ended at its start");
        }
      }
      if (std::chrono::steady_clock::now() > deadline) {
        throw std::runtime_error("the agents of the session did not find each other in time");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
}

bool PrivateCluster::is_agent(pid_t pid) const {
  return std::find(agents_.begin(), agents_.end(), pid) != agents_.end();
}

void PrivateCluster::export_sockets() const {
  ::setenv("NETBINDER_SOCKET", sockets_[0].c_str(), 1);
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    ::setenv(fmt::format("NETBINDER_SOCKET_{}", i + 1).c_str(), sockets_[i].c_str(), 1);
  }
}

void PrivateCluster::stop() {
  for (const pid_t agent : agents_) ::kill(agent, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + kStopTimeout;
  for (const pid_t agent : agents_) {
    pid_t ended = 0;
    while ((ended = ::waitpid(agent, nullptr, WNOHANG)) == 0 &&
           std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    if (ended == 0) {
      ::kill(agent, SIGKILL);
      ::waitpid(agent, nullptr, 0);
    }
  }
  agents_.clear();
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

}  // namespace netbinder::tools
