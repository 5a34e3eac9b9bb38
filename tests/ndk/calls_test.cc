// SPDX-License-Identifier: Apache-2.0
// Calls between processes, through code that Debian's aidl has generated.
#include <android/binder_ibinder_platform.h>
#include <android/binder_manager.h>
#include <android/binder_process.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <thread>

#include "tests/ndk/remote_echo.h"

namespace netbinder::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

TEST_F(NdkCalls, TheProxyIsOfTheClass) {
  ASSERT_NE(remote().binder.get(), nullptr);
  ASSERT_NE(remote().echo, nullptr);
  EXPECT_TRUE(AIBinder_isRemote(remote().binder.get()));
  EXPECT_TRUE(AIBinder_isAlive(remote().binder.get()));
  EXPECT_TRUE(echo().isRemote());
  EXPECT_EQ(AIBinder_ping(remote().binder.get()), STATUS_OK);
  EXPECT_EQ(IListener::fromBinder(remote().binder), nullptr);
}

TEST_F(NdkCalls, Strings) {
  std::string out;
  for (const std::string& text : {std::string(), std::string("hello"), std::string("hällo 🌍"),
                                  std::string("a\0b", 3), std::string(100000, 'x')}) {
    ASSERT_TRUE(echo().echo(text, &out).isOk());
    EXPECT_EQ(out, text);
  }
  std::optional<std::string> nullable = "something";
  ASSERT_TRUE(echo().echoNullable(std::nullopt, &nullable).isOk());
  EXPECT_EQ(nullable, std::nullopt);
  ASSERT_TRUE(echo().echoNullable("", &nullable).isOk());
  EXPECT_EQ(nullable, "");
}

TEST_F(NdkCalls, Arrays) {
  std::vector<int64_t> longs(2);
  std::vector<std::string> names{"a", "é"};
  std::vector<int32_t> out;
  ASSERT_TRUE(echo().arrays({1, 2, 3}, &longs, &names, &out).isOk());
  EXPECT_THAT(longs, ElementsAre(int64_t{1} << 32, int64_t{1} << 33));
  EXPECT_THAT(names, ElementsAre("a", "é", "3"));
  EXPECT_THAT(out, ElementsAre(3, 2, 1));

  std::vector<bool> bools;
  ASSERT_TRUE(echo()
                  .plain({true, false}, {u'x', 0xffff}, {-128, 0, 127}, {0.5F}, {-0.25, 1e300},
                         u'é', -1, 2.5F, &bools)
                  .isOk());
  EXPECT_THAT(bools, ElementsAre(true, false, true, true, true, true, true));

  std::optional<std::vector<int32_t>> nullable;
  ASSERT_TRUE(echo().nullableArray(std::nullopt, &nullable).isOk());
  EXPECT_EQ(nullable, std::nullopt);
  ASSERT_TRUE(echo().nullableArray(std::vector<int32_t>{}, &nullable).isOk());
  ASSERT_TRUE(nullable);
  EXPECT_TRUE(nullable->empty());
}

TEST_F(NdkCalls, Parcelables) {
  Record one;
  one.name = "one";
  one.aliases = {{std::string("x"), std::nullopt}};
  one.data = {1, 2, 3};
  one.weight = 0.125;
  one.present = true;
  Record other;
  Record out;
  ASSERT_TRUE(echo().record(one, {other, other}, &out).isOk());
  EXPECT_EQ(out.number, 21);
  EXPECT_EQ(out.name, "onenobodynobody");
  EXPECT_EQ(out.aliases, one.aliases);
  EXPECT_EQ(out.data, one.data);
  EXPECT_EQ(out.weight, 0.125);
  EXPECT_TRUE(out.present);
}

TEST_F(NdkCalls, FilesAreTheSameOpenFile) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const ndk::ScopedFileDescriptor reading(ends[0]);
  ndk::ScopedFileDescriptor writing(ends[1]);
  ndk::ScopedFileDescriptor back;
  ASSERT_TRUE(echo().file(writing, &back).isOk());
  ASSERT_GE(back.get(), 0);
  char text[64] = {};
  EXPECT_EQ(::read(reading.get(), text, sizeof text), 16);
  EXPECT_STREQ(text, "from the service");
  ASSERT_EQ(::write(back.get(), "x", 1), 1);
  EXPECT_EQ(::read(reading.get(), text, sizeof text), 1);
  // Nobody has kept a copy.
  back.set(-1);
  writing.set(-1);
  EXPECT_EQ(::read(reading.get(), text, sizeof text), 0);
}

TEST_F(NdkCalls, ObjectsKeepTheirIdentity) {
  const auto listener = ndk::SharedRefBase::make<Listener>();
  const ndk::SpAIBinder local = listener->asBinder();
  ndk::SpAIBinder back;
  ASSERT_TRUE(echo().object(local, &back).isOk());
  EXPECT_EQ(back, local);
  ASSERT_TRUE(echo().object(remote().binder, &back).isOk());
  EXPECT_EQ(back, remote().binder);
  ASSERT_TRUE(echo().nullableObject(nullptr, &back).isOk());
  EXPECT_EQ(back.get(), nullptr);
  const ndk::ScopedAStatus refused = echo().object(nullptr, &back);
  EXPECT_EQ(refused.getExceptionCode(), EX_TRANSACTION_FAILED);
  EXPECT_EQ(refused.getStatus(), STATUS_UNEXPECTED_NULL);

  std::shared_ptr<IListener> same;
  ASSERT_TRUE(echo().listener(listener, &same).isOk());
  EXPECT_EQ(same, listener);
  const ndk::SpAIBinder again(AServiceManager_checkService(remote().name.c_str()));
  EXPECT_EQ(again, remote().binder);
}

TEST_F(NdkCalls, Errors) {
  const ndk::ScopedAStatus specific = echo().fail(EX_SERVICE_SPECIFIC, 42, "no");
  EXPECT_FALSE(specific.isOk());
  EXPECT_EQ(specific.getExceptionCode(), EX_SERVICE_SPECIFIC);
  EXPECT_EQ(specific.getServiceSpecificError(), 42);
  EXPECT_STREQ(specific.getMessage(), "no");
  const ndk::ScopedAStatus illegal = echo().fail(EX_ILLEGAL_ARGUMENT, 0, "what?");
  EXPECT_EQ(illegal.getExceptionCode(), EX_ILLEGAL_ARGUMENT);
  EXPECT_STREQ(illegal.getMessage(), "what?");
  for (const binder_status_t status : {STATUS_BAD_VALUE + 0, STATUS_UNKNOWN_TRANSACTION + 0,
                                       STATUS_FDS_NOT_ALLOWED + 0, STATUS_PERMISSION_DENIED + 0}) {
    const ndk::ScopedAStatus failed = echo().fail(EX_TRANSACTION_FAILED, status, "");
    EXPECT_EQ(failed.getExceptionCode(), EX_TRANSACTION_FAILED);
    EXPECT_EQ(failed.getStatus(), status);
  }
  // A code that is no status of binder's arrives as an unknown error.
  EXPECT_EQ(echo().fail(EX_TRANSACTION_FAILED, 77, "").getStatus(), STATUS_UNKNOWN_ERROR);
}

TEST_F(NdkCalls, WhoCalls) {
  int32_t pid = -1;
  int32_t uid = -1;
  bool sid = true;
  ASSERT_TRUE(echo().callerPid(&pid).isOk());
  ASSERT_TRUE(echo().callerUid(&uid).isOk());
  ASSERT_TRUE(echo().calledWithSid(&sid).isOk());
  EXPECT_EQ(pid, on_two_hosts() ? 0 : ::getpid());
  EXPECT_EQ(uid, static_cast<int32_t>(::getuid()));
  EXPECT_FALSE(sid);
  EXPECT_EQ(AIBinder_getCallingPid(), ::getpid());
  EXPECT_EQ(AIBinder_getCallingUid(), ::getuid());
  EXPECT_EQ(AIBinder_getCallingSid(), nullptr);
  EXPECT_FALSE(AIBinder_isHandlingTransaction());
  bool handling = false;
  ASSERT_TRUE(echo().isHandlingTransaction(&handling).isOk());
  EXPECT_TRUE(handling);

  const Remote asking("sid");
  ASSERT_TRUE(asking.echo->calledWithSid(&sid).isOk());
  EXPECT_TRUE(sid);
}

TEST_F(NdkCalls, LargePayloads) {
  std::vector<int8_t> bytes(700000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<int8_t>(i * 7);
  std::vector<int8_t> out;
  for (int i = 0; i < 8; ++i) {  // buffers are given back
    ASSERT_TRUE(echo().bytes(bytes, &out).isOk());
    ASSERT_EQ(out, bytes);
  }
  bytes.resize(8 << 20);
  EXPECT_EQ(echo().bytes(bytes, &out).getStatus(), STATUS_FAILED_TRANSACTION);
  std::string text;
  EXPECT_TRUE(echo().echo("still there", &text).isOk());
}

TEST_F(NdkCalls, AnsweredFromWithinACall) {
  const auto listener = ndk::SharedRefBase::make<Listener>();
  int32_t sum = 0;
  ASSERT_TRUE(echo().addThere(listener, 40, 2, &sum).isOk());
  EXPECT_EQ(sum, 42);
}

TEST_F(NdkCalls, OnewayCallsComeInOrder) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<int> numbers;
  const auto listener = ndk::SharedRefBase::make<Listener>([&](const std::string& who, int number) {
    const std::lock_guard lock(mutex);
    if (who == "me") numbers.push_back(number);
    changed.notify_one();
  });
  const Remote own;
  ASSERT_TRUE(own.echo->subscribe(listener).isOk());
  constexpr int kCount = 200;
  for (int i = 0; i < kCount; ++i) ASSERT_TRUE(own.echo->publish("me").isOk());
  std::unique_lock lock(mutex);
  ASSERT_TRUE(changed.wait_for(lock, kLimit, [&] { return numbers.size() == kCount; }));
  for (int i = 0; i < kCount; ++i) EXPECT_EQ(numbers[static_cast<std::size_t>(i)], i);
}

TEST_F(NdkCalls, ASentObjectEndsWhenNobodyHasIt) {
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
  auto listener = ndk::SharedRefBase::make<Listener>();
  listener->on_end = [&] {
    const std::lock_guard lock(mutex);
    ended = true;
    changed.notify_one();
  };
  ASSERT_TRUE(echo().hold(listener->asBinder()).isOk());
  listener = nullptr;
  {
    std::unique_lock lock(mutex);
    EXPECT_FALSE(changed.wait_for(lock, 50ms, [&] { return ended; }));
  }
  ASSERT_TRUE(echo().hold(nullptr).getStatus() == STATUS_OK);
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, kLimit, [&] { return ended; }));
}

// ---- weak references ----

TEST_F(NdkCalls, WeakReferencesOfProxies) {
  ndk::ScopedAIBinder_Weak weak;
  {
    const Remote other;
    EXPECT_EQ(AIBinder_debugGetRefCount(other.binder.get()), 2);  // and one of the interface
    weak.set(AIBinder_Weak_new(other.binder.get()));
    EXPECT_EQ(weak.promote(), other.binder);
    const ndk::ScopedAIBinder_Weak copy(AIBinder_Weak_clone(weak.get()));
    EXPECT_FALSE(AIBinder_Weak_lt(weak.get(), copy.get()));
    EXPECT_FALSE(AIBinder_Weak_lt(copy.get(), weak.get()));
    const ndk::ScopedAIBinder_Weak older(AIBinder_Weak_new(remote().binder.get()));
    EXPECT_EQ(AIBinder_Weak_lt(older.get(), weak.get()),
              AIBinder_lt(remote().binder.get(), other.binder.get()));
    EXPECT_NE(AIBinder_Weak_lt(older.get(), weak.get()), AIBinder_Weak_lt(weak.get(), older.get()));
  }
  EXPECT_EQ(weak.promote().get(), nullptr);
}

TEST_F(NdkCalls, ProxiesComeAndGoOnManyThreads) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 100;
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  const Remote other;
  const std::string name = other.name;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        const ndk::SpAIBinder found(AServiceManager_checkService(name.c_str()));
        if (AIBinder_ping(found.get()) != STATUS_OK) ++failures;
        const auto listener = ndk::SharedRefBase::make<Listener>();
        ndk::SpAIBinder back;
        if (!echo().object(listener->asBinder(), &back).isOk()) ++failures;
        if (back != listener->asBinder()) ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
}

// ---- threads ----

TEST_F(NdkCalls, TheProcessHasAPool) {
  EXPECT_TRUE(ABinderProcess_isThreadPoolStarted());
  ABinderProcess_startThreadPool();  // has no effect any more
  ABinderProcess_disableBackgroundScheduling(true);
  EXPECT_TRUE(ABinderProcess_setThreadPoolMaxThreadCount(15));
}

TEST_F(NdkCalls, APoolGrowsAsItIsNeeded) {
  constexpr int kCalls = 6;
  const Remote own("pool");
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < kCalls; ++i) {
    threads.emplace_back([&] { EXPECT_TRUE(own.echo->sleepSync(500).isOk()); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LT(std::chrono::steady_clock::now() - start, kCalls * 500ms);
}

TEST_F(NdkCalls, OneThreadServesOneCall) {
  const Remote own("single");
  const auto start = std::chrono::steady_clock::now();
  std::thread other([&] { EXPECT_TRUE(own.echo->sleepSync(100).isOk()); });
  EXPECT_TRUE(own.echo->sleepSync(100).isOk());
  other.join();
  EXPECT_GE(std::chrono::steady_clock::now() - start, 200ms);
}

TEST_F(NdkCalls, APollingServer) {
  const Remote own("poll");
  std::string out;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(own.echo->echo(std::to_string(i), &out).isOk());
    EXPECT_EQ(out, std::to_string(i));
  }
  const auto listener = ndk::SharedRefBase::make<Listener>();
  int32_t sum = 0;
  ASSERT_TRUE(own.echo->addThere(listener, 1, 2, &sum).isOk());
  EXPECT_EQ(sum, 3);
}

TEST_F(NdkCalls, AForkedChildHasNoBinder) {
  AIBinder* const binder = remote().binder.get();
  const pid_t child = ::fork();
  if (child == 0) {
    const bool refused = AIBinder_ping(binder) == STATUS_NO_INIT &&
                         AServiceManager_checkService(remote().name.c_str()) == nullptr &&
                         AServiceManager_waitForService(remote().name.c_str()) == nullptr;
    ABinderProcess_joinThreadPool();
    ::_exit(refused ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  // The parent does not notice.
  EXPECT_EQ(AIBinder_ping(binder), STATUS_OK);
}

// ---- extensions, dumps, commands ----

TEST_F(NdkCalls, Extensions) {
  AIBinder* extension = nullptr;
  EXPECT_EQ(AIBinder_getExtension(remote().binder.get(), &extension), STATUS_OK);
  EXPECT_EQ(extension, nullptr);
  const Remote extended("extended");
  ndk::SpAIBinder found;
  ASSERT_EQ(AIBinder_getExtension(extended.binder.get(), found.getR()), STATUS_OK);
  const auto listener = IListener::fromBinder(found);
  ASSERT_NE(listener, nullptr);
  int32_t sum = 0;
  EXPECT_TRUE(listener->add(2, 3, &sum).isOk());
  EXPECT_EQ(sum, 5);
  EXPECT_EQ(AIBinder_setExtension(extended.binder.get(), found.get()), STATUS_INVALID_OPERATION);
}

std::string read_all(int fd) {
  std::string text;
  char part[256];
  for (ssize_t got = 0; (got = ::read(fd, part, sizeof part)) > 0;) {
    text.append(part, static_cast<std::size_t>(got));
  }
  return text;
}

TEST_F(NdkCalls, Dump) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const char* arguments[] = {"-a", "ü"};
  EXPECT_EQ(remote().echo->dump(ends[1], arguments, 2), STATUS_OK);
  ::close(ends[1]);
  EXPECT_EQ(read_all(ends[0]), "echo -a ü");
  ::close(ends[0]);
}

TEST_F(NdkCalls, UnknownCodes) {
  AParcel* in = nullptr;
  AParcel* out = nullptr;
  AIBinder* const binder = remote().binder.get();
  ASSERT_EQ(AIBinder_prepareTransaction(binder, &in), STATUS_OK);
  EXPECT_EQ(AIBinder_transact(binder, FIRST_CALL_TRANSACTION + 500, &in, &out, 0),
            STATUS_UNKNOWN_TRANSACTION);
  EXPECT_EQ(in, nullptr);
  EXPECT_EQ(out, nullptr);
  ASSERT_EQ(AIBinder_prepareTransaction(binder, &in), STATUS_OK);
  EXPECT_EQ(AIBinder_transact(binder, LAST_CALL_TRANSACTION + 1, &in, &out, 0),
            STATUS_UNKNOWN_TRANSACTION);
  ASSERT_EQ(AIBinder_prepareTransaction(binder, &in), STATUS_OK);
  EXPECT_EQ(AIBinder_transact(binder, FIRST_CALL_TRANSACTION, &in, &out, 0x4), STATUS_BAD_VALUE);
  // A parcel that was made for another object, and one without the interface's name.
  ndk::ScopedAParcel other(AParcel_create());
  EXPECT_EQ(AIBinder_transact(binder, FIRST_CALL_TRANSACTION, other.getR(), &out, 0),
            STATUS_BAD_VALUE);
  EXPECT_EQ(other.get(), nullptr);
}

}  // namespace
}  // namespace netbinder::testing

// At the end the driver holds objects whose addresses nobody else has, for services that are still
// registered and for what is on its way. Tests count those that must be gone.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:AIBinder_new\nleak:SharedRefBase::make\nleak:Proxies::find_or_make\n"
         "leak:RemoteBinder::associate\n";
}

// libstdc++ reads both counts of a shared_ptr at once when the last one is let go, which this
// sanitizer takes for a race.
extern "C" const char* __tsan_default_suppressions() { return "race:_Sp_counted_base\n"; }

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "--serve") {
    return netbinder::testing::serve(argv[2], argv[3]);
  }
  ::testing::InitGoogleTest(&argc, argv);
  ABinderProcess_startThreadPool();
  return RUN_ALL_TESTS();
}
