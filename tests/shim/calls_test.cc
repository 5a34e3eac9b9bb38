// SPDX-License-Identifier: Apache-2.0
// Calls through a mailbox, against the stand-in for the agent.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/android/binder.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "shim/closing.h"
#include "shim/connect.h"
#include "shim/descriptor_table.h"
#include "shim/driver_calls.h"
#include "shim/user_memory.h"
#include "tests/shim/fake_agent.h"

namespace netbinder {
namespace {

using std::chrono::milliseconds;

class Calls : public ::testing::Test {
 protected:
  // Ends the agent before what its handler refers to.
  struct Running {
    explicit Running(Calls& owner) : test(owner) {}
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() {
      test.agent_->stop();
      close_descriptor(test.fd_);
    }
    Calls& test;
  };
  [[nodiscard]] Running start(FakeAgent::Handler handler) {
    agent_ = std::make_unique<FakeAgent>(std::move(handler));
    fd_ = open_binder(parse_device_path("/dev/binder"), O_RDWR | O_CLOEXEC);
    EXPECT_GE(fd_, 0);
    return Running(*this);
  }
  // 0 or an errno.
  int call(unsigned long request, void* argument) const {
    const DescriptorReference descriptor = find_binder_fd(fd_);
    if (!descriptor) return EBADF;
    return ioctl_binder(*descriptor, fd_, request, argument) == 0 ? 0 : errno;
  }
  int read_once(binder_write_read& bwr) {
    bwr = {.write_size = 0,
           .write_consumed = 0,
           .write_buffer = 0,
           .read_size = sizeof in_,
           .read_consumed = 0,
           .read_buffer = address_of(in_.data())};
    return call(BINDER_WRITE_READ, &bwr);
  }

  std::unique_ptr<FakeAgent> agent_;
  int fd_ = -1;
  std::array<std::uint32_t, 64> in_{};
};

void answer_read(FakeChannel& channel, std::uint32_t index, std::uint32_t command) {
  std::memcpy(channel.mailbox(index).read, &command, sizeof command);
  channel.respond(index, {.read_consumed = sizeof command});
}

TEST_F(Calls, WriteAndRead) {
  MailboxRequest seen;
  std::vector<std::uint32_t> commands(2);
  const Running running = start([&](FakeChannel& channel, std::uint32_t index) {
    Mailbox& box = channel.mailbox(index);
    if (box.request.operation != kOpWriteRead) return;
    seen = box.request;
    std::memcpy(commands.data(), box.commands, 8);
    const std::uint32_t answer = BR_NOOP;
    std::memcpy(box.read, &answer, sizeof answer);
    channel.respond(index, {.write_consumed = 8, .read_consumed = 4});
  });
  const std::array<std::uint32_t, 3> out{0, BC_ENTER_LOOPER, BC_EXIT_LOOPER};
  binder_write_read bwr{.write_size = 12,
                        .write_consumed = 4,
                        .write_buffer = address_of(out.data()),
                        .read_size = sizeof in_,
                        .read_consumed = 8,
                        .read_buffer = address_of(in_.data())};
  errno = 77;
  EXPECT_EQ(call(BINDER_WRITE_READ, &bwr), 0);
  EXPECT_EQ(errno, 77);
  agent_->stop();  // what it has seen is ours now
  EXPECT_EQ(seen.address, address_of(out.data()) + 4);
  EXPECT_EQ(seen.bytes, 8U);
  EXPECT_EQ(seen.read_capacity, sizeof in_ - 8);
  EXPECT_EQ(seen.flags, kFlagReads);
  EXPECT_EQ(seen.tid, static_cast<std::uint32_t>(::gettid()));
  EXPECT_EQ(commands[0], BC_ENTER_LOOPER);
  EXPECT_EQ(commands[1], BC_EXIT_LOOPER);
  EXPECT_EQ(bwr.write_consumed, 12U);
  EXPECT_EQ(bwr.read_consumed, 12U);
  EXPECT_EQ(in_[2], BR_NOOP);
}

TEST_F(Calls, APostedReadRingsNoDoorbell) {
  std::atomic<FakeChannel*> served = nullptr;
  std::atomic<std::uint32_t> mailbox = 0;
  const Running running = start([&](FakeChannel& channel, std::uint32_t index) {
    if (channel.mailbox(index).request.operation != kOpWriteRead) {
      answer_simple(channel, index);
      return;
    }
    mailbox = index;
    served = &channel;
    channel.mailbox(index).may_post.store(1);
    answer_read(channel, index, BR_NOOP);
  });
  binder_write_read bwr{};
  ASSERT_EQ(read_once(bwr), 0);
  std::thread reader([&] {  // a thread of its own has a mailbox of its own: it rings
    binder_write_read its{};
    EXPECT_EQ(read_once(its), 0);
    const int doorbells = agent_->doorbells();
    Mailbox& box = served.load()->mailbox(mailbox);
    std::thread answering([&] {
      while (box.state.load() != kRequested || box.sleeping.load() == 0) std::this_thread::yield();
      EXPECT_EQ(served.load()->header().pending_words.load(), 0U);
      answer_read(*served, mailbox, BR_OK);
    });
    EXPECT_EQ(read_once(its), 0);
    answering.join();
    EXPECT_EQ(agent_->doorbells(), doorbells);
    EXPECT_EQ(in_[0], BR_OK);
  });
  reader.join();
}

TEST_F(Calls, OnlyReadsThatBlockArePosted) {
  std::atomic<int> requests = 0;
  const Running running = start([&](FakeChannel& channel, std::uint32_t index) {
    if (channel.mailbox(index).request.operation != kOpWriteRead) return;
    ++requests;
    channel.mailbox(index).may_post.store(1);
    answer_read(channel, index, BR_NOOP);
  });
  binder_write_read bwr{};
  ASSERT_EQ(read_once(bwr), 0);
  const std::array<std::uint32_t, 1> out{BC_ENTER_LOOPER};
  bwr = {.write_size = 4,
         .write_consumed = 0,
         .write_buffer = address_of(out.data()),
         .read_size = sizeof in_,
         .read_consumed = 0,
         .read_buffer = address_of(in_.data())};
  EXPECT_EQ(call(BINDER_WRITE_READ, &bwr), 0) << "commands";
  bwr = {.write_size = 0,
         .write_consumed = 0,
         .write_buffer = 0,
         .read_size = sizeof in_,
         .read_consumed = 8,
         .read_buffer = address_of(in_.data())};
  EXPECT_EQ(call(BINDER_WRITE_READ, &bwr), 0) << "the end of a buffer";
  bwr.read_size = kPostedReadBytes - 4;
  bwr.read_consumed = 0;
  EXPECT_EQ(call(BINDER_WRITE_READ, &bwr), 0) << "a small buffer";
  int on = 1;
  ASSERT_EQ(call(FIONBIO, &on), 0);
  EXPECT_EQ(read_once(bwr), 0) << "nonblocking";
  EXPECT_EQ(requests, 5);
}

TEST_F(Calls, AMailboxThatChangesHandsIsNotPostedIn) {
  std::atomic<int> requests = 0;
  const Running running = start([&](FakeChannel& channel, std::uint32_t index) {
    if (channel.mailbox(index).request.operation != kOpWriteRead) {
      answer_simple(channel, index);
      return;
    }
    ++requests;
    channel.mailbox(index).may_post.store(1);
    answer_read(channel, index, BR_NOOP);
  });
  for (int round = 1; round <= 2; ++round) {
    std::thread reader([&] {
      binder_write_read bwr{};
      EXPECT_EQ(read_once(bwr), 0);
    });
    reader.join();
    EXPECT_EQ(requests, round);
  }
}

TEST_F(Calls, AFailedWriteReadsNothing) {
  const Running running = start([](FakeChannel& channel, std::uint32_t index) {
    channel.respond(index, {.error = -EINVAL, .write_consumed = 4});
  });
  const std::array<std::uint32_t, 2> out{BC_ENTER_LOOPER, 1};
  binder_write_read bwr{.write_size = 8,
                        .write_consumed = 0,
                        .write_buffer = address_of(out.data()),
                        .read_size = sizeof in_,
                        .read_consumed = 8,
                        .read_buffer = address_of(in_.data())};
  EXPECT_EQ(call(BINDER_WRITE_READ, &bwr), EINVAL);
  EXPECT_EQ(bwr.write_consumed, 4U);
  EXPECT_EQ(bwr.read_consumed, 0U);
}

TEST_F(Calls, AFailedReadKeepsItsCount) {
  const Running running = start([](FakeChannel& channel, std::uint32_t index) {
    channel.respond(index, {.error = -EAGAIN});
  });
  binder_write_read bwr{.write_size = 0,
                        .write_consumed = 0,
                        .write_buffer = 0,
                        .read_size = sizeof in_,
                        .read_consumed = 8,
                        .read_buffer = address_of(in_.data())};
  EXPECT_EQ(call(BINDER_WRITE_READ, &bwr), EAGAIN);
  EXPECT_EQ(bwr.read_consumed, 8U);
}

TEST_F(Calls, BadPointers) {
  const Running running = start(answer_simple);
  EXPECT_EQ(call(BINDER_WRITE_READ, nullptr), EFAULT);
  EXPECT_EQ(call(BINDER_VERSION, nullptr), EINVAL);
  EXPECT_EQ(call(BINDER_SET_CONTEXT_MGR, nullptr), 0);
  const std::uint32_t out = BC_ENTER_LOOPER;
  binder_write_read bwr{.write_size = 4,
                        .write_consumed = 0,
                        .write_buffer = address_of(&out),
                        .read_size = 256,
                        .read_consumed = 0,
                        .read_buffer = 16};
  EXPECT_EQ(call(BINDER_WRITE_READ, &bwr), EFAULT);
  EXPECT_EQ(bwr.write_consumed, 4U);
}

TEST_F(Calls, Mapping) {
  MailboxRequest seen;
  std::atomic<int> error = 0;
  const Running running = start([&](FakeChannel& channel, std::uint32_t index) {
    if (error == 0) seen = channel.mailbox(index).request;
    channel.respond(index, {.error = error});
  });
  const DescriptorReference descriptor = find_binder_fd(fd_);
  EXPECT_EQ(mmap_binder(*descriptor, fd_, nullptr, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0),
            MAP_FAILED);
  EXPECT_EQ(errno, EPERM);
  void* const map = mmap_binder(*descriptor, fd_, nullptr, 8 << 20, PROT_READ, MAP_PRIVATE, 0);
  ASSERT_NE(map, MAP_FAILED);
  EXPECT_EQ(::mprotect(map, 4096, PROT_READ | PROT_WRITE), -1);
  EXPECT_EQ(errno, EACCES);
  ::munmap(map, 8 << 20);
  error = -EBUSY;
  EXPECT_EQ(mmap_binder(*descriptor, fd_, nullptr, 65536, PROT_READ, MAP_PRIVATE, 0), MAP_FAILED);
  EXPECT_EQ(errno, EBUSY);
  agent_->stop();
  EXPECT_EQ(seen.address, address_of(map));
  EXPECT_EQ(seen.bytes, kMaxMapBytes);
}

TEST_F(Calls, DescriptorsAreInstalledAndClosed) {
  std::atomic<int> received = -1;
  const Running running = start([&](FakeChannel& channel, std::uint32_t index) {
    Mailbox& box = channel.mailbox(index);
    if (box.state.load() == kInstalled) {
      received = box.fds[0];
      answer_read(channel, index, BR_NOOP);
    } else if (received < 0) {
      // Somebody else's message comes first.
      channel.send_descriptors(index + 1, {0});
      channel.install(index, {0});
    } else if (box.state.load() == kRequested && received >= 0) {
      box.fds[0] = received;
      channel.respond(index, {.close_count = 1});
    }
  });
  binder_write_read bwr;
  EXPECT_EQ(read_once(bwr), 0);
  ASSERT_GE(received, 0);
  EXPECT_NE(::fcntl(received, F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(read_once(bwr), 0);
  EXPECT_LT(::fcntl(received, F_GETFD), 0);
}

TEST_F(Calls, ReadinessIsTakenBack) {
  const Running running = start([&](FakeChannel& channel, std::uint32_t index) {
    channel.send_readiness();
    channel.send_readiness();
    channel.respond(index, {.drain = 1});
  });
  binder_write_read bwr;
  EXPECT_EQ(read_once(bwr), 0);
  char byte = 0;
  EXPECT_EQ(::recv(fd_, &byte, 1, MSG_DONTWAIT), 1);
  EXPECT_EQ(::recv(fd_, &byte, 1, MSG_DONTWAIT), -1);
}

TEST_F(Calls, ADeadAgentIsNoticed) {
  const Running running = start([](FakeChannel&, std::uint32_t) {});
  int error = 0;
  std::thread caller([&] {
    binder_write_read bwr;
    error = read_once(bwr);
  });
  std::this_thread::sleep_for(milliseconds(20));
  agent_->stop();
  caller.join();
  EXPECT_EQ(error, EIO);
  binder_version version;
  EXPECT_EQ(call(BINDER_VERSION, &version), EIO);
}

TEST_F(Calls, ClosingEndsACall) {
  std::atomic<bool> waiting = false;
  const Running running = start([&](FakeChannel& channel, std::uint32_t index) {
    if (channel.mailbox(index).request.operation == kOpWriteRead) {
      waiting = true;  // and no flush makes it return
    } else {
      answer_simple(channel, index);
    }
  });
  int error = 0;
  std::thread caller([&] {
    binder_write_read bwr;
    error = read_once(bwr);
  });
  while (!waiting) std::this_thread::sleep_for(milliseconds(1));
  close_descriptor(fd_);
  caller.join();
  EXPECT_EQ(error, EBADF);
}

std::atomic<int> nested_fd = -1;
std::atomic<int> nested_result = -1;

void call_in_handler(int) {
  const DescriptorReference descriptor = find_binder_fd(nested_fd);
  binder_version version{};
  if (ioctl_binder(*descriptor, nested_fd, BINDER_VERSION, &version) == 0) {
    nested_result = version.protocol_version;
  }
}

// Both processes see the same mailboxes; a child closes what it does not need, as programs do before they execute
// others.
TEST_F(Calls, AForkedChildThatClosesEndsNoCallOfItsParent) {
  std::atomic<FakeChannel*> waiting = nullptr;
  std::atomic<std::uint32_t> index_of_read = 0;
  std::atomic<bool> cancelled = false;
  const Running running = start([&](FakeChannel& channel, std::uint32_t index) {
    Mailbox& box = channel.mailbox(index);
    if (box.state == kCancelled) cancelled = true;
    if (box.request.operation != kOpWriteRead) return answer_simple(channel, index);
    index_of_read = index;
    waiting = &channel;
  });
  std::atomic<int> result = -1;
  std::thread reader([&] {
    binder_write_read bwr;
    result = read_once(bwr);
  });
  while (waiting == nullptr) std::this_thread::yield();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(close_descriptor(fd_) == 0 ? 0 : 1);
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  // The agent handles the child's request ahead of this one.
  binder_version version{};
  EXPECT_EQ(call(BINDER_VERSION, &version), 0);
  EXPECT_FALSE(cancelled);
  answer_read(*waiting, index_of_read, BR_NOOP);
  reader.join();
  EXPECT_EQ(result, 0);
}

TEST_F(Calls, ASignalInterruptsAndItsHandlerMayCall) {
  std::atomic<bool> waiting = false;
  std::vector<std::uint32_t> cancelled;
  const Running running = start([&](FakeChannel& channel, std::uint32_t index) {
    if (channel.mailbox(index).request.operation == kOpWriteRead) {
      waiting = true;
      if (channel.mailbox(index).state.load() == kCancelled) cancelled.push_back(index);
    }
    answer_simple(channel, index);
  });
  nested_fd = fd_;
  struct sigaction action {};
  action.sa_handler = call_in_handler;
  action.sa_flags = SA_RESTART;
  struct sigaction before {};
  ::sigaction(SIGUSR1, &action, &before);
  int error = 0;
  std::thread caller([&] {
    binder_write_read bwr;
    error = read_once(bwr);
  });
  while (!waiting) std::this_thread::sleep_for(milliseconds(1));
  std::this_thread::sleep_for(milliseconds(20));
  ::pthread_kill(caller.native_handle(), SIGUSR1);
  caller.join();
  EXPECT_EQ(error, EINTR);
  agent_->stop();
  EXPECT_EQ(nested_result, 8);
  EXPECT_EQ(cancelled.size(), 1U);
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(Calls, MoreThreadsThanMailboxesOneAfterAnother) {
  std::atomic<int> exits = 0;
  const Running running = start([&](FakeChannel& channel, std::uint32_t index) {
    if (channel.mailbox(index).request.ioctl_command == BINDER_THREAD_EXIT) ++exits;
    answer_simple(channel, index);
  });
  std::atomic<int> failures = 0;
  const int rounds = 20;
  const int at_once = 30;
  for (int round = 0; round < rounds; ++round) {
    std::vector<std::thread> threads;
    for (int i = 0; i < at_once; ++i) {
      threads.emplace_back([&] {
        binder_version version;
        if (call(BINDER_VERSION, &version) != 0) ++failures;
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(exits, rounds * at_once);
}

}  // namespace
}  // namespace netbinder
