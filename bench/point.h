// SPDX-License-Identifier: Apache-2.0
//
// One thing to measure: which work, done in which way. Peers are told of it in words of a command
// line, and answer with the same words, so that the driver and they agree by this file alone.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netbinder::bench {

// The hosts of the server and of its clients.
enum class Mode : std::uint8_t {
  kLocal,  // one host
  kTcp,    // two hosts, joined by the loopback device
  kVeth,   // two hosts, each in a network namespace, joined by a pair of virtual devices
  kTls,    // like kTcp, with TLS on both sides
};

enum class Work : std::uint8_t {
  kCall,    // a request and its answer
  kOneway,  // a request alone: it is done when the server's side has queued it
};

// Other work of the machine while the calls are made.
enum class Load : std::uint8_t {
  kNone,
  kBusyLoops,  // a process for each processor that computes without end
};

// The processors that the processes may run on.
enum class Pinning : std::uint8_t {
  kNone,   // any processor
  kOne,    // all on one processor
  kApart,  // the clients and what belongs to them on one, the server and its own on another
};

struct Point {
  Mode mode = Mode::kLocal;
  std::size_t bytes = 64;  // of a request; answers are empty
  std::uint32_t clients = 1;
  std::uint32_t interval_us =
      0;  // between the beginnings of a client's calls; 0: one after another
  Pinning pinning = Pinning::kNone;
  Work work = Work::kCall;
  Load load = Load::kNone;

  auto operator<=>(const Point&) const = default;
};

[[nodiscard]] std::string_view text(Mode mode);
[[nodiscard]] std::string_view text(Pinning pinning);
[[nodiscard]] std::string_view text(Work work);
[[nodiscard]] std::string_view text(Load load);
[[nodiscard]] std::optional<Mode> mode_of(std::string_view word);
[[nodiscard]] std::optional<Pinning> pinning_of(std::string_view word);
[[nodiscard]] std::optional<Work> work_of(std::string_view word);
[[nodiscard]] std::optional<Load> load_of(std::string_view word);

// "--mode local --bytes 64 …", one word each.
[[nodiscard]] std::vector<std::string> words_of(const Point& point);
// For people: "64 B, 4 clients, one call in 5 ms, on one processor"; without the mode.
[[nodiscard]] std::string describe(const Point& point);
// "64 B", "4 KiB", "1 MiB"
[[nodiscard]] std::string size_text(std::size_t bytes);

}  // namespace netbinder::bench
