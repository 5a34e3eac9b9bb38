// SPDX-License-Identifier: Apache-2.0
//
// Carries out one turn: starts a peer's helpers, its server and its clients, lets the clients call
// at the same time, and ends all of them.
#pragma once

#include <cstdint>
#include <memory>

#include "bench/peers/latencies.h"
#include "bench/peers/peer.h"

namespace netbinder::bench {

struct Measured {
  std::unique_ptr<Latencies> latencies;  // of all clients
  double seconds = 0;                    // from the first call's beginning to the last one's end
  std::uint64_t cpu_ns = 0;              // of all processes of the turn, without the load beside it
  double others_percent = 0;             // bench/peers/machine_time.h
  double stolen_percent = 0;
};

// Throws std::runtime_error if a process fails or nothing happens for a long time; what it printed
// is on stderr.
Measured measure(const Peer& peer, const Turn& turn);

}  // namespace netbinder::bench
