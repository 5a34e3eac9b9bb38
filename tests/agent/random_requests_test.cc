// SPDX-License-Identifier: Apache-2.0
//
// Command streams made of random bytes, and of valid commands with random arguments, from several
// programs at once.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/agent/agent_process.h"
#include "tests/agent/channel_client.h"
#include "tests/agent/polite_pair.h"

namespace netbinder::testing {
namespace {

constexpr std::uint32_t kPrograms = 3;
constexpr std::uint32_t kThreads = 4;

class RandomRequests : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  RandomRequests() : random_(GetParam()), scratch_(8192) {
    for (std::uint32_t i = 0; i < kPrograms; ++i) {
      programs_.push_back(std::make_unique<ChannelClient>(agent_.socket()));
      EXPECT_EQ(programs_.back()->map(64 * 1024), 0);
    }
  }
  void TearDown() override {
    programs_.clear();
    expect_polite_programs_work(agent_.socket());
    agent_.expect_back_at(before_);
  }

  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }
  std::uint64_t any() { return random_(); }
  std::uint64_t some_node() { return 0x1000 + below(6) * 16; }

  // A pointer, mostly into the test's memory, sometimes to nowhere.
  std::uint64_t some_address() {
    if (below(12) == 0) return any();
    if (below(12) == 0) return 0;
    return reinterpret_cast<std::uint64_t>(scratch_.data()) + below(512) * 8;
  }
  // An object at `offset` of the scratch memory.
  void put_object(std::size_t offset) {
    switch (below(6)) {
      case 0:
      case 1: {
        flat_binder_object object{};
        object.hdr.type = below(4) == 0 ? BINDER_TYPE_WEAK_BINDER : BINDER_TYPE_BINDER;
        object.flags = below(0x2000);
        object.binder = some_node();
        object.cookie = below(20) == 0 ? any() : object.binder;
        std::memcpy(&scratch_[offset], &object, sizeof object);
        break;
      }
      case 2: {
        flat_binder_object object{};
        object.hdr.type = below(4) == 0 ? BINDER_TYPE_WEAK_HANDLE : BINDER_TYPE_HANDLE;
        object.handle = below(8);
        std::memcpy(&scratch_[offset], &object, sizeof object);
        break;
      }
      case 3: {
        binder_buffer_object object{};
        object.hdr.type = BINDER_TYPE_PTR;
        object.flags = below(2);
        object.buffer = some_address();
        object.length = below(8) == 0 ? any() : below(256);
        object.parent = below(4);
        object.parent_offset = below(8) == 0 ? any() : below(64) * 4;
        std::memcpy(&scratch_[offset], &object, sizeof object);
        break;
      }
      case 4: {
        binder_fd_array_object object{};
        object.hdr.type = BINDER_TYPE_FDA;
        object.num_fds = below(8) == 0 ? any() : below(8);
        object.parent = below(4);
        object.parent_offset = below(8) == 0 ? any() : below(64) * 4;
        std::memcpy(&scratch_[offset], &object, sizeof object);
        break;
      }
      default: {
        binder_fd_object object{};
        object.hdr.type = BINDER_TYPE_FD;
        object.fd = below(40);
        std::memcpy(&scratch_[offset], &object, sizeof object);
        break;
      }
    }
  }
  binder_transaction_data some_transaction(bool reply) {
    binder_transaction_data data{};
    data.target.handle = reply ? 0 : below(6);
    data.code = below(20);
    data.flags = below(2) == 0 ? std::uint32_t{TF_ONE_WAY} : below(0x80);
    const std::uint32_t objects = below(3) == 0 ? below(4) : 0;
    const std::size_t offsets_at = 4096;
    for (std::uint32_t i = 0; i < objects; ++i) {
      const std::uint64_t offset = below(20) == 0 ? any() : 4 + i * 40 + below(2) * 4;
      std::memcpy(&scratch_[offsets_at + i * 8], &offset, sizeof offset);
      if (offset < 4000) put_object(offset);
    }
    data.data_size = below(20) == 0 ? any() : 4 + objects * 48 + below(64) * 4;
    data.offsets_size = below(30) == 0 ? below(100) : objects * 8;
    data.data.ptr.buffer = below(20) == 0 ? any() : reinterpret_cast<std::uint64_t>(scratch_.data());
    data.data.ptr.offsets =
        below(20) == 0 ? any() : reinterpret_cast<std::uint64_t>(scratch_.data()) + offsets_at;
    return data;
  }
  void put_random_command(Stream& stream, const ChannelClient& program) {
    const binder_handle_cookie cookie{.handle = below(8), .cookie = below(6)};
    const binder_ptr_cookie node{.ptr = some_node(), .cookie = some_node()};
    switch (below(20)) {
      case 0:
      case 1:
      case 2: stream.put(BC_TRANSACTION, some_transaction(false)); break;
      case 3:
      case 4: stream.put(BC_REPLY, some_transaction(true)); break;
      case 5:
        stream.put(BC_TRANSACTION_SG, binder_transaction_data_sg{
                                          .transaction_data = some_transaction(false),
                                          .buffers_size = below(10) == 0 ? any() : below(80) * 8});
        break;
      case 6:
        stream.put(BC_REPLY_SG, binder_transaction_data_sg{
                                    .transaction_data = some_transaction(true),
                                    .buffers_size = below(80) * 8});
        break;
      case 7:
      case 8:
      case 9: {
        std::uint64_t address = reinterpret_cast<std::uint64_t>(program.arena()) + below(300) * 8;
        if (below(8) == 0) {
          address = any();
        } else if (below(8) != 0 && !buffers_.empty()) {  // one that was received, by some program
          const std::size_t which = below(static_cast<std::uint32_t>(buffers_.size()));
          address = buffers_[which];
          if (below(8) != 0) buffers_.erase(buffers_.begin() + static_cast<std::ptrdiff_t>(which));
        }
        stream.put(BC_FREE_BUFFER, binder_uintptr_t{address});
        break;
      }
      case 10: stream.put(BC_INCREFS, below(8)); break;
      case 11: stream.put(BC_ACQUIRE, below(8)); break;
      case 12: stream.put(below(3) == 0 ? BC_RELEASE : BC_ACQUIRE, below(8)); break;
      case 13: stream.put(below(3) == 0 ? BC_DECREFS : BC_INCREFS, below(8)); break;
      case 14: stream.put(BC_INCREFS_DONE, node); break;
      case 15: stream.put(BC_ACQUIRE_DONE, node); break;
      case 16: stream.put(BC_REQUEST_DEATH_NOTIFICATION, cookie); break;
      case 17: stream.put(BC_CLEAR_DEATH_NOTIFICATION, cookie); break;
      case 18: stream.put(BC_DEAD_BINDER_DONE, binder_uintptr_t{below(6)}); break;
      default:
        switch (below(6)) {
          case 0: stream.put(BC_ENTER_LOOPER); break;
          case 1: stream.put(BC_REGISTER_LOOPER); break;
          case 2: stream.put(BC_EXIT_LOOPER); break;
          case 3: stream.put(kBcRequestFreezeNotification, cookie); break;
          case 4: stream.put(kBcClearFreezeNotification, cookie); break;
          default: stream.put(kBcFreezeNotificationDone, binder_uintptr_t{below(6)}); break;
        }
        break;
    }
  }
  void note_buffers(const Mailbox& box) {
    const std::vector<std::byte> read(box.read, box.read + box.response.read_consumed);
    for (const std::uint32_t command : {BR_TRANSACTION, BR_REPLY}) {
      const auto found = find_command(read, command);
      if (!found) continue;
      binder_transaction_data data{};
      std::memcpy(&data, found->data(), sizeof data);
      buffers_.push_back(data.data.ptr.buffer);
    }
  }
  // Begins a request in the thread's mailbox, whatever its state; takes descriptors as they come.
  void submit(ChannelClient& program, std::uint32_t thread, const std::vector<std::byte>& bytes,
              std::uint32_t flags) {
    const std::uint32_t index = 10 + thread;
    const std::uint32_t state = program.mailbox(index).state;
    if (state == kInstall) {  // says it has got them, whether it has or not
      program.mailbox(index).fds[0] = below(2) == 0 ? -1 : 3;
      program.set_state(index, kInstalled);
      return;
    }
    if (state == kInstalled) return;  // the agent's turn
    if (state == kDone) note_buffers(program.mailbox(index));
    if (state == kRequested || state == kCancelled) {
      if (below(3) == 0) program.set_state(index, kCancelled);
      return;
    }
    program.begin_write_read(index, 100 + thread, bytes, flags);
    if ((flags & kFlagReads) != 0 && (flags & kFlagNonblocking) == 0) return;
    eventually("a request that does not wait is answered", [&] {
      const std::uint32_t now = program.mailbox(index).state;
      return now == kDone || now == kInstall;
    });
  }
  void end_thread(ChannelClient& program, std::uint32_t thread) {
    const std::uint32_t index = 10 + thread;
    Mailbox& box = program.mailbox(index);
    if (!eventually("a request is cancelled", [&] {
          std::uint32_t now = box.state;
          if (now == kInstall) submit(program, thread, {}, 0);
          if (now == kRequested && box.state.compare_exchange_strong(now, kCancelled)) {
            program.ring(index);
          }
          return now == kDone || now == kIdle;
        })) {
      return;
    }
    (void)program.control(100 + thread, BINDER_THREAD_EXIT);
  }
  // A counter of the agent, so that a test that reached nothing fails.
  [[nodiscard]] std::int64_t counted(const std::string& what) const {
    const auto status = nlohmann::json::parse(agent_.status_line("{\"command\":\"status\"}\n"));
    return status["statistics"][what];
  }

  AgentProcess agent_;
  const Counts before_ = agent_.counts();
  std::mt19937_64 random_;
  std::vector<std::byte> scratch_;
  std::vector<std::uint64_t> buffers_;  // received and not freed, of all programs
  std::vector<std::unique_ptr<ChannelClient>> programs_;
};

INSTANTIATE_TEST_SUITE_P(Seeds, RandomRequests, ::testing::Values(1, 2, 3, 4),
                         [](const auto& tested) { return "Seed" + std::to_string(tested.param); });

TEST_P(RandomRequests, BytesAreAnsweredAndHurtNobody) {
  for (int step = 0; step < 3000; ++step) {
    std::vector<std::byte> bytes(below(1024));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(below(256));
    if (bytes.size() >= 4 && below(2) == 0) {  // the first command exists, at least
      const std::uint32_t command = _IOC(_IOC_WRITE, 'c', below(22), below(80));
      std::memcpy(bytes.data(), &command, sizeof command);
    }
    submit(*programs_[below(kPrograms)], below(kThreads), bytes,
           below(2) == 0 ? 0U : kFlagReads | kFlagFreshRead | kFlagNonblocking);
  }
  for (auto& program : programs_) EXPECT_EQ(program->control(60, BINDER_VERSION), 0);
}

TEST_P(RandomRequests, CommandsWithRandomArgumentsAreAnsweredAndHurtNobody) {
  // Each program gives the manager some nodes first, so that handles lead somewhere.
  for (auto& program : programs_) {
    Caller caller(*program, 50);
    EXPECT_TRUE(caller.add("random" + std::to_string(below(5)), some_node()));
    for (int i = 0; i < 5; ++i) (void)caller.find("random" + std::to_string(i));
  }
  for (int step = 0; step < 12'000; ++step) {
    const std::uint32_t which = below(kPrograms);
    auto& program = programs_[which];
    if (below(400) == 0) {
      program = std::make_unique<ChannelClient>(agent_.socket());
      ASSERT_EQ(program->error(), 0) << agent_.folder().read("log");
      ASSERT_EQ(program->map(64 * 1024), 0);
    }
    Stream stream;
    for (std::uint32_t commands = below(5); commands > 0; --commands) {
      put_random_command(stream, *program);
    }
    std::uint32_t flags = below(4) == 0 ? 0U : kFlagReads | kFlagFreshRead;
    if (below(4) != 0) flags |= kFlagNonblocking;
    submit(*program, below(kThreads), stream.bytes(), flags);
    if (below(20) == 0) end_thread(*program, below(kThreads));
    if (below(40) == 0) {  // handles that lead somewhere
      Caller caller(*program, 50);
      (void)caller.add("random" + std::to_string(below(5)), some_node());
      (void)caller.find("random" + std::to_string(below(5)));
    }
  }
  EXPECT_GT(counted("calls_local"), 300);
  EXPECT_GT(counted("failed_calls"), 300);
  for (auto& program : programs_) EXPECT_EQ(program->control(60, BINDER_VERSION), 0);
}

}  // namespace
}  // namespace netbinder::testing
