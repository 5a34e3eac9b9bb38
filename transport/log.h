// SPDX-License-Identifier: Apache-2.0
//
// The log of a program: records of a component and a level, on stderr or in the system's journal.
// Whoever logs never waits for it: a thread of its own writes. Levels:
//   error    something is lost, or cannot be served
//   warn     something is wrong that somebody has to look at
//   info     what the agent serves, and with whom
//   debug    edges of state: links, sessions, claims, references passed on, reloads, who has connected
//   trace    single decisions and messages about these; never anything for each call
// Only log.cc knows the library behind it, because it costs each unit that includes it seconds of
// compilation.
//
// Records of info and above are limited in rate for each kind, which is a place in the sources; what
// is left out is counted and told. Places whose records strangers cause are also limited for each
// source, before they get here (node-agent/denial_log.h, tcp/environment.h).
//
// Any thread.
#pragma once

#include <fmt/core.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace netbinder::log {

enum class Level : std::uint8_t { kTrace, kDebug, kInfo, kWarning, kError, kOff };

enum class Component : std::uint8_t {
  kAgent,
  kClaims,
  kConfig,
  kFiles,
  kMembership,
  kPolicy,
  kPrograms,
  kRdma,
  kReferences,
  kTransport,
};
inline constexpr std::array<std::string_view, 10> kComponentNames = {
    "agent",      "claims",   "config", "files",      "membership",
    "policy",     "programs", "rdma",   "references", "transport"};

enum class Format : std::uint8_t { kText, kJson, kJournal };

// Levels are "trace", "debug", "info", "warn", "error" or "off".
struct Settings {
  std::string lowest = "info";
  std::map<std::string, std::string> filter = {};  // other lowest levels, by component
  Format format = Format::kText;
};

// A record on its way to the journal.
struct JournalEntry {
  int priority = 6;  // as syslog(3) has it
  std::string_view component;
  std::string_view message;
};
// Called on the log's thread, which may wait.
using PutIntoJournal = void (*)(const JournalEntry& entry);

// Begins the log of the program, with records from that level on, as text.
void start(const std::string& program, const std::string& lowest);
// Sets what Format::kJournal means in this program; without it, text on stderr.
void set_journal(PutIntoJournal put);
// Other settings from now on.
void configure(const Settings& settings);
// Another level from now on, of every component.
void set_lowest(const std::string& lowest);
// Ends it: records that are taken soon are still written.
void finish();

class Logger;
// `kind` is the address of its format.
void write(Component component, Level level, const char* kind, std::string message);

// The records of one component.
class Logger {
 public:
  constexpr explicit Logger(Component component) : component_(component) {}

  [[nodiscard]] bool wants(Level level) const {
    return level >= lowest[static_cast<std::size_t>(component_)].load(std::memory_order_relaxed);
  }

  template <typename... Arguments>
  void trace(fmt::format_string<Arguments...> format, Arguments&&... arguments) const {
    put(Level::kTrace, format, std::forward<Arguments>(arguments)...);
  }
  template <typename... Arguments>
  void debug(fmt::format_string<Arguments...> format, Arguments&&... arguments) const {
    put(Level::kDebug, format, std::forward<Arguments>(arguments)...);
  }
  template <typename... Arguments>
  void info(fmt::format_string<Arguments...> format, Arguments&&... arguments) const {
    put(Level::kInfo, format, std::forward<Arguments>(arguments)...);
  }
  template <typename... Arguments>
  void warn(fmt::format_string<Arguments...> format, Arguments&&... arguments) const {
    put(Level::kWarning, format, std::forward<Arguments>(arguments)...);
  }
  template <typename... Arguments>
  void error(fmt::format_string<Arguments...> format, Arguments&&... arguments) const {
    put(Level::kError, format, std::forward<Arguments>(arguments)...);
  }

 private:
  friend void configure(const Settings& settings);

  template <typename... Arguments>
  void put(Level level, fmt::format_string<Arguments...> format, Arguments&&... arguments) const {
    if (!wants(level)) return;
    const fmt::string_view text = format;
    write(component_, level, text.data(),
          fmt::format(format, std::forward<Arguments>(arguments)...));
  }

  // By component. Until the log begins, everything from info on is wanted.
  static inline std::array<std::atomic<Level>, kComponentNames.size()> lowest = {
      Level::kInfo, Level::kInfo, Level::kInfo, Level::kInfo, Level::kInfo,
      Level::kInfo, Level::kInfo, Level::kInfo, Level::kInfo, Level::kInfo};

  Component component_;
};

inline constexpr Logger agent{Component::kAgent};
inline constexpr Logger claims{Component::kClaims};
inline constexpr Logger config{Component::kConfig};
inline constexpr Logger files{Component::kFiles};
inline constexpr Logger membership{Component::kMembership};
inline constexpr Logger policy{Component::kPolicy};
inline constexpr Logger programs{Component::kPrograms};
inline constexpr Logger rdma{Component::kRdma};
inline constexpr Logger references{Component::kReferences};
inline constexpr Logger transport{Component::kTransport};

}  // namespace netbinder::log
