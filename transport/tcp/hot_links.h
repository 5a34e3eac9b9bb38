// SPDX-License-Identifier: Apache-2.0
//
// The links on which something was sent or arrived lately. While the agent's loop is awake it looks
// at their sockets directly, in each turn, and the event loop does not watch them: so an arrival
// costs one system call. All others, and all before the loop sleeps, are watched by the event loop
// and cost nothing.
//
// Owned by the Environment. Thread: the data-plane thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace netbinder::tcp {

class PeerLink;

class HotLinks {
 public:
  // Looking at more of them in each turn costs more than the event loop's one look at all.
  static constexpr std::size_t kMaxLinks = 8;
  // A link with nothing for this long is watched again.
  static constexpr std::uint64_t kIdleNs = 500'000;

  HotLinks() { links_.reserve(kMaxLinks); }

  // Something was sent or has arrived on the link.
  void touch(PeerLink& link);
  // The link ends, or has lost its connection.
  void remove(const PeerLink& link) {
    std::erase_if(links_, [&](const Entry& entry) { return entry.link == &link; });
  }
  // Whether the link is looked at by poll(), again and again.
  [[nodiscard]] bool polls(const PeerLink& link) const {
    return polling_ && std::ranges::find(links_, &link, &Entry::link) != links_.end();
  }

  // Looks at the links once in a turn. Returns whether there were arrivals.
  bool poll(std::uint64_t now_ns);
  // The loop is about to sleep, and polls no more until it wakes.
  void watch_all();

 private:
  struct Entry {
    PeerLink* link;
    std::uint64_t touched_ns;
    bool fresh;  // touched since the last look: there can hardly be anything new
  };

  std::vector<Entry> links_;
  std::uint64_t now_ns_ = 0;
  bool polling_ = false;
};

}  // namespace netbinder::tcp
