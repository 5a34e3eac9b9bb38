// SPDX-License-Identifier: Apache-2.0
#include "node-agent/event_loop.h"

#include <sched.h>

#include <algorithm>
#include <utility>

#include "host/data_plane.h"
#include "host/node_host.h"
#include "node-agent/clock.h"
#include "node-agent/handshake.h"
#include "node-agent/look_window.h"
#include "node-agent/program_channels.h"
#include "transport/log.h"
#include "transport/transport.h"

namespace netbinder {

namespace {

// While looking, it polls sockets and timers this often, or at once if they had work last time.
constexpr std::uint64_t kPollIntervalNs = 20'000;

}  // namespace

void EventLoop::run() {
  DataPlane data_plane(&monotonic_ns);
  HotChannels& hot = channels_.hot();
  std::uint64_t last_poll_ns = 0;
  std::uint64_t last_park_ns = 0;
  std::uint64_t wait_began_ns = monotonic_ns();
  std::uint64_t yielded_ns = 0;  // when the processor was last given away, 0 if it was not
  bool poll_had_work = false;
  bool slept = false;
  WaitPolicy::Ended ended = WaitPolicy::Ended::kAwake;
  turn_began_ns_ = wait_began_ns;
  while (!stopping_) {
    std::uint64_t now_ns = monotonic_ns();
    if (const std::uint64_t before_ns = std::exchange(yielded_ns, 0); before_ns != 0) {
      if (waits_.crowded(now_ns - before_ns, look_window_.ns())) ++counts_.crowded_looks;
      turn_began_ns_ = now_ns;
    }
    // A wait is over when work is found; the work itself may take long.
    const std::uint64_t found_ns = slept ? turn_began_ns_ : now_ns;
    bool worked = channels_.serve_hot();
    if (worked) now_ns = monotonic_ns();
    host_.set_time_us(now_ns / 1000);
    if (transport_ != nullptr && transport_->poll(now_ns)) {
      worked = true;
      host_.flush();
      now_ns = monotonic_ns();
    }
    if (host_.go_on()) {
      worked = true;
      host_.flush();
      now_ns = monotonic_ns();
    }
    const std::uint64_t window_ns = look_window_.ns();
    if (worked || poll_had_work) {
      wait_ended(found_ns - wait_began_ns, std::exchange(ended, WaitPolicy::Ended::kAwake),
                 window_ns);
      wait_began_ns = now_ns;
      slept = false;
    }
    const bool looks = waits_.looks(0, window_ns);
    if (worked || poll_had_work || (looks && now_ns - wait_began_ns < window_ns)) {
      if (poll_had_work || now_ns - last_poll_ns >= kPollIntervalNs) {
        poll_had_work = poll_events();
        if (poll_had_work) host_.flush();
        last_poll_ns = now_ns;
      }
      if (now_ns - last_park_ns >= HotChannels::kIdleNs) {
        last_park_ns = now_ns;
        hot.park_idle(now_ns, std::max(HotChannels::kIdleNs, window_ns));
      }
      turn_ended(now_ns);
      // This is done after work, too: threads that were answered may look on this processor.
      if (!poll_had_work && !waits_.in_a_crowd()) {
        yielded_ns = now_ns;
        ::sched_yield();
      }
      continue;
    }
    turn_ended(now_ns);
    hot.park_all();
    if (!hot.empty()) {
      // A request came while its channel was being armed; or a user has to wait for a while, and
      // nobody else wants anything.
      poll_had_work = poll_events();
      if (poll_had_work) {
        host_.flush();
      } else {
        ::sched_yield();
      }
      continue;
    }
    if (transport_ != nullptr && !transport_->arm()) {
      host_.flush();
      continue;
    }
    ended = looks ? WaitPolicy::Ended::kLookedInVain : WaitPolicy::Ended::kAsleep;
    look_window_.agent_sleeps(now_ns);
    data_plane.sleeps();
    io_.run_one();
    now_ns = monotonic_ns();
    turn_began_ns_ = data_plane.woke().value_or(now_ns);
    host_.set_time_us(now_ns / 1000);
    host_.flush();
    slept = true;
    poll_had_work = true;
  }
}

void EventLoop::wait_ended(std::uint64_t waited_ns, WaitPolicy::Ended how,
                           std::uint64_t window_ns) {
  waits_.ended(waited_ns, how, window_ns);
  switch (how) {
    case WaitPolicy::Ended::kAwake:
      ++counts_.found_by_looking;
      break;
    case WaitPolicy::Ended::kAsleep:
      ++counts_.slept;
      break;
    case WaitPolicy::Ended::kLookedInVain:
      ++counts_.looked_in_vain;
      break;
  }
}

// A handler that waits again may be ready at once, so the time here is bounded: programs that call
// wait for an open of a stranger or two, not for many. The other handlers
// wait for the next turn.
bool EventLoop::poll_events() {
  constexpr std::uint64_t kEnoughNs = 20'000;
  channels_.take_doorbells();
  if (io_.poll_one() == 0) return false;
  const std::uint64_t began_ns = monotonic_ns();
  while (monotonic_ns() - began_ns < kEnoughNs && io_.poll_one() > 0) {
  }
  return true;
}

TurnWork EventLoop::work() const {
  const HostWork& host = host_.work();
  const ChannelStatistics& channels = channels_.statistics();
  return {.hellos = handshake_.hellos(),
          .requests = channels.requests,
          .request_bytes = channels.bytes_read,
          .messages_received = host.messages_received,
          .messages_sent = host.messages_sent,
          .payload_bytes = host.payload_bytes};
}

void EventLoop::turn_ended(std::uint64_t now_ns) {
  if (const auto late = late_turns_.turn_ended(turn_began_ns_, now_ns, work())) {
    log::agent.warn("{}", late->text());
  }
  turn_began_ns_ = now_ns;
}

}  // namespace netbinder
