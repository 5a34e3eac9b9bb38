// SPDX-License-Identifier: Apache-2.0
//
// Unusual reads: continued ones, and those that install descriptors.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>

#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

class Reads : public ::testing::Test {
 protected:
  Reads() {
    // The manager takes descriptors.
    flat_binder_object object{};
    object.flags = FLAT_BINDER_FLAG_ACCEPTS_FDS;
    EXPECT_EQ(server.control(1, BINDER_SET_CONTEXT_MGR_EXT, &object), 0);
    server.enter_looper(1);
  }

  void send_file(int fd) {
    binder_fd_object object{};
    object.hdr.type = BINDER_TYPE_FD;
    object.fd = static_cast<std::uint32_t>(fd);
    flat_binder_object as_object;
    std::memcpy(&as_object, &object, sizeof as_object);
    Payload payload;
    payload.add(as_object);
    client.write(next_caller_, Commands().put(BC_TRANSACTION, payload.call(0, 1)));
    ++next_caller_;
  }

  Cluster cluster;
  Host& host = cluster.host(1);
  Program server{host, 100};
  Program client{host, 200};
  std::uint32_t next_caller_ = 1;
};

TEST_F(Reads, AContinuedReadSaysApartThatALooperIsWanted) {
  std::uint32_t max_threads = 1;
  ASSERT_EQ(server.control(1, BINDER_SET_MAX_THREADS, &max_threads), 0);
  client.write(1, Commands().put(BC_TRANSACTION, Payload("x").call(0, 7)));
  auto& buffer = host.buffers[{server.id().value(), 1}];
  buffer.assign(256, std::byte{0});
  host.driver.write_read(server.id(), ThreadId{1},
                         {.commands = {},
                          .reads = true,
                          .fresh_read = false,  // the program's buffer begins with another read's
                          .nonblocking = false,
                          .read_buffer = buffer});
  const Outcome outcome = server.outcome(1);
  EXPECT_EQ(outcome.names(), std::vector<std::string>{"BR_TRANSACTION"});
  EXPECT_TRUE(outcome.wants_looper);
  EXPECT_EQ(server.read(1, Commands().put(BC_REPLY, Payload("y").call(0, 0))).names(),
            std::vector<std::string>{"BR_TRANSACTION_COMPLETE"})
      << "it is asked for once";
}

TEST_F(Reads, FilesOfAnInstallationThatFailsLeaveNothingToRead) {
  send_file(5);
  send_file(6);
  server.start(1, {}, true);
  ASSERT_EQ(host.installing, std::vector<std::uint64_t>{5});
  EXPECT_TRUE(host.readable[server.id().value()]);
  host.driver.files_installed(server.id(), ThreadId{1}, std::unexpected(-EMFILE));
  ASSERT_EQ(host.installing, std::vector<std::uint64_t>{6}) << "the read goes on with the next";
  EXPECT_FALSE(host.readable[server.id().value()]);
  host.driver.check_invariants();
  const std::array fds{9};
  host.driver.files_installed(server.id(), ThreadId{1}, std::span<const int>(fds));
  EXPECT_EQ(server.outcome(1).names(), std::vector<std::string>{"BR_TRANSACTION"});
}

TEST_F(Reads, FilesBeingInstalledAreNotDroppedWithTheirReader) {
  send_file(5);
  server.start(1, {}, true);
  ASSERT_EQ(host.installing, std::vector<std::uint64_t>{5});
  server.close();
  EXPECT_EQ(host.dropped_files, 0U) << "they are the host program's since install_files";
}

TEST(FailedInstallation, IsFollowedByTheFailureThatWaitedForItsEnd) {
  Cluster cluster(2);
  Host& host = cluster.host(1);
  Program client(host, 200);
  client.greet(1);
  Program server(cluster.host(2), 100);
  server.greet(1);
  flat_binder_object manager{};
  cluster.host(2).driver.control(server.id(), ThreadId{1}, BINDER_SET_CONTEXT_MGR_EXT,
                                 {reinterpret_cast<std::byte*>(&manager), sizeof manager});
  cluster.settle();
  ASSERT_EQ(server.outcome(1).error, 0);
  flat_binder_object node = binder_object(0x10, 0x20);
  node.flags |= FLAT_BINDER_FLAG_ACCEPTS_FDS;
  const Payload introduction = Payload().add(node);
  client.start(1, Commands().put(BC_TRANSACTION, introduction.call(0, 1)), false);
  cluster.settle();
  EXPECT_EQ(client.outcome(1).error, 0);

  // The server calls back with a descriptor. The session ends before the client has read that.
  const Outcome called = server.read(1);
  ASSERT_NE(called.find(BR_TRANSACTION), nullptr);
  const auto data = called.find(BR_TRANSACTION)->as<binder_transaction_data>();
  flat_binder_object given{};
  std::memcpy(&given, server.at(data.data.ptr.buffer), sizeof given);
  binder_fd_object file{};
  file.hdr.type = BINDER_TYPE_FD;
  file.fd = 5;
  flat_binder_object as_object{};
  std::memcpy(&as_object, &file, sizeof file);
  const Payload back = Payload().add(as_object);
  server.start(1, Commands().put(BC_TRANSACTION, back.call(given.handle, 2)), false);
  cluster.settle();
  cluster.disconnect(1, 2);
  cluster.settle();
  client.start(1, {}, true);
  ASSERT_EQ(host.installing.size(), 1U);
  host.driver.files_installed(client.id(), ThreadId{1}, std::unexpected(-EMFILE));
  ASSERT_FALSE(client.blocked(1));
  EXPECT_EQ(client.outcome(1).names().back(), "BR_DEAD_REPLY");
}

TEST(Readiness, TheProcesssWorkShowsWhenItsOnlyThreadHasNoneOfItsOwnAnyMore) {
  Cluster cluster(2);
  Program client(cluster.host(1), 100);
  Program server(cluster.host(2), 200, "binder", 4096);
  client.greet(1);
  server.greet(1);
  flat_binder_object manager{};
  cluster.host(2).driver.control(server.id(), ThreadId{1}, BINDER_SET_CONTEXT_MGR_EXT,
                                 {reinterpret_cast<std::byte*>(&manager), sizeof manager});
  cluster.settle();
  ASSERT_EQ(server.outcome(1).error, 0);
  const auto readable = [&] { return cluster.host(1).readable[client.id().value()]; };

  // The server holds one node of the client's.
  Payload one;
  one.add(binder_object(0x30, 0x31));
  client.start(1, Commands().put(BC_TRANSACTION, one.call(0, 1, TF_ONE_WAY)), true);
  cluster.settle();
  EXPECT_NE(client.outcome(1).find(BR_ACQUIRE), nullptr);
  const Outcome got = server.read(1);
  ASSERT_NE(got.find(BR_TRANSACTION), nullptr);
  const auto data = got.find(BR_TRANSACTION)->as<binder_transaction_data>();
  EXPECT_EQ(client
                .write(1, Commands()
                              .put(BC_INCREFS_DONE, binder_ptr_cookie{.ptr = 0x30, .cookie = 0x31})
                              .put(BC_ACQUIRE_DONE, binder_ptr_cookie{.ptr = 0x30, .cookie = 0x31}))
                .error,
            0);
  // Another one goes to it, and is not told to the client before the call is over; meanwhile the
  // first is given back.
  Payload other(std::string(8192, 'x'));
  other.add(binder_object(0x40, 0x41));
  client.start(1, Commands().put(BC_TRANSACTION, other.call(0, 2, TF_ONE_WAY)), true);
  server.write(1, Commands().put(BC_FREE_BUFFER, data.data.ptr.buffer));
  ASSERT_TRUE(cluster.deliver_one(2, 1));
  EXPECT_FALSE(readable());
  // There is no room for the call: its node is given back before the client hears of the failure.
  ASSERT_TRUE(cluster.deliver_one(1, 2));
  ASSERT_TRUE(cluster.deliver_one(2, 1));
  ASSERT_TRUE(client.blocked(1));
  EXPECT_TRUE(readable());
  cluster.settle();
  EXPECT_NE(client.outcome(1).find(BR_FAILED_REPLY), nullptr);
}

// A program with a thread that has a reply to read and does not wait for it.
bool readable_with_a_reply(std::size_t threads, bool looper) {
  Cluster cluster;
  Program server(cluster.host(1), 100);
  server.greet(1);
  EXPECT_EQ(server.become_manager(), 0);
  Program client(cluster.host(1), 200);
  for (std::uint32_t tid = 1; tid <= threads; ++tid) client.greet(tid);
  if (looper) client.enter_looper(1);
  client.write(1, Commands().put(BC_TRANSACTION, Payload("x").call(0, 1)));
  EXPECT_NE(server.read(1).find(BR_TRANSACTION), nullptr);
  server.write(1, Commands().put(BC_REPLY, Payload("y").call(0, 0)));
  return cluster.host(1).readable[client.id().value()];
}

TEST(Readiness, AThreadsOwnWorkShowsIfItIsALooperOrTheOnlyThread) {
  EXPECT_TRUE(readable_with_a_reply(1, false));
  EXPECT_TRUE(readable_with_a_reply(2, true));
  EXPECT_FALSE(readable_with_a_reply(2, false));
}

TEST(Loopers, AreAskedForOneAtATimeUntilThereAreAsManyAsWanted) {
  Cluster cluster;
  Program server(cluster.host(1), 100);
  server.greet(1);
  ASSERT_EQ(server.become_manager(), 0);
  std::uint32_t max_threads = 2;
  ASSERT_EQ(server.control(1, BINDER_SET_MAX_THREADS, &max_threads), 0);
  Program client(cluster.host(1), 200);
  const auto served_by = [&](std::uint32_t tid) {
    client.greet(tid);
    client.start(tid, Commands().put(BC_TRANSACTION, Payload("x").call(0, 1)), true);
    return server.read(tid).names();
  };
  const std::vector<std::string> asked{"BR_SPAWN_LOOPER", "BR_TRANSACTION"};
  const std::vector<std::string> not_asked{"BR_TRANSACTION"};
  server.enter_looper(1);
  EXPECT_EQ(served_by(1), asked);
  server.enter_looper(2);  // not the one that was asked for
  EXPECT_EQ(served_by(2), not_asked);
  for (const std::uint32_t tid : {3U, 4U}) {
    server.greet(tid);
    server.write(tid, Commands().put(BC_REGISTER_LOOPER));
    EXPECT_EQ(served_by(tid), tid == 3 ? asked : not_asked);
  }
}

}  // namespace
}  // namespace netbinder::testing
