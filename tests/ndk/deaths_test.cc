// SPDX-License-Identifier: Apache-2.0
// Servers that die, and servers that are frozen.
#include <android/binder_auto_utils.h>
#include <android/binder_ibinder.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/android/binder.h>

#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "shim/linked.h"
#include "tests/ndk/remote_echo.h"

namespace netbinder::testing {
namespace {

// ---- deaths ----

struct Death {
  std::mutex mutex;
  std::condition_variable changed;
  int died = 0;
  int unlinked = 0;

  static void on_died(void* cookie) {
    auto* const death = static_cast<Death*>(cookie);
    const std::lock_guard lock(death->mutex);
    ++death->died;
    death->changed.notify_all();
  }
  static void on_unlinked(void* cookie) {
    auto* const death = static_cast<Death*>(cookie);
    const std::lock_guard lock(death->mutex);
    ++death->unlinked;
    death->changed.notify_all();
  }
  bool wait_for_unlinked(int count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, kLimit, [&] { return unlinked == count; });
  }
};

ndk::ScopedAIBinder_DeathRecipient make_recipient() {
  ndk::ScopedAIBinder_DeathRecipient recipient(AIBinder_DeathRecipient_new(Death::on_died));
  AIBinder_DeathRecipient_setOnUnlinked(recipient.get(), Death::on_unlinked);
  return recipient;
}

TEST_F(NdkCalls, ADeathIsToldOnce) {
  Remote doomed;
  Death death;
  const auto recipient = make_recipient();
  ASSERT_EQ(AIBinder_linkToDeath(doomed.binder.get(), recipient.get(), &death), STATUS_OK);
  doomed.process.kill();
  ASSERT_TRUE(death.wait_for_unlinked(1));
  EXPECT_EQ(death.died, 1);
  EXPECT_FALSE(AIBinder_isAlive(doomed.binder.get()));
  std::string out;
  EXPECT_EQ(doomed.echo->echo("", &out).getStatus(), STATUS_DEAD_OBJECT);
  EXPECT_EQ(AIBinder_ping(doomed.binder.get()), STATUS_DEAD_OBJECT);
  Death late;
  EXPECT_EQ(AIBinder_linkToDeath(doomed.binder.get(), recipient.get(), &late), STATUS_DEAD_OBJECT);
  EXPECT_EQ(late.unlinked, 1);
  EXPECT_EQ(late.died, 0);
}

TEST_F(NdkCalls, AServerThatDiesInACall) {
  Remote doomed;
  ASSERT_TRUE(doomed.echo->end().isOk());
  ndk::ScopedAStatus status;
  const auto limit = std::chrono::steady_clock::now() + kLimit;
  do {
    status = doomed.echo->sleepSync(1);
  } while (status.isOk() && std::chrono::steady_clock::now() < limit);
  EXPECT_EQ(status.getStatus(), STATUS_DEAD_OBJECT);
}

TEST_F(NdkCalls, LinksAreEndedOneByOne) {
  Death death;
  const auto recipient = make_recipient();
  AIBinder* const binder = remote().binder.get();
  ASSERT_EQ(AIBinder_linkToDeath(binder, recipient.get(), &death), STATUS_OK);
  ASSERT_EQ(AIBinder_linkToDeath(binder, recipient.get(), &death), STATUS_OK);
  EXPECT_EQ(AIBinder_unlinkToDeath(binder, recipient.get(), nullptr), STATUS_NAME_NOT_FOUND);
  EXPECT_EQ(AIBinder_unlinkToDeath(binder, recipient.get(), &death), STATUS_OK);
  EXPECT_EQ(death.unlinked, 1);
  EXPECT_EQ(AIBinder_unlinkToDeath(binder, recipient.get(), &death), STATUS_OK);
  EXPECT_EQ(AIBinder_unlinkToDeath(binder, recipient.get(), &death), STATUS_NAME_NOT_FOUND);
  EXPECT_EQ(death.unlinked, 2);
  EXPECT_EQ(death.died, 0);
}

TEST_F(NdkCalls, LinksEndWithTheRecipientAndWithTheProxy) {
  Death death;
  {
    const auto recipient = make_recipient();
    ASSERT_EQ(AIBinder_linkToDeath(remote().binder.get(), recipient.get(), &death), STATUS_OK);
  }
  EXPECT_EQ(death.unlinked, 1);
  const auto recipient = make_recipient();
  {
    const Remote other;
    ASSERT_EQ(AIBinder_linkToDeath(other.binder.get(), recipient.get(), &death), STATUS_OK);
    ASSERT_EQ(AIBinder_linkToDeath(other.binder.get(), recipient.get(), &death), STATUS_OK);
  }
  EXPECT_TRUE(death.wait_for_unlinked(3));
}

TEST_F(NdkCalls, AListenersDeathIsSeenByTheServer) {
  // The listener is in a third process, which is told by its own server that it is there.
  Remote third;
  ndk::SpAIBinder object;
  ASSERT_TRUE(echo().object(third.binder, &object).isOk());
  EXPECT_EQ(object, third.binder);
  Death death;
  const auto recipient = make_recipient();
  ASSERT_EQ(AIBinder_linkToDeath(object.get(), recipient.get(), &death), STATUS_OK);
  third.process.kill();
  EXPECT_TRUE(death.wait_for_unlinked(1));
  EXPECT_EQ(death.died, 1);
}

// ---- freezing ----

// As a manager of processes does it, on the host of the servers.
class Freezer {
 public:
  explicit Freezer(pid_t pid) : pid_(pid) {
    const char* const first = std::getenv("NETBINDER_SOCKET");
    const std::string before = first != nullptr ? first : "";
    if (const char* const second = std::getenv("NETBINDER_SOCKET_2")) {
      ::setenv("NETBINDER_SOCKET", second, 1);
    }
    fd_ = ::netbinder_linked_open("/dev/binder", O_RDWR | O_CLOEXEC, "android14");
    if (first != nullptr) ::setenv("NETBINDER_SOCKET", before.c_str(), 1);
  }
  ~Freezer() { ::netbinder_linked_close(fd_); }
  Freezer(const Freezer&) = delete;
  Freezer& operator=(const Freezer&) = delete;

  [[nodiscard]] bool set(bool frozen) const {
    binder_freeze_info info{
        .pid = static_cast<__u32>(pid_), .enable = frozen ? 1U : 0U, .timeout_ms = 1000};
    return ::netbinder_linked_ioctl(fd_, BINDER_FREEZE, &info) == 0;
  }

 private:
  const pid_t pid_;
  int fd_ = -1;
};

struct Frozen {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<bool> states;
  bool unlinked = false;

  bool wait_for(const std::vector<bool>& wanted) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, kLimit, [&] { return states == wanted; });
  }
};

TEST_F(NdkCalls, AFrozenServer) {
  const Remote own;
  const ndk::ScopedAIBinder_FrozenStateChangeCallback callback(
      AIBinder_FrozenStateChangeCallback_new(
          [](void* cookie, bool frozen) {
            auto* const state = static_cast<Frozen*>(cookie);
            const std::lock_guard lock(state->mutex);
            state->states.push_back(frozen);
            state->changed.notify_all();
          },
          [](void* cookie) { static_cast<Frozen*>(cookie)->unlinked = true; }));
  Frozen state;
  ASSERT_EQ(AIBinder_addFrozenStateChangeCallback(own.binder.get(), callback.get(), &state),
            STATUS_OK);
  ASSERT_TRUE(state.wait_for({false}));
  const Freezer freezer(own.process.pid());
  ASSERT_TRUE(freezer.set(true));
  ASSERT_TRUE(state.wait_for({false, true}));
  std::string text;
  EXPECT_EQ(own.echo->echo("x", &text).getStatus(), STATUS_FAILED_TRANSACTION);
  EXPECT_TRUE(own.echo->publish("later").isOk());  // oneway calls wait
  // A second callback is told the present state at once.
  Frozen second;
  ASSERT_EQ(AIBinder_addFrozenStateChangeCallback(own.binder.get(), callback.get(), &second),
            STATUS_OK);
  EXPECT_TRUE(second.wait_for({true}));
  ASSERT_TRUE(freezer.set(false));
  ASSERT_TRUE(state.wait_for({false, true, false}));
  ASSERT_TRUE(second.wait_for({true, false}));
  EXPECT_TRUE(own.echo->echo("x", &text).isOk());
  EXPECT_EQ(AIBinder_removeFrozenStateChangeCallback(own.binder.get(), callback.get(), &state),
            STATUS_OK);
  EXPECT_TRUE(state.unlinked);
  EXPECT_EQ(AIBinder_removeFrozenStateChangeCallback(own.binder.get(), callback.get(), &state),
            STATUS_NAME_NOT_FOUND);
  EXPECT_FALSE(second.unlinked);
  EXPECT_EQ(AIBinder_removeFrozenStateChangeCallback(own.binder.get(), callback.get(), &second),
            STATUS_OK);
}

}  // namespace
}  // namespace netbinder::testing
