// SPDX-License-Identifier: Apache-2.0
//
// Channels with recent requests are hot: the agent looks at them directly, and their programs do
// not ring the doorbell. All others are parked: they are armed and watched only by the event loop,
// so they cost nothing.
//
// Owned by ProgramChannels. Thread: the data-plane thread.
#pragma once

#include <cstdint>
#include <vector>

namespace netbinder {

class ClientChannel;

class HotChannels {
 public:
  // A hot channel without a request for this long is parked even though others are busy, but not
  // before the loop's own window (busy_poll_us) has passed.
  static constexpr std::uint64_t kIdleNs = 500'000;

  [[nodiscard]] bool empty() const { return channels_.empty(); }
  [[nodiscard]] std::size_t size() const { return channels_.size(); }
  [[nodiscard]] ClientChannel& at(std::size_t index) { return *channels_[index]; }

  // Makes the channel hot: its program need not ring the doorbell any more.
  void add(ClientChannel& channel);
  // The channel ends; it need not be hot.
  void remove(const ClientChannel& channel);
  // Parks the channels that were idle for that long, unless a request comes while they are armed.
  void park_idle(std::uint64_t now_ns, std::uint64_t idle_ns);
  void park_all() { park_idle(0, 0); }

 private:
  std::vector<ClientChannel*> channels_;
};

}  // namespace netbinder
