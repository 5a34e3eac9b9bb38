// SPDX-License-Identifier: Apache-2.0
//
// The log of a program: lines of a level, on stderr. Whoever logs never waits for it. Only log.cc
// knows the library behind it, because it costs each unit that includes it seconds of compilation.
//
// Any thread.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>

namespace netbinder::log {

enum class Level { kInfo, kWarning, kError };

// Begins the log of the program. Lines below the configured level, which is "trace", "debug",
// "info", "warning", "error" or "off", are left out.
void start(const std::string& program, const std::string& lowest);
// Another level from now on.
void set_lowest(const std::string& lowest);
// Ends it: lines that stderr takes soon are still written.
void finish();

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
