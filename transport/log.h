// SPDX-License-Identifier: Apache-2.0
//
// The log of a program: lines of a level, on stderr. The library behind it is known to log.cc only,
// for it costs each unit that sees it seconds of compilation.
//
// Any thread.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>

namespace netbinder::log {

enum class Level { kInfo, kWarning, kError };

// Begins the log of the program, where no line of a lower level appears than the configuration's
// "trace", "debug", "info", "warning", "error" or "off".
void start(const std::string& program, const std::string& lowest);

[[nodiscard]] bool is_wanted(Level level);
void write(Level level, std::string_view line);

template <typename... Arguments>
void info(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  if (!is_wanted(Level::kInfo)) return;
  write(Level::kInfo, fmt::format(format, std::forward<Arguments>(arguments)...));
}

template <typename... Arguments>
void warn(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  if (!is_wanted(Level::kWarning)) return;
  write(Level::kWarning, fmt::format(format, std::forward<Arguments>(arguments)...));
}

template <typename... Arguments>
void error(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  if (!is_wanted(Level::kError)) return;
  write(Level::kError, fmt::format(format, std::forward<Arguments>(arguments)...));
}

}  // namespace netbinder::log
