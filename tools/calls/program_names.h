// SPDX-License-Identifier: Apache-2.0
//
// The names of programs, by pid, as they were when each was first asked for.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "node-agent/program_name.h"

namespace netbinder::tools {

class ProgramNames {
 public:
  // The name of a program of this machine. Empty if there is no such program, or no more.
  const std::string& of(std::int32_t pid) {
    return of(pid, [](std::int32_t here) { return std::string(ProgramName::of(here).text()); });
  }
  // The name of a program of any host; `named(pid)` tells one that was not asked for before.
  template <typename Named>
  const std::string& of(std::int32_t pid, Named&& named) {
    const auto [found, is_new] = names_.try_emplace(pid);
    if (is_new) found->second = named(pid);
    return found->second;
  }
  [[nodiscard]] const std::map<std::int32_t, std::string>& all() const { return names_; }

 private:
  std::map<std::int32_t, std::string> names_;
};

}  // namespace netbinder::tools
