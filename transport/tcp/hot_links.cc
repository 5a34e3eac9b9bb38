// SPDX-License-Identifier: Apache-2.0
#include "transport/tcp/hot_links.h"

#include "transport/tcp/peer_link.h"

namespace netbinder::tcp {

void HotLinks::touch(PeerLink& link) {
  const auto found = std::ranges::find(links_, &link, &Entry::link);
  if (found != links_.end()) {
    found->touched_ns = now_ns_;
    found->fresh = true;
  } else if (links_.size() < kMaxLinks) {
    links_.push_back({.link = &link, .touched_ns = now_ns_, .fresh = true});
  }
}

bool HotLinks::poll(std::uint64_t now_ns) {
  polling_ = true;
  now_ns_ = now_ns;
  bool any = false;
  // An arrival may end any link's connection, and so its entry.
  for (std::size_t i = 0; i < links_.size();) {
    PeerLink& link = *links_[i].link;
    if (std::exchange(links_[i].fresh, false)) {
      ++i;
      continue;
    }
    if (link.poll(now_ns / 1'000'000)) {
      any = true;
    } else if (i < links_.size() && links_[i].link == &link &&
               now_ns - links_[i].touched_ns >= kIdleNs) {
      links_.erase(links_.begin() + static_cast<std::ptrdiff_t>(i));
      link.watch();
      continue;
    }
    if (i < links_.size() && links_[i].link == &link) ++i;
  }
  return any;
}

void HotLinks::watch_all() {
  polling_ = false;
  for (const Entry& entry : links_) entry.link->watch();
  links_.clear();
}

}  // namespace netbinder::tcp
