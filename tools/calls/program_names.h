// SPDX-License-Identifier: Apache-2.0
//
// The names of this machine's programs, by pid, as they were when each was first asked for.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "node-agent/program_name.h"

namespace netbinder::tools {

class ProgramNames {
 public:
  // Empty: there is no such program, or no more.
  const std::string& of(std::int32_t pid) {
    return of(pid, [](std::int32_t) { return std::string(); });
  }
  // The same; `known(pid)` is asked first, which may know of programs that have ended.
  template <typename Known>
  const std::string& of(std::int32_t pid, Known&& known) {
    const auto [found, is_new] = names_.try_emplace(pid);
    if (is_new) found->second = known(pid);
    if (is_new && found->second.empty()) found->second = ProgramName::of(pid).text();
    return found->second;
  }
  [[nodiscard]] const std::map<std::int32_t, std::string>& all() const { return names_; }

 private:
  std::map<std::int32_t, std::string> names_;
};

}  // namespace netbinder::tools
