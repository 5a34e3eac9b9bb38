// SPDX-License-Identifier: Apache-2.0
//
// The agent's data-plane loop. It looks at hot channels, at the transport, and now and then at
// sockets and timers. When nothing is left to look at, it sleeps in the io_context with every
// channel armed.
//
// Owned by the Agent. Thread: run() makes its thread the data-plane thread for as long as it runs.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <optional>

#include "channel/wait_policy.h"
#include "node-agent/late_turns.h"

namespace netbinder {

class Handshake;
class LookWindow;
class NodeHost;
class ProgramChannels;
class Transport;

// How the loop's waits have ended since it began (channel/wait_policy.h).
struct LoopWaits {
  std::uint64_t found_by_looking = 0;
  std::uint64_t slept = 0;           // without having looked
  std::uint64_t looked_in_vain = 0;  // and then slept
  std::uint64_t crowded_looks = 0;
};

class EventLoop {
 public:
  // The objects it drives must outlive it.
  EventLoop(boost::asio::io_context& io, NodeHost& host, ProgramChannels& channels,
            const Handshake& handshake, LookWindow& look_window)
      : io_(io),
        host_(host),
        channels_(channels),
        handshake_(handshake),
        look_window_(look_window) {}

  // To be called if there are other hosts.
  void attach(Transport& transport) { transport_ = &transport; }

  void run();
  // To be called from a handler of the io_context.
  void stop() { stopping_ = true; }
  [[nodiscard]] const LoopWaits& waits() const { return counts_; }
  [[nodiscard]] const LateTurns& turns() const { return late_turns_; }

 private:
  void wait_ended(std::uint64_t waited_ns, WaitPolicy::Ended how, std::uint64_t window_ns);
  void turn_ended(std::uint64_t now_ns);
  // Whether there was an event.
  bool poll_events();
  [[nodiscard]] TurnWork work() const;

  boost::asio::io_context& io_;
  NodeHost& host_;
  ProgramChannels& channels_;
  const Handshake& handshake_;
  Transport* transport_ = nullptr;
  LookWindow& look_window_;
  WaitPolicy waits_;
  LoopWaits counts_;
  LateTurns late_turns_;
  std::uint64_t turn_began_ns_ = 0;
  bool stopping_ = false;
};

}  // namespace netbinder
