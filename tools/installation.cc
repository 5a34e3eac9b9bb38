// SPDX-License-Identifier: Apache-2.0
#include "tools/installation.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "channel/agent_socket.h"

namespace netbinder::tools {

namespace {

constexpr const char* kShimName = "libnetbinder-shim.so";

// As LD_PRELOAD has it. Its entries end with a space or a colon, so a path with such is replaced by
// the file's name, to be found in the library path, whose entries may have spaces.
std::string preloadable(const std::string& path) {
  if (path.find_first_of(" :") == std::string::npos) return path;
  const std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.find_first_of(":;") != std::string::npos) {
    throw std::runtime_error("the loader preloads nothing from a folder with a colon: " + folder);
  }
  const char* const before = std::getenv("LD_LIBRARY_PATH");
  const std::string now = before == nullptr || *before == '\0' ? folder : folder + ":" + before;
  ::setenv("LD_LIBRARY_PATH", now.c_str(), 1);
  return std::filesystem::path(path).filename().string();
}

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
        bin.parent_path() / NETBINDER_LIBDIR / kShimName}) {
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

void preload_shim(const std::vector<std::string>& first) {
  const std::string before = environment("LD_PRELOAD");
  if (before.find(kShimName) != std::string::npos) return;
  std::string now;
  for (const std::string& library : first) now += library + ":";
  now += preloadable(shim_path());
  if (!before.empty()) now += ":" + before;
  ::setenv("LD_PRELOAD", now.c_str(), 1);
}

std::optional<std::string> shim_path_of_32_bit() {
  const std::filesystem::path path =
      std::filesystem::path(shim_path()).parent_path() / "i386" / kShimName;
  return std::filesystem::exists(path) ? std::optional(path.string()) : std::nullopt;
}

void preload_shim_of_32_bit(const std::string& path) {
  do_not_preload_shim();
  const std::string before = environment("LD_PRELOAD");
  const std::string now = preloadable(path) + (before.empty() ? "" : ":" + before);
  ::setenv("LD_PRELOAD", now.c_str(), 1);
}

void do_not_preload_shim() {
  std::istringstream entries(environment("LD_PRELOAD"));
  std::string left;
  for (std::string entry; std::getline(entries, entry, ':');) {
    if (entry.find(kShimName) != std::string::npos) continue;
    left += (left.empty() ? "" : ":") + entry;
  }
  if (left.empty()) {
    ::unsetenv("LD_PRELOAD");
  } else {
    ::setenv("LD_PRELOAD", left.c_str(), 1);
  }
}

void ensure_preloaded(char** argv) {
  if (environment("LD_PRELOAD").find(kShimName) != std::string::npos) return;
  preload_shim();
  ::execv(own_path().c_str(), argv);
  throw std::runtime_error(std::string("cannot start again: ") + std::strerror(errno));
}

}  // namespace netbinder::tools
