// SPDX-License-Identifier: Apache-2.0
//
// Whether a process may act for another one, as supervisors do: the other descends from it, and
// belongs to the same user. It could trace such a process anyway, so this grants nothing that it
// does not have. Any thread.
#pragma once

#include <cstdint>
#include <optional>

namespace netbinder {

// `euid` is the speaker's. False also if this cannot be found out.
[[nodiscard]] bool may_speak_for(std::int32_t speaker, std::uint32_t euid, std::int32_t subject);

// The effective user of a process that has been found to be a subject of root.
[[nodiscard]] std::optional<std::uint32_t> effective_user_of(std::int32_t pid);

}  // namespace netbinder
