// SPDX-License-Identifier: Apache-2.0
//
// The user for whom a view is made. The debug files show what programs do, down to the addresses of
// their objects. A user sees his own programs; root and the agent's user see all.
#pragma once

#include <cstdint>
#include <optional>

namespace netbinder {

struct Viewer {
  std::optional<std::uint32_t> euid;  // none: sees everything

  static Viewer everything() { return {}; }
  // `agent` is the agent's own user.
  static Viewer of_user(std::uint32_t euid, std::uint32_t agent) {
    return euid == 0 || euid == agent ? Viewer{} : Viewer{.euid = euid};
  }
  [[nodiscard]] bool sees(std::uint32_t owner) const { return !euid || *euid == owner; }
};

}  // namespace netbinder
