// SPDX-License-Identifier: Apache-2.0
//
// The versions of what hosts say to each other. A session has one, the newest that both ends speak,
// and only what that version has is sent on it. An agent speaks earlier versions as well, so that a
// cluster is brought to a new one host by host.
#pragma once

#include <cstdint>

#include "core/base/ids.h"

namespace netbinder {

using WireVersion = StrongId<struct WireVersionTag, std::uint32_t>;

inline constexpr WireVersion kNewestVersion{6};
inline constexpr WireVersion kOldestVersion{4};

[[nodiscard]] constexpr bool is_spoken(WireVersion version) {
  return version >= kOldestVersion && version <= kNewestVersion;
}

// 5: a host is asked what it has introduced (AskIntroductions, IntroductionsSent); calls carry the ids
// of their trace and span.
[[nodiscard]] constexpr bool asks_introducers(WireVersion version) {
  return version >= WireVersion{5};
}

[[nodiscard]] constexpr bool carries_spans(WireVersion version) {
  return version >= WireVersion{5};
}

// 6: hosts tell each other the numbers of their lists of hosts (HostList), and claims carry them.
[[nodiscard]] constexpr bool tells_lists(WireVersion version) { return version >= WireVersion{6}; }

}  // namespace netbinder
