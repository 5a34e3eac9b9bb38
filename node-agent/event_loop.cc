// SPDX-License-Identifier: Apache-2.0
//
// The agent's data-plane loop. Channels with recent requests are hot: they are looked at directly,
// and their programs ring no doorbell. All others are parked: armed, and heard of through the
// event loop only, so that they cost nothing. When nothing is left to look at, the loop sleeps in
// the event loop with every channel armed.
#include <sched.h>

#include <algorithm>
#include <utility>

#include "node-agent/agent.h"

namespace netbinder {

namespace {

// While looking, sockets and timers get their turn this often, or at once if they had work last.
constexpr std::uint64_t kPollIntervalNs = 20'000;
// A hot channel without a request for this long is parked though others are busy; not before the
// loop would rather sleep than look.
constexpr std::uint64_t kChannelIdleNs = 500'000;

}  // namespace

void Agent::run() {
  std::uint64_t last_poll_ns = 0;
  std::uint64_t last_park_ns = 0;
  bool poll_had_work = false;
  bool slept = false;
  while (!stopping_) {
    bool worked = serve_hot();
    std::uint64_t now_ns = monotonic_ns();
    driver_->set_time(now_ns / 1'000'000);
    if (transport_ && transport_->poll()) {
      worked = true;
      flush();
      now_ns = monotonic_ns();
    }
    if (worked || poll_had_work) wait_.worked(now_ns, std::exchange(slept, false));
    if (worked || poll_had_work || wait_.look_again(now_ns)) {
      if (!worked && !poll_had_work) ::sched_yield();
      if (poll_had_work || now_ns - last_poll_ns >= kPollIntervalNs) {
        poll_had_work = io_.poll() > 0;
        if (poll_had_work) flush();
        now_ns = monotonic_ns();
        last_poll_ns = now_ns;
      }
      if (now_ns - last_park_ns >= kChannelIdleNs) {
        last_park_ns = now_ns;
        park_idle(now_ns, false);
      }
      continue;
    }
    park_idle(now_ns, true);
    if (!hot_.empty()) continue;  // a request came while its channel was being armed
    if (transport_ && !transport_->arm()) {
      flush();
      continue;
    }
    wait_.sleeps();
    io_.run_one();
    slept = true;
    driver_->set_time(monotonic_ms());
    flush();
    poll_had_work = true;
  }
}

bool Agent::serve_hot() {
  bool any = false;
  for (std::size_t i = 0; i < hot_.size(); ++i) {
    ClientChannel& channel = *hot_[i];
    if (!channel.handle_requests()) continue;
    any = true;
    channel.last_request_ns = monotonic_ns();
    if (channel.closing() &&
        std::find(closing_.begin(), closing_.end(), channel.process()) == closing_.end()) {
      closing_.push_back(channel.process());
    }
    after_event();
  }
  if (any) {
    flush();
    reap_closing();
  }
  return any;
}

void Agent::make_hot(ClientChannel& channel) {
  if (channel.hot) return;
  channel.hot = true;
  channel.disarm();
  channel.last_request_ns = monotonic_ns();
  hot_.push_back(&channel);
}

void Agent::park_idle(std::uint64_t now_ns, bool all) {
  const std::uint64_t idle_ns = std::max(kChannelIdleNs, wait_.window_ns());
  std::erase_if(hot_, [&](ClientChannel* channel) {
    if (!all && now_ns - channel->last_request_ns < idle_ns) return false;
    if (!channel->arm()) return false;
    channel->hot = false;
    return true;
  });
}

void Agent::after_event() {
  if (managers_have_work_ || driver_->has_new_peer_managers()) run_managers();
  if (!unsent_) respond();
  if (!to_give_up_.empty() && transport_) {
    for (const auto& [peer, reason] : std::exchange(to_give_up_, {})) {
      transport_->give_up(peer, reason);
    }
  }
}

void Agent::run_managers() {
  bool any = false;
  bool more = true;
  while (more) {
    managers_have_work_ = false;
    more = false;
    for (auto& manager : managers_) more = manager->run() || more;
    any = any || more;
  }
  if (any) look_for_clients();
}

void Agent::respond() {
  for (Response& response : responses_) response.channel->send(response);
  responses_.clear();
}

void Agent::flush() {
  if (transport_) transport_->flush();
  unsent_ = false;
  respond();
}

}  // namespace netbinder
