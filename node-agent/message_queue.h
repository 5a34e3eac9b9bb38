// SPDX-License-Identifier: Apache-2.0
//
// Messages from any number of threads to one. Nobody waits: a thread that is stopped in the middle
// of a push delays no other.
#pragma once

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

namespace netbinder {

template <typename Message>
class MessageQueue {
 public:
  MessageQueue() = default;
  ~MessageQueue() { (void)take_all(); }
  MessageQueue(const MessageQueue&) = delete;
  MessageQueue& operator=(const MessageQueue&) = delete;

  // Any thread. Returns whether the queue was empty: then the receiver is to be woken.
  bool push(Message message) {
    auto* const item = new Item{std::move(message), nullptr};
    Item* before = last_.load(std::memory_order_relaxed);
    do {
      item->before = before;
    } while (!last_.compare_exchange_weak(before, item, std::memory_order_release,
                                          std::memory_order_relaxed));
    return before == nullptr;  // the item itself may be gone already
  }
  // The receiver. All that are there, in the order in which they were pushed.
  std::vector<Message> take_all() {
    std::vector<Message> all;
    for (Item* item = last_.exchange(nullptr, std::memory_order_acquire); item != nullptr;) {
      all.push_back(std::move(item->message));
      delete std::exchange(item, item->before);
    }
    std::ranges::reverse(all);
    return all;
  }
  [[nodiscard]] bool empty() const { return last_.load(std::memory_order_acquire) == nullptr; }

 private:
  struct Item {
    Message message;
    Item* before;
  };
  std::atomic<Item*> last_ = nullptr;
};

}  // namespace netbinder
