// SPDX-License-Identifier: Apache-2.0
//
// Mailboxes written against the rules: only the program that wrote them is harmed.
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <random>
#include <thread>

#include "channel/pending.h"
#include "tests/agent/agent_process.h"
#include "tests/agent/channel_client.h"
#include "tests/agent/polite_pair.h"

namespace netbinder::testing {
namespace {

class Mailboxes : public ::testing::Test {
 protected:
  void TearDown() override {
    expect_polite_programs_work(agent_.socket());
    agent_.expect_back_at(before_);
  }
  // When the agent has answered this, it has handled everything that came before.
  static void settle(ChannelClient& client) { EXPECT_EQ(client.control(63, BINDER_VERSION), 0); }

  AgentProcess agent_;
  const Counts before_ = agent_.counts();
};

TEST_F(Mailboxes, BitsOfMailboxesNeverUsedMeanNothing) {
  ChannelClient client(agent_.socket());
  for (auto& word : client.header().pending) word = ~std::uint64_t{0};
  client.header().pending_words = ~std::uint32_t{0};
  client.ring_doorbell();
  settle(client);
}

TEST_F(Mailboxes, RandomStatesMeanNothing) {
  ChannelClient client(agent_.socket());
  std::mt19937 random(3);
  for (int round = 0; round < 5000; ++round) {
    client.set_state(static_cast<std::uint32_t>(random() % 60),
                     random() % 8 < 7 ? static_cast<std::uint32_t>(random() % 8)
                                      : static_cast<std::uint32_t>(random()));
  }
  settle(client);
}

TEST_F(Mailboxes, AThreadIsInOneRequestAtATime) {
  ChannelClient client(agent_.socket());
  ASSERT_EQ(client.map(), 0);
  ASSERT_EQ(client.control(5, BINDER_VERSION), 0);
  client.begin_write_read(7, 5, {}, kRead);
  settle(client);
  client.begin_write_read(8, 5, {}, kRead);
  EXPECT_EQ(client.end_write_read(8), -EBUSY);
  EXPECT_EQ(client.control(5, BINDER_THREAD_EXIT), -EBUSY);
  EXPECT_FALSE(client.is_done(7));
  client.set_state(7, kCancelled);
  EXPECT_EQ(client.end_write_read(7), -EINTR);
  EXPECT_EQ(client.control(5, BINDER_THREAD_EXIT), 0);
}

// Stops the agent, so that everything that is asked of it meanwhile is there when it looks next.
class StoppedAgent {
 public:
  explicit StoppedAgent(const AgentProcess& agent) : pid_(agent.pid()) {
    int status = 0;
    EXPECT_EQ(::kill(pid_, SIGSTOP), 0);
    EXPECT_EQ(::waitpid(pid_, &status, WUNTRACED), pid_);
    EXPECT_TRUE(WIFSTOPPED(status));
  }
  ~StoppedAgent() { EXPECT_EQ(::kill(pid_, SIGCONT), 0); }
  StoppedAgent(const StoppedAgent&) = delete;
  StoppedAgent& operator=(const StoppedAgent&) = delete;

 private:
  pid_t pid_;
};

// A looper that has served one call, and a caller.
class PostedReads : public Mailboxes {
 protected:
  static constexpr std::uint32_t kLooper = 7;  // also its mailbox

  PostedReads() {
    EXPECT_EQ(server_->map(), 0);
    EXPECT_EQ(caller_->map(), 0);
    EXPECT_TRUE(Caller(*server_, 1).add("posted", 0x6000));
    handle_ = Caller(*caller_, 60).find("posted");
    EXPECT_NE(handle_, 0U);
    EXPECT_EQ(server_->control(kLooper, BINDER_VERSION), 0);
    Stream enter;
    enter.put(BC_ENTER_LOOPER);
    server_->begin_write_read(kLooper, kLooper, enter.bytes(), kRead);
    call();
    serve();
  }
  void TearDown() override {
    server_.reset();
    caller_.reset();
    Mailboxes::TearDown();
  }
  void call() {
    binder_transaction_data data{};
    data.target.handle = handle_;
    Stream commands;
    commands.put(BC_TRANSACTION, data);
    caller_->begin_write_read(next_caller_, next_caller_, commands.bytes(), kRead);
    ++next_caller_;
  }
  // The looper receives a call and answers it.
  void serve() {
    std::vector<std::byte> read;
    ASSERT_EQ(server_->end_write_read(kLooper, &read), 0);
    const auto transaction = find_command(read, BR_TRANSACTION);
    ASSERT_TRUE(transaction);
    binder_transaction_data received{};
    std::memcpy(&received, transaction->data(), sizeof received);
    const binder_transaction_data data{};
    Stream commands;
    commands.put(BC_FREE_BUFFER, received.data.ptr.buffer).put(BC_REPLY, data);
    ASSERT_EQ(server_->write_read(kLooper, commands.bytes(), kRead, &read), 0);
    ASSERT_TRUE(find_command(read, BR_TRANSACTION_COMPLETE));
    ASSERT_EQ(box().may_post.load(), 1U);
  }
  // Makes a request that may be posted, as a program does, and rings no doorbell.
  void post(std::uint32_t tid, std::uint32_t flags, std::uint32_t capacity, std::uint64_t bytes) {
    box().request = {};
    box().request.operation = kOpWriteRead;
    box().request.tid = tid;
    box().request.flags = flags;
    box().request.read_capacity = capacity;
    box().request.bytes = bytes;
    box().state.store(kRequested, std::memory_order_release);
  }
  Mailbox& box() { return server_->mailbox(kLooper); }

  std::optional<ChannelClient> server_{std::in_place, agent_.socket()};
  std::optional<ChannelClient> caller_{std::in_place, agent_.socket()};
  std::uint32_t handle_ = 0;
  std::uint32_t next_caller_ = 1;
};

TEST_F(PostedReads, AreFoundWithoutADoorbell) {
  for (int round = 0; round < 3; ++round) {
    post(kLooper, kRead, 1024, 0);
    settle(*server_);
    EXPECT_EQ(box().state.load(), kRequested);
    call();
    serve();
  }
}

// A program may mark a read that it could have posted, for instance because the agent seems awake.
// Here another thread of its gives back two buffers of oneway calls, behind which others wait. The
// first of those answers the read, and for the second one the driver looks for the looper again
// before the response is sent; then the agent comes to the mark.
TEST_F(PostedReads, AreAnsweredOnceWhenTheyAreMarkedAsWell) {
  constexpr std::uint32_t kOther = 3;  // its mailbox comes before the looper's
  ASSERT_TRUE(Caller(*server_, 1).add("second", 0x8000));
  const std::uint32_t handles[] = {handle_, Caller(*caller_, 60).find("second")};
  const auto send = [&](std::uint32_t handle, std::uint32_t code) {
    binder_transaction_data data{};
    data.target.handle = handle;
    data.code = code;
    data.flags = TF_ONE_WAY;
    Stream commands;
    commands.put(BC_TRANSACTION, data);
    ASSERT_EQ(caller_->write_read(50, commands.bytes(), kRead), 0);
  };
  const auto received = [](const std::vector<std::byte>& read) {
    binder_transaction_data data{};
    const auto transaction = find_command(read, BR_TRANSACTION);
    EXPECT_TRUE(transaction);
    if (transaction) std::memcpy(&data, transaction->data(), sizeof data);
    return data;
  };
  Stream enter;
  enter.put(BC_ENTER_LOOPER);
  ASSERT_EQ(server_->write_read(kOther, enter.bytes(), 0), 0);
  Stream give_back;
  for (const std::uint32_t handle : handles) {
    std::vector<std::byte> read;
    server_->begin_write_read(kOther, kOther, {}, kRead);
    send(handle, 1);
    ASSERT_EQ(server_->end_write_read(kOther, &read), 0);
    give_back.put(BC_FREE_BUFFER, received(read).data.ptr.buffer);
  }
  send(handles[0], 2);
  send(handles[1], 3);
  server_->begin_write_read(kLooper, kLooper, {}, kRead);
  call();
  serve();
  {
    const StoppedAgent stopped(agent_);
    post(kLooper, kRead, 1024, 0);
    mark_pending(server_->header(), kLooper);
    server_->begin_write_read(kOther, kOther, give_back.bytes(), 0);
  }
  std::vector<std::byte> read;
  ASSERT_EQ(server_->end_write_read(kOther), 0);
  ASSERT_EQ(server_->end_write_read(kLooper, &read), 0);
  EXPECT_EQ(received(read).code, 2U);
  ASSERT_EQ(server_->write_read(kLooper, {}, kRead, &read), 0);
  EXPECT_EQ(received(read).code, 3U);
}

TEST_F(PostedReads, OfAnyOtherKindAreNotTaken) {
  struct Case {
    std::uint32_t tid, flags, capacity;
    std::uint64_t bytes;
  };
  for (const Case& each :
       {Case{kLooper + 1, kRead, 1024, 0}, Case{kLooper, kRead | kFlagNonblocking, 1024, 0},
        Case{kLooper, kFlagReads, 1024, 0}, Case{kLooper, kRead, kPostedReadBytes - 1, 0},
        Case{kLooper, kRead, 1024, 4}}) {
    post(each.tid, each.flags, each.capacity, each.bytes);
    call();
    EXPECT_TRUE(eventually("the agent has looked", [&] { return box().may_post.load() == 0; }));
    EXPECT_TRUE(eventually("there is something to read", [&] { return server_->readable(); }));
    EXPECT_EQ(box().state.load(), kRequested);
    server_->begin_write_read(kLooper, kLooper, {}, kRead);
    serve();
  }
}

TEST_F(PostedReads, EndWithASignal) {
  post(kLooper, kRead, 1024, 0);
  server_->set_state(kLooper, kCancelled);
  EXPECT_EQ(server_->end_write_read(kLooper), -EINTR);
  EXPECT_EQ(box().may_post.load(), 0U);
}

TEST_F(PostedReads, EndWhenTheThreadComesWithAnotherMailbox) {
  server_->begin_write_read(kLooper + 1, kLooper, {}, kRead);
  settle(*server_);
  EXPECT_EQ(box().may_post.load(), 0U);
  call();
  EXPECT_TRUE(server_->await(kLooper + 1));
}

TEST_F(PostedReads, AreShownByTheDebugFiles) {
  post(kLooper, kRead, 1024, 0);
  EXPECT_NE(agent_.status_line("{\"command\": \"state\"}\n").find("thread 7: l 12"),
            std::string::npos);
  call();
  serve();
}

TEST_F(Mailboxes, CommandsThatAreTooLongOrNowhereAreRefused) {
  ChannelClient client(agent_.socket());
  const auto with = [&](std::uint64_t bytes, std::uint64_t address) {
    Mailbox& box = client.mailbox(1);
    box.request = {};
    box.request.operation = kOpWriteRead;
    box.request.tid = 1;
    box.request.bytes = bytes;
    box.request.address = address;
    client.set_state(1, kRequested);
    EXPECT_TRUE(client.await(1));
    return box.response.error;
  };
  EXPECT_EQ(with(kMaxCommandBytes + 1, 4096), -ENOMEM);
  EXPECT_EQ(with(UINT64_MAX, 4096), -ENOMEM);
  EXPECT_EQ(with(kMaxCommandBytes, 0), -EFAULT);
  EXPECT_EQ(with(kInlineCommandBytes + 4, UINT64_MAX - 16), -EFAULT);
  EXPECT_EQ(with(kInlineCommandBytes + 4, 0x7fff'ffff'f000), -EFAULT);
}

TEST_F(Mailboxes, StagedRangesAtAbsurdPlacesAreNotRead) {
  ChannelClient client(agent_.socket());
  std::mt19937_64 random(5);
  for (int round = 0; round < 3000; ++round) {
    Mailbox& box = client.mailbox(1);
    box.request = {};
    box.request.operation = kOpWriteRead;
    box.request.tid = 1;
    box.request.bytes = kInlineCommandBytes + random() % 5000;
    box.request.address = 0x10 + random() % 64;
    box.request.staged_ranges = static_cast<std::uint32_t>(random() % 20);
    for (StagedRange& range : box.staged) {
      range.address = random() % 4 == 0 ? random() : random() % 64;
      range.size = random() % 2 == 0 ? static_cast<std::uint32_t>(random())
                                     : static_cast<std::uint32_t>(random() % 10'000);
      range.place = random() % 2 == 0 ? static_cast<std::uint32_t>(random())
                                      : static_cast<std::uint32_t>(kStagingBytes - random() % 9000);
      if (random() % 2 == 0) range.place ^= kLargePlace;
    }
    client.set_state(1, kRequested);
    ASSERT_TRUE(client.await(1));
    EXPECT_LE(box.response.error, 0);
  }
}

TEST_F(Mailboxes, TheStagingAreaCarriesPayloads) {
  ChannelClient client(agent_.socket(), "binder");
  ASSERT_EQ(client.error(), 0);
  ASSERT_EQ(client.map(), 0);
  // The last mailbox's staging area, at the very end of the memory.
  constexpr std::uint32_t kLast = kMailboxes - 1;
  std::vector<std::byte> commands;
  const std::uint32_t command = BC_ENTER_LOOPER;
  for (int i = 0; i < 500; ++i) {
    const auto* begin = reinterpret_cast<const std::byte*>(&command);
    commands.insert(commands.end(), begin, begin + sizeof command);
  }
  const std::uint64_t place = kStagingBytes - commands.size();
  ASSERT_EQ(::pwrite(client.channel_memory(), commands.data(), commands.size(),
                     static_cast<off_t>(kStagingStart + kLast * kStagingBytes + place)),
            static_cast<ssize_t>(commands.size()));
  Mailbox& box = client.mailbox(kLast);
  const auto run = [&](std::uint32_t more) {
    box.request = {};
    box.request.operation = kOpWriteRead;
    box.request.tid = 9;
    box.request.bytes = commands.size();
    box.request.address = 0x1000;
    box.request.staged_ranges = 1;
    box.staged[0] = {.address = 0x1000,
                     .size = static_cast<std::uint32_t>(commands.size()) + more,
                     .place = kLargePlace | static_cast<std::uint32_t>(place)};
    client.set_state(kLast, kRequested);
    EXPECT_TRUE(client.await(kLast));
    return box.response.error;
  };
  EXPECT_EQ(run(0), 0);
  EXPECT_EQ(box.response.write_consumed, commands.size());
  EXPECT_EQ(run(1), -EFAULT);  // one byte beyond the end
}

TEST_F(Mailboxes, MappingsOfAnySizeAndPlaceAreAnswered) {
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{4095},
                                   std::uint64_t{1} << 40, UINT64_MAX, UINT64_MAX - 4096}) {
    for (const std::uint64_t address : {std::uint64_t{0}, std::uint64_t{1}, UINT64_MAX}) {
      ChannelClient client(agent_.socket());
      Mailbox& box = client.mailbox(0);
      box.request = {};
      box.request.operation = kOpMap;
      box.request.tid = 1;
      box.request.address = address;
      box.request.bytes = size;
      client.set_state(0, kRequested);
      ASSERT_TRUE(client.await(0));
      const bool usable = size != 0 && size <= UINT64_MAX - 4096;
      EXPECT_EQ(box.response.error, usable ? 0 : -EINVAL) << size;
      // A call whose answer has to be put there.
      EXPECT_EQ(client.control(1, BINDER_VERSION), 0);
      binder_transaction_data ping{};
      ping.code = B_PACK_CHARS('_', 'P', 'N', 'G');
      EXPECT_EQ(client.write_read(1, Stream().put(BC_TRANSACTION, ping).bytes(), kRead), 0);
    }
  }
}

TEST_F(Mailboxes, ASecondMappingIsBusy) {
  ChannelClient client(agent_.socket());
  EXPECT_EQ(client.map(), 0);
  EXPECT_EQ(client.map(), -EBUSY);
}

TEST_F(Mailboxes, IoctlsThatDoNotExistAreRefused) {
  ChannelClient client(agent_.socket());
  std::mt19937 random(6);
  for (int round = 0; round < 3000; ++round) {
    auto command = static_cast<std::uint32_t>(random());
    if (round % 2 == 0)
      command = static_cast<std::uint32_t>(
          _IOC(_IOC_READ | _IOC_WRITE, 'b', random() % 20, random() % 70));
    if (command == BINDER_SET_CONTEXT_MGR || command == BINDER_SET_CONTEXT_MGR_EXT) continue;
    EXPECT_LE(client.control(1 + static_cast<std::uint32_t>(random() % 4), command), 0);
  }
  EXPECT_EQ(client.control(1, BINDER_WRITE_READ), -EINVAL);
}

TEST_F(Mailboxes, SayingGoodbyeAgainAndAgainWithoutLeavingCostsNobodyElse) {
  ChannelClient client(agent_.socket());
  for (int round = 0; round < 20'000; ++round) {
    Mailbox& box = client.mailbox(1);
    box.request = {};
    box.request.operation = kOpClose;
    box.request.tid = 1;
    client.set_state(1, kRequested);
    eventually("the agent has seen it", [&] { return client.header().pending[0] == 0; });
  }
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) {
    ChannelClient other(agent_.socket());
    ASSERT_EQ(other.control(1, BINDER_VERSION), 0);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
}

TEST_F(Mailboxes, MoreThreadsThanAProcessMayHaveAreRefused) {
  ChannelClient client(agent_.socket());
  int refused = 0;
  for (std::uint32_t tid = 1; tid <= 4200; ++tid) {
    const int error = client.control(tid, BINDER_VERSION);
    if (error != 0) {
      EXPECT_EQ(error, -ENOMEM);
      ++refused;
    }
  }
  EXPECT_EQ(refused, 4200 - 4096);
}

TEST_F(Mailboxes, MemoryThatChangesWhileTheAgentReadsItIsHarmless) {
  ChannelClient client(agent_.socket());
  ASSERT_EQ(client.map(), 0);
  std::atomic<bool> stopping = false;
  // Changes everything but the mailbox's first line, again and again.
  std::thread flipping([&] {
    std::mt19937 random(11);
    while (!stopping) {
      Mailbox& box = client.mailbox(1);
      auto* words = reinterpret_cast<volatile std::uint32_t*>(&box.request);
      for (int i = 0; i < 64; ++i) {
        words[random() % ((sizeof box.request + sizeof box.staged) / 4)] =
            random() % 2 == 0 ? static_cast<std::uint32_t>(random())
                              : static_cast<std::uint32_t>(random() % 16);
      }
      auto* commands = reinterpret_cast<volatile std::uint32_t*>(box.commands);
      commands[random() % 16] = static_cast<std::uint32_t>(BC_TRANSACTION);
    }
  });
  for (int round = 0; round < 20'000; ++round) {
    client.mailbox(1).state = round % 8 == 0 ? kCancelled : kRequested;
    client.ring(1);
    if (round % 64 == 0) settle(client);
  }
  stopping = true;
  flipping.join();
}

TEST_F(Mailboxes, ManyThreadsOfOneProgramAreServedAtOnce) {
  EchoServer server(agent_.socket(), "echo");
  ChannelClient client(agent_.socket());
  ASSERT_EQ(client.map(), 0);
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (std::uint32_t tid = 10; tid < 14; ++tid) {
    threads.emplace_back([&client, &right, tid] {
      Caller caller(client, tid);
      const std::uint32_t handle = caller.find("echo");
      for (std::uint32_t round = 0; round < 50; ++round) {
        const auto sent = pattern(round * 7, tid + round);
        const auto answer = caller.call(handle, 1, sent);
        if (answer.command == BR_REPLY && answer.data == sent) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 200);
}

}  // namespace
}  // namespace netbinder::testing
