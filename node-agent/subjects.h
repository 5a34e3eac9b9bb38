// SPDX-License-Identifier: Apache-2.0
//
// Whether a process may speak for another one, as supervisors do: that descends from it, and belongs
// to the same user. Such a process could be traced by it anyway, so nothing is granted that it does
// not have. Any thread.
#pragma once

#include <cstdint>
#include <optional>

namespace netbinder {

// `euid` is the speaker's. False also if it cannot be told.
[[nodiscard]] bool may_speak_for(std::int32_t speaker, std::uint32_t euid, std::int32_t subject);

// The effective user of a process that has been found to be a subject of root's.
[[nodiscard]] std::optional<std::uint32_t> effective_user_of(std::int32_t pid);

}  // namespace netbinder
