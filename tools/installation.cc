// SPDX-License-Identifier: Apache-2.0
#include "tools/installation.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "channel/agent_socket.h"

namespace netbinder::tools {

namespace {

constexpr const char* kShimName = "libnetbinder-shim.so";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

std::string own_path() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

std::string shim_path() {
  const std::filesystem::path bin = std::filesystem::path(own_path()).parent_path();
  std::string tried;
  const std::string wanted = environment("NETBINDER_SHIM");
  for (const std::filesystem::path& path :
       {std::filesystem::path(wanted), bin.parent_path() / "lib" / kShimName,
        bin.parent_path() / "lib" / "netbinder" / kShimName}) {
    if (path.empty()) continue;
    if (std::filesystem::exists(path)) return path.string();
    tried += (tried.empty() ? "" : ", ") + path.string();
  }
  throw std::runtime_error("the preload library is not there; looked for " + tried);
}

std::string agent_path() {
  const std::filesystem::path path = std::filesystem::path(own_path()).parent_path() / "netbinderd";
  if (!std::filesystem::exists(path)) {
    throw std::runtime_error("the agent's program is not there: " + path.string());
  }
  return path.string();
}

std::string agent_socket() {
  return AgentSocket([](const char* path) { return ::access(path, F_OK) == 0; }).path();
}

void preload_shim() {
  const std::string shim = shim_path();
  const std::string before = environment("LD_PRELOAD");
  if (before.find(kShimName) != std::string::npos) return;
  const std::string now = before.empty() ? shim : shim + ":" + before;
  ::setenv("LD_PRELOAD", now.c_str(), 1);
}

void ensure_preloaded(char** argv) {
  if (environment("LD_PRELOAD").find(kShimName) != std::string::npos) return;
  preload_shim();
  ::execv(own_path().c_str(), argv);
  throw std::runtime_error(std::string("cannot start again: ") + std::strerror(errno));
}

}  // namespace netbinder::tools
