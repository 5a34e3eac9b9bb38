// SPDX-License-Identifier: Apache-2.0
#include "bench/point.h"

#include <array>
#include <span>

namespace netbinder::bench {

namespace {

constexpr std::array<std::string_view, 4> kModes = {"local", "tcp", "veth", "tls"};
constexpr std::array<std::string_view, 3> kPinnings = {"none", "one", "apart"};
constexpr std::array<std::string_view, 2> kWorks = {"call", "oneway"};
constexpr std::array<std::string_view, 2> kLoads = {"none", "busy"};

template <typename Enum>
std::optional<Enum> find(std::span<const std::string_view> names, std::string_view word) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == word) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view text(Mode mode) { return kModes[static_cast<std::size_t>(mode)]; }
std::string_view text(Pinning pinning) { return kPinnings[static_cast<std::size_t>(pinning)]; }
std::string_view text(Work work) { return kWorks[static_cast<std::size_t>(work)]; }
std::string_view text(Load load) { return kLoads[static_cast<std::size_t>(load)]; }
std::optional<Mode> mode_of(std::string_view word) { return find<Mode>(kModes, word); }
std::optional<Pinning> pinning_of(std::string_view word) { return find<Pinning>(kPinnings, word); }
std::optional<Work> work_of(std::string_view word) { return find<Work>(kWorks, word); }
std::optional<Load> load_of(std::string_view word) { return find<Load>(kLoads, word); }

std::vector<std::string> words_of(const Point& point) {
  return {"--mode",     std::string(text(point.mode)),
          "--bytes",    std::to_string(point.bytes),
          "--clients",  std::to_string(point.clients),
          "--interval", std::to_string(point.interval_us),
          "--pinning",  std::string(text(point.pinning)),
          "--work",     std::string(text(point.work)),
          "--load",     std::string(text(point.load))};
}

std::string size_text(std::size_t bytes) {
  if (bytes >= 1U << 20 && bytes % (1U << 20) == 0) return std::to_string(bytes >> 20) + " MiB";
  if (bytes >= 1U << 10 && bytes % (1U << 10) == 0) return std::to_string(bytes >> 10) + " KiB";
  return std::to_string(bytes) + " B";
}

std::string describe(const Point& point) {
  std::string said = size_text(point.bytes) + ", " + std::to_string(point.clients) +
                     (point.clients == 1 ? " client" : " clients");
  if (point.work == Work::kOneway) said += ", oneway";
  if (point.interval_us != 0) {
    said += ", a call every " + std::to_string(point.interval_us / 1000) + " ms";
  }
  if (point.pinning == Pinning::kOne) said += ", all on one processor";
  if (point.pinning == Pinning::kApart) said += ", each side on a processor of its own";
  if (point.load == Load::kBusyLoops) said += ", beside a busy loop on each processor";
  return said;
}

}  // namespace netbinder::bench
