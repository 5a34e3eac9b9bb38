// SPDX-License-Identifier: Apache-2.0
//
// The order of a NodeHost's actions after an event. Everything around it is replaced by a list of
// the calls it made.
#include "host/builtin_manager.h"
#include "host/node_host.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "core/base/uapi.h"

namespace netbinder {
namespace {

constexpr HostId kPeer{2};

using Log = std::vector<std::string>;

class FakeTransport final : public Transport {
 public:
  explicit FakeTransport(Log& log) : log_(log) {}
  void start() override {}
  void send(HostId, PeerMessage, Payload) override { log_.emplace_back("send"); }
  void flush() override { log_.emplace_back("flush"); }
  void memory_ends(std::span<std::byte>) override { log_.emplace_back("memory ends"); }
  void give_up(HostId, const std::string& reason) override { log_.push_back("give up: " + reason); }
  [[nodiscard]] std::vector<LinkStatus> status() const override { return {}; }

 private:
  Log& log_;
};

class FakeFiles final : public Files {
 public:
  explicit FakeFiles(Log& log) : log_(log) {}
  void drop(FileToken) override { log_.emplace_back("drop"); }
  std::expected<FileNumber, FileRefusal> export_file(HostId, FileToken) override {
    return FileNumber{1};
  }
  void withdraw(HostId, FileNumber) override {}
  std::expected<FileToken, int> import_file(HostId, FileNumber) override {
    return std::unexpected(-ENOENT);
  }
  void send_offers(HostId) override { log_.emplace_back("send offers"); }
  void drop_offers(HostId) override { log_.emplace_back("drop offers"); }
  const char* message_arrived(HostId, peer::FileMessage message) override {
    return message.of_receiver ? "a descriptor of ours is offered to us" : nullptr;
  }
  void peer_lost(HostId) override { log_.emplace_back("files lost"); }

 private:
  Log& log_;
};

class FakeTimer final : public Timer {
 public:
  explicit FakeTimer(Log& log) : log_(log) {}
  [[nodiscard]] std::uint64_t now_ms() const override { return now; }
  void set(std::uint64_t deadline_ms) override {
    log_.push_back("timer " + std::to_string(deadline_ms));
  }
  std::uint64_t now = 1000;

 private:
  Log& log_;
};

class FakeSurroundings final : public Surroundings {
 public:
  explicit FakeSurroundings(Log& log) : log_(log) {}
  void respond() override { log_.emplace_back("respond"); }
  void peer_connected(HostId) override { log_.emplace_back("connected"); }
  void peer_lost(HostId) override { log_.emplace_back("lost"); }
  void protocol_broken(HostId, std::string_view reason) override {
    log_.push_back("broken: " + std::string(reason));
  }

 private:
  Log& log_;
};

class FakeProcess final : public ProcessHost {
 public:
  explicit FakeProcess(Log& log) : log_(log) {}
  int read_memory(ThreadId, std::uint64_t, std::span<std::byte>) override { return -EFAULT; }
  std::expected<FileToken, int> take_file(ThreadId, int) override {
    return std::unexpected(-EBADF);
  }
  void install_files(ThreadId, std::span<const FileToken>) override {}
  void ioctl_done(ThreadId, const IoctlResult& result) override {
    log_.push_back("done " + std::to_string(result.error));
  }
  void readiness_changed(bool) override {}
  std::shared_ptr<void> arena_owner() override { return nullptr; }

 private:
  Log& log_;
};

class NodeHostTest : public ::testing::Test {
 protected:
  NodeHostTest() : host_(setup(), timer_, files_, surroundings_) { host_.attach(transport_); }

  static NodeHostSetup setup() {
    NodeHostSetup setup;
    setup.driver.contexts = {{.name = "binder", .cluster_wide = true}};
    setup.host_names = {{HostId{1}, "one"}, {kPeer, "two"}};
    return setup;
  }
  // The calls since the last time.
  Log log() { return std::exchange(log_, {}); }
  PeerEvents& events() { return host_.peer_events(); }
  void start_manager() {
    ServiceManagerSetup manager;
    manager.context = "binder";
    manager.hosts = {{HostId{1}, "one"}, {kPeer, "two"}};
    host_.start_manager(manager);
    host_.after_event();
    (void)log();
  }

  Log log_;
  FakeTransport transport_{log_};
  FakeFiles files_{log_};
  FakeTimer timer_{log_};
  FakeSurroundings surroundings_{log_};
  NodeHost host_;
};

TEST_F(NodeHostTest, ProgramsAreAnsweredAtOnceWhereTheNetworkIsToHearNothing) {
  events().session_established(kPeer, Incarnation{7}, kNewestVersion);
  EXPECT_EQ(log(), (Log{"connected", "respond"}));
  host_.flush();
  EXPECT_EQ(log(), (Log{"flush", "respond"}));
}

TEST_F(NodeHostTest, WhatIsForTheNetworkLeavesFirst) {
  start_manager();
  events().session_established(kPeer, Incarnation{7}, kNewestVersion);
  const Log told = log();
  EXPECT_EQ(told.front(), "connected");
  EXPECT_NE(std::ranges::find(told, "send"), told.end());
  EXPECT_EQ(std::ranges::find(told, "respond"), told.end());
  host_.after_event();  // of another event of the same turn
  EXPECT_EQ(log(), Log{});
  host_.flush();
  EXPECT_EQ(log(), (Log{"flush", "respond"}));
  host_.after_event();
  EXPECT_EQ(log(), (Log{"respond"}));
}

TEST_F(NodeHostTest, PeersThatBreakTheProtocolAreGivenUpAfterTheAnswers) {
  events().session_established(kPeer, Incarnation{7}, kNewestVersion);
  (void)log();
  events().message_arrived(
      kPeer, peer::FileMessage{
                 .file = FileNumber{1}, .of_receiver = true, .content = peer::FileOffered{}});
  EXPECT_EQ(log(), (Log{"broken: a descriptor of ours is offered to us", "respond",
                        "give up: a descriptor of ours is offered to us"}));
  host_.after_event();
  EXPECT_EQ(log(), (Log{"respond"}));
  events().session_lost(kPeer);
  EXPECT_EQ(log(), (Log{"lost", "files lost", "respond"}));
  EXPECT_EQ(host_.connected_peers(), 0U);
}

TEST_F(NodeHostTest, OffersEndWithTheMessageThatMayNameThem) {
  events().session_established(kPeer, Incarnation{7}, kNewestVersion);
  const peer::Reply unasked{};
  const auto arrives = [&] {
    (void)events().payload_arriving(kPeer, unasked, 0, {});
    events().message_arrived(kPeer, unasked);
  };
  arrives();
  Log told = log();
  EXPECT_EQ(std::ranges::find(told, "drop offers"), told.end());
  events().message_arrived(
      kPeer, peer::FileMessage{
                 .file = FileNumber{1}, .of_receiver = false, .content = peer::FileOffered{}});
  (void)log();
  arrives();
  told = log();
  EXPECT_EQ(std::ranges::count(told, "drop offers"), 1);
  arrives();
  told = log();
  EXPECT_EQ(std::ranges::count(told, "drop offers"), 0);
}

TEST_F(NodeHostTest, AProcessHearsUntilItIsClosed) {
  FakeProcess process(log_);
  const ProcessId id =
      host_.driver().open("binder", {.pid = 10, .euid = 0, .security_context = {}}).value();
  host_.add_process(id, process);
  std::array<std::byte, 64> memory{};
  host_.driver().write_read(id, ThreadId{1},
                            {.commands = {}, .reads = true, .read_buffer = memory});
  EXPECT_EQ(log(), (Log{"done 0"}));  // a thread's first ioctl returns at once
  EXPECT_EQ(host_.work().ioctls_done, 1U);
  host_.close_process(id, memory);
  EXPECT_EQ(log(), (Log{"memory ends"}));
  EXPECT_EQ(host_.driver().counts().processes, 0U);
}

// Two programs wait for a third one to become quiet, which it does not: each is to hear of it at
// its own time, though there is one timer.
TEST_F(NodeHostTest, OneTimerServesEveryDeadline) {
  std::vector<std::byte> arena(4096);
  FakeProcess process(log_);
  const auto open = [&](std::int32_t pid) {
    const ProcessId id =
        host_.driver().open("binder", {.pid = pid, .euid = 0, .security_context = {}}).value();
    host_.add_process(id, process);
    return id;
  };
  const auto freeze = [&](ProcessId by, std::uint32_t timeout_ms) {
    binder_freeze_info info{.pid = 10, .enable = 1, .timeout_ms = timeout_ms};
    host_.driver().control(by, ThreadId{1}, BINDER_FREEZE,
                           {reinterpret_cast<std::byte*>(&info), sizeof info});
  };
  const ProcessId busy = open(10);
  ASSERT_EQ(host_.driver().map_arena(busy, 0x1000, arena), 0);
  flat_binder_object object{};
  host_.driver().control(busy, ThreadId{1}, BINDER_SET_CONTEXT_MGR_EXT,
                         {reinterpret_cast<std::byte*>(&object), sizeof object});
  std::vector<std::byte> commands(sizeof(std::uint32_t) + sizeof(binder_transaction_data));
  const std::uint32_t command = BC_TRANSACTION;  // of handle 0, without a payload
  std::memcpy(commands.data(), &command, sizeof command);
  const ProcessId caller = open(11);
  ASSERT_EQ(host_.driver().map_arena(caller, 0x1000, arena), 0);
  host_.driver().write_read(caller, ThreadId{1}, {.commands = commands, .read_buffer = {}});
  const ProcessId patient = open(12);
  const ProcessId hasty = open(13);
  (void)log();

  freeze(patient, 50);
  freeze(hasty, 20);
  EXPECT_EQ(log(), (Log{"timer 1050", "timer 1020"}));
  timer_.now = 1020;
  host_.timer_expired();
  EXPECT_EQ(log(), (Log{"done -11", "respond", "timer 1050"}));
  timer_.now = 1051;
  host_.timer_expired();
  EXPECT_EQ(log(), (Log{"done -11", "respond"}));
  host_.timer_expired();  // one that was not set is no harm
  EXPECT_EQ(log(), Log{});
  for (const ProcessId each : {busy, caller, patient, hasty}) host_.close_process(each, arena);
}

}  // namespace
}  // namespace netbinder
