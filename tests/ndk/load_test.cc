// SPDX-License-Identifier: Apache-2.0
//
// Many threads at once: weak references that are promoted while objects and proxies end, links to
// deaths while servers die, and calls that come back to their callers. ThreadSanitizer looks at
// these, too.
#include <android/binder_auto_utils.h>
#include <android/binder_ibinder.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/ndk/remote_echo.h"

namespace netbinder::testing {
namespace {

constexpr int kThreads = 4;

void on_threads(const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(body, i);
  for (std::thread& thread : threads) thread.join();
}

// A weak reference that threads put there and others take a copy of.
class WeakPlace {
 public:
  void put(const ndk::SpAIBinder& object) {
    ndk::ScopedAIBinder_Weak weak(AIBinder_Weak_new(object.get()));
    const std::lock_guard lock(mutex_);
    std::swap(weak_, weak);
  }
  ndk::SpAIBinder promote() {
    ndk::ScopedAIBinder_Weak copy;
    {
      const std::lock_guard lock(mutex_);
      copy.set(AIBinder_Weak_clone(weak_.get()));
    }
    return copy.get() == nullptr ? ndk::SpAIBinder() : copy.promote();
  }

 private:
  std::mutex mutex_;
  ndk::ScopedAIBinder_Weak weak_;
};

TEST_F(NdkCalls, WeakReferencesArePromotedWhileObjectsEnd) {
  constexpr int kRounds = 100;
  const Remote other;
  WeakPlace of_objects;
  WeakPlace of_proxies;
  std::atomic<int> made = 0;
  std::atomic<int> ended = 0;
  std::atomic<int> failures = 0;
  on_threads([&](int index) {
    for (int round = 0; round < kRounds; ++round) {
      if (index % 2 == 0) {
        const auto listener = ndk::SharedRefBase::make<Listener>();
        listener->on_end = [&ended] { ++ended; };
        ++made;
        of_objects.put(listener->asBinder());
        of_proxies.put(ndk::SpAIBinder(AServiceManager_checkService(other.name.c_str())));
        // They end here, unless another thread has them by now.
      }
      if (const ndk::SpAIBinder object = of_objects.promote(); object.get() != nullptr) {
        if (AIBinder_isRemote(object.get()) || AIBinder_ping(object.get()) != STATUS_OK) ++failures;
      }
      if (const ndk::SpAIBinder proxy = of_proxies.promote(); proxy.get() != nullptr) {
        if (!AIBinder_isRemote(proxy.get()) || AIBinder_ping(proxy.get()) != STATUS_OK) ++failures;
      }
    }
  });
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(ended, made);
  EXPECT_EQ(of_objects.promote().get(), nullptr);
}

// Counts what a thread's recipient is told.
struct Told {
  std::mutex mutex;
  std::condition_variable changed;
  int died = 0;
  int unlinked = 0;

  static void on_died(void* cookie) { static_cast<Told*>(cookie)->count(&Told::died); }
  static void on_unlinked(void* cookie) { static_cast<Told*>(cookie)->count(&Told::unlinked); }
  void count(int Told::*what) {
    const std::lock_guard lock(mutex);
    ++(this->*what);
    changed.notify_all();
  }
  bool wait_for_unlinked(int wanted) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, kLimit, [&] { return unlinked == wanted; });
  }
};

TEST_F(NdkCalls, LinksComeAndGoWhileServersDie) {
  constexpr int kServers = 3;
  constexpr int kLinksBefore = 20;
  for (int server = 0; server < kServers; ++server) {
    Remote doomed;
    std::array<Told, kThreads> kept;  // one link, until the death
    std::array<Told, kThreads> many;  // those that come and go
    std::array<int, kThreads> links{};
    std::atomic<int> busy = 0;
    const ndk::ScopedAIBinder_DeathRecipient recipient(AIBinder_DeathRecipient_new(Told::on_died));
    AIBinder_DeathRecipient_setOnUnlinked(recipient.get(), Told::on_unlinked);
    std::thread killer([&] {
      while (busy < kThreads) std::this_thread::yield();
      doomed.process.kill();
    });
    on_threads([&](int index) {
      const auto i = static_cast<std::size_t>(index);
      AIBinder* const binder = doomed.binder.get();
      EXPECT_EQ(AIBinder_linkToDeath(binder, recipient.get(), &kept[i]), STATUS_OK);
      binder_status_t status = STATUS_OK;
      while (status == STATUS_OK) {
        status = AIBinder_linkToDeath(binder, recipient.get(), &many[i]);
        if (status == STATUS_OK) (void)AIBinder_unlinkToDeath(binder, recipient.get(), &many[i]);
        if (++links[i] == kLinksBefore) ++busy;
      }
      EXPECT_EQ(status, STATUS_DEAD_OBJECT);
    });
    killer.join();
    for (std::size_t i = 0; i < kThreads; ++i) {
      EXPECT_TRUE(kept[i].wait_for_unlinked(1));
      EXPECT_EQ(kept[i].died, 1);
      // Each link has one end, however it came to it.
      EXPECT_TRUE(many[i].wait_for_unlinked(links[i])) << many[i].unlinked << " of " << links[i];
      EXPECT_LE(many[i].died, 1);
    }
  }
}

TEST_F(NdkCalls, CallsComeBackOnManyThreads) {
  constexpr int kRounds = 50;
  const Remote own("pool");
  std::atomic<int> failures = 0;
  on_threads([&](int index) {
    const auto listener = ndk::SharedRefBase::make<Listener>();
    for (int round = 0; round < kRounds; ++round) {
      int sum = 0;
      if (!own.echo->addThere(listener, index, round, &sum).isOk() || sum != index + round) {
        ++failures;
      }
    }
  });
  EXPECT_EQ(failures, 0);
}

}  // namespace
}  // namespace netbinder::testing
