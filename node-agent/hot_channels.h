// SPDX-License-Identifier: Apache-2.0
//
// Channels with recent requests are hot: they are looked at directly, and their programs ring no
// doorbell. All others are parked: armed, and heard of through the event loop only, so that they
// cost nothing.
//
// Owned by ProgramChannels. Thread: the data-plane thread.
#pragma once

#include <cstdint>
#include <vector>

namespace netbinder {

class ClientChannel;

class HotChannels {
 public:
  // A hot channel without a request for this long is parked though others are busy; not before the
  // loop would rather sleep than look.
  static constexpr std::uint64_t kIdleNs = 500'000;

  [[nodiscard]] bool empty() const { return channels_.empty(); }
  [[nodiscard]] std::size_t size() const { return channels_.size(); }
  [[nodiscard]] ClientChannel& at(std::size_t index) { return *channels_[index]; }

  // Its program need ring no more.
  void add(ClientChannel& channel);
  // It ends; it need not be hot.
  void remove(const ClientChannel& channel);
  // Those that were idle for so long, but for those that turn out not to be idle.
  void park_idle(std::uint64_t now_ns, std::uint64_t idle_ns);
  void park_all() { park_idle(0, 0); }

 private:
  std::vector<ClientChannel*> channels_;
};

}  // namespace netbinder
