// SPDX-License-Identifier: Apache-2.0
//
// How the claim of a unique name is called where claims of contexts are kept, too:
// "names/CONTEXT/NAME". The name of a context has no '/'. A plain value.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace netbinder {

struct NameClaimKey {
  std::string context;
  std::string name;

  [[nodiscard]] std::string text() const { return std::string(kStart) + context + "/" + name; }
  // Nothing: it is the claim of a context.
  [[nodiscard]] static std::optional<NameClaimKey> of(std::string_view claim) {
    if (!claim.starts_with(kStart)) return std::nullopt;
    claim.remove_prefix(kStart.size());
    const std::size_t end = claim.find('/');
    if (end == std::string_view::npos) return std::nullopt;
    return NameClaimKey{.context = std::string(claim.substr(0, end)),
                        .name = std::string(claim.substr(end + 1))};
  }

 private:
  static constexpr std::string_view kStart = "names/";
};

}  // namespace netbinder
