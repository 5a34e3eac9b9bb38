// SPDX-License-Identifier: Apache-2.0
//
// The endpoint to use next, and when: after a failure the next one of the list at once, and
// when all have failed, all again after a wait that doubles. A plain value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace netbinder::etcd {

class Endpoints {
 public:
  static constexpr std::uint32_t kMinWaitMs = 100;
  static constexpr std::uint32_t kMaxWaitMs = 2000;  // or what is given

  // `spread` is another number for each host, so that not all come at the same moment.
  Endpoints(std::uint32_t max_wait_ms, std::uint64_t spread)
      : max_wait_ms_(std::min(kMaxWaitMs, max_wait_ms)), spread_(spread) {}

  void use(std::vector<std::string> list) {
    list_ = std::move(list);
    current_ = 0;
  }
  [[nodiscard]] std::size_t current() const { return current_; }
  [[nodiscard]] std::string name() const {
    return current_ < list_.size() ? list_[current_] : std::string();
  }
  void succeeded() { failures_ = 0; }
  // How long to wait before the one that is the current one now.
  std::uint32_t failed() {
    const std::size_t count = std::max<std::size_t>(list_.size(), 1);
    const std::size_t rounds = ++failures_ / count;
    current_ = (current_ + 1) % count;
    if (current_ != 0) return 0;
    const std::uint32_t wait_ms =
        std::min(max_wait_ms_, kMinWaitMs << std::min<std::size_t>(rounds, 8));
    return wait_ms - static_cast<std::uint32_t>(spread_ % (wait_ms / 2 + 1));
  }

 private:
  std::uint32_t max_wait_ms_;
  std::uint64_t spread_;
  std::vector<std::string> list_;
  std::size_t current_ = 0;
  std::size_t failures_ = 0;  // one after the other
};

}  // namespace netbinder::etcd
