// SPDX-License-Identifier: Apache-2.0
#include "node-agent/subjects.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

namespace netbinder {

namespace {

constexpr int kMostGenerations = 256;

// Returns 0 if there is no parent, or it cannot be found out.
std::int32_t parent_of(std::int32_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  if (!std::getline(file, line)) return 0;
  // The state and the parent are behind the name, which may hold any bytes.
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream rest(line.substr(name_end + 1));
  char state = 0;
  std::int32_t parent = 0;
  return rest >> state >> parent ? parent : 0;
}

}  // namespace

bool may_speak_for(std::int32_t speaker, std::uint32_t euid, std::int32_t subject) {
  // The owner is root for one that may not be traced, such as a set-uid program.
  struct stat status {};
  if (speaker <= 0 || subject <= 0 || ::stat(fmt::format("/proc/{}", subject).c_str(), &status) != 0) {
    return false;
  }
  if (euid != 0 && status.st_uid != euid) return false;
  std::int32_t each = subject;
  for (int i = 0; i < kMostGenerations && each > 0; ++i) {
    if (each == speaker) return true;
    each = parent_of(each);
  }
  return false;
}

std::optional<std::uint32_t> effective_user_of(std::int32_t pid) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("Uid:")) continue;
    std::istringstream numbers(line.substr(4));
    std::uint32_t real = 0;
    std::uint32_t effective = 0;
    if (numbers >> real >> effective) return effective;
  }
  return std::nullopt;
}

}  // namespace netbinder
