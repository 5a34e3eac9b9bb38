// SPDX-License-Identifier: Apache-2.0
//
// Links of objects to what wants to hear of their deaths, or of their processes being frozen. A
// link is ended once, by whoever claims it: the death, the proxy's end, an unlinking, or the
// recipient's end. Any thread.
#pragma once

#include <android/binder_ibinder.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace netbinder::ndk {

// The callbacks that the C API's recipient and callback objects share with their links.
struct DeathCallbacks {
  AIBinder_DeathRecipient_onBinderDied on_died = nullptr;
  std::atomic<AIBinder_DeathRecipient_onBinderUnlinked> on_unlinked = nullptr;
};
struct FrozenCallbacks {
  AIBinder_FrozenStateChangeCallback_onFrozenStateChanged on_changed = nullptr;
  AIBinder_FrozenStateChangeCallback_onUnlinked on_unlinked = nullptr;
};

template <typename Callbacks>
class Link {
 public:
  Link(std::shared_ptr<Callbacks> callbacks, void* cookie)
      : callbacks_(std::move(callbacks)), cookie_(cookie) {}

  [[nodiscard]] bool is(const Callbacks* callbacks, const void* cookie) const {
    return callbacks_.get() == callbacks && cookie_ == cookie && !ended_.load();
  }
  [[nodiscard]] bool ended() const { return ended_.load(); }
  // True once.
  [[nodiscard]] bool claim() { return !ended_.exchange(true); }
  [[nodiscard]] Callbacks& callbacks() const { return *callbacks_; }
  [[nodiscard]] void* cookie() const { return cookie_; }
  // To be called by the thread that has claimed the end.
  void tell_unlinked() const {
    const auto told = static_cast<decltype(DeathCallbacks{}.on_died)>(callbacks_->on_unlinked);
    if (told != nullptr) told(cookie_);
  }
  void end() {
    if (claim()) tell_unlinked();
  }

  // Callbacks of one link run one after the other.
  std::mutex calling;

 private:
  const std::shared_ptr<Callbacks> callbacks_;
  void* const cookie_;
  std::atomic<bool> ended_ = false;
};

using DeathLink = Link<DeathCallbacks>;
using FrozenLink = Link<FrozenCallbacks>;

// The links of a recipient, so that it can end them.
template <typename Callbacks>
class LinkOwner {
 public:
  LinkOwner() : callbacks_(std::make_shared<Callbacks>()) {}
  ~LinkOwner() {
    for (const auto& weak : links_) {
      if (const auto link = weak.lock()) link->end();
    }
  }
  LinkOwner(const LinkOwner&) = delete;
  LinkOwner& operator=(const LinkOwner&) = delete;

  [[nodiscard]] Callbacks& callbacks() const { return *callbacks_; }
  [[nodiscard]] std::shared_ptr<Link<Callbacks>> make_link(void* cookie) {
    auto link = std::make_shared<Link<Callbacks>>(callbacks_, cookie);
    const std::lock_guard lock(mutex_);
    std::erase_if(links_, [](const auto& weak) {
      const auto known = weak.lock();
      return !known || known->ended();
    });
    links_.push_back(link);
    return link;
  }

 private:
  const std::shared_ptr<Callbacks> callbacks_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<Link<Callbacks>>> links_;
};

}  // namespace netbinder::ndk

struct AIBinder_DeathRecipient : netbinder::ndk::LinkOwner<netbinder::ndk::DeathCallbacks> {};
struct AIBinder_FrozenStateChangeCallback
    : netbinder::ndk::LinkOwner<netbinder::ndk::FrozenCallbacks> {};
