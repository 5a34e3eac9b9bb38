// SPDX-License-Identifier: Apache-2.0
#include "node-agent/hot_channels.h"

#include "node-agent/clock.h"
#include "node-agent/client_channel.h"

namespace netbinder {

void HotChannels::add(ClientChannel& channel) {
  if (channel.hot) return;
  channel.hot = true;
  channel.disarm();
  channel.last_request_ns = monotonic_ns();
  channels_.push_back(&channel);
}

void HotChannels::remove(const ClientChannel& channel) { std::erase(channels_, &channel); }

void HotChannels::park_idle(std::uint64_t now_ns, std::uint64_t idle_ns) {
  std::erase_if(channels_, [&](ClientChannel* channel) {
    if (idle_ns != 0 && now_ns - channel->last_request_ns < idle_ns) return false;
    if (channel->has_left_over() || !channel->arm()) return false;
    channel->hot = false;
    return true;
  });
}

}  // namespace netbinder
