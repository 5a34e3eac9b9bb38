// SPDX-License-Identifier: Apache-2.0
//
// The peers that there may be, and those that are here: programs beside netbinder, which say
// themselves what they offer.
#pragma once

#include <string>
#include <vector>

#include "bench/point.h"

namespace netbinder::bench {

// The figures that a peer's can be compared with.
enum class PeerKind : std::uint8_t {
  kCalls,  // each other
  kLimit,  // all, as what none can be better than
  kEcho,   // other echoes: calls by generated stubs, whose answers are what the requests were
};

struct PeerHere {
  std::string name;
  std::string what;  // for readers
  PeerKind kind = PeerKind::kCalls;
  std::vector<Mode> modes;
  std::string program;
  bool oneway = false;  // it has such calls
  [[nodiscard]] bool has(Mode mode) const;
};

struct PeerAbsent {
  std::string name;
  std::string why;
};

struct Catalogue {
  std::vector<PeerHere> here;  // netbinder first, limits last
  std::vector<PeerAbsent> absent;

  // `wanted`: the names of those to use; empty: all. Throws std::runtime_error for a name that
  // nobody has, or if none is left.
  static Catalogue find(const std::string& folder, const std::vector<std::string>& wanted);
};

}  // namespace netbinder::bench
