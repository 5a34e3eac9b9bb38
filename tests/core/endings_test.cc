// SPDX-License-Identifier: Apache-2.0
//
// A conversation that ends after each of its steps: a process is closed, a thread leaves, or the
// connection between the hosts is lost. The remaining side reads exactly the failure that fits, and
// nothing is left.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

enum class Ending {
  kServerCloses,
  kClientCloses,
  kServerThreadLeaves,
  kClientThreadLeaves,
  kDisconnected
};

struct Case {
  std::size_t server_host;
  Ending ending;
};

class Endings : public ::testing::TestWithParam<Case> {
 protected:
  // One side of the conversation: a program with one thread, and what that thread has read.
  struct Side {
    Program program;
    Cluster& cluster;
    std::vector<std::string> heard = {};
    binder_transaction_data got = {};  // the last call or reply

    Side(Cluster& of, std::size_t host, std::int32_t pid)
        : program(of.host(host), pid), cluster(of) {}
    void exchange(const Commands& commands = {}) {
      program.start(1, commands, true, true);
      cluster.settle();
      const Outcome outcome = program.outcome(1);
      for (const Returned& returned : outcome.read) {
        if (returned.command != BR_NOOP) heard.push_back(command_name(returned.command));
        if (returned.command == BR_TRANSACTION || returned.command == BR_REPLY) {
          got = returned.as<binder_transaction_data>();
        }
      }
    }
    // Reads until there is nothing more, answering what calls come.
    void read_all() {
      for (int i = 0; i < 12; ++i) {
        const auto calls = times("BR_TRANSACTION");
        exchange();
        if (times("BR_TRANSACTION") > calls && (got.flags & TF_ONE_WAY) == 0) {
          exchange(Commands().put(BC_REPLY, Payload().call(0, 0)));
        }
      }
    }
    [[nodiscard]] long times(const std::string& name) const {
      return std::count(heard.begin(), heard.end(), name);
    }
    [[nodiscard]] std::uint32_t handle() {
      flat_binder_object object;
      std::memcpy(&object, program.at(got.data.ptr.buffer), sizeof object);
      return object.handle;
    }
  };

  static constexpr int kSteps = 10;
  static constexpr int kAnswered = 6;

  void run_step(Side& client, Side& server, int step) {
    Payload object;
    switch (step) {
      case 0:
        object.add(binder_object(0x30, 0x31));
        return client.exchange(Commands().put(BC_TRANSACTION, object.call(0, 1)));
      case 1:
        server.exchange();
        back_ = server.handle();
        return server.exchange(Commands().put(BC_ACQUIRE, back_));
      case 2:
        return server.exchange(Commands().put(BC_TRANSACTION, Payload("back").call(back_, 2)));
      case 3:
        return client.exchange();
      case 4:
        return client.exchange(Commands().put(BC_REPLY, Payload("inner").call(0, 0)));
      case 5:
        return server.exchange();
      case kAnswered:
        object.add(binder_object(0x40, 0x41));
        return server.exchange(Commands().put(BC_REPLY, object.call(0, 0)));
      case 7:
        client.exchange();
        handle_ = client.handle();
        return client.exchange(Commands()
                                   .put(BC_ACQUIRE, handle_)
                                   .put(BC_REQUEST_DEATH_NOTIFICATION,
                                        binder_handle_cookie{.handle = handle_, .cookie = 7}));
      case 8:
        return client.exchange(Commands()
                                   .put(BC_TRANSACTION, Payload("a").call(handle_, 3, TF_ONE_WAY))
                                   .put(BC_TRANSACTION, Payload("b").call(handle_, 4, TF_ONE_WAY)));
      default:
        return server.exchange();
    }
  }

  static void end(Cluster& cluster, Side& client, Side& server) {
    switch (GetParam().ending) {
      case Ending::kServerCloses:
        server.program.close();
        break;
      case Ending::kClientCloses:
        client.program.close();
        break;
      case Ending::kServerThreadLeaves:
        EXPECT_EQ(server.program.control(1, BINDER_THREAD_EXIT, nullptr), 0);
        break;
      case Ending::kClientThreadLeaves:
        EXPECT_EQ(client.program.control(1, BINDER_THREAD_EXIT, nullptr), 0);
        break;
      case Ending::kDisconnected:
        cluster.disconnect(1, GetParam().server_host);
        break;
    }
    cluster.settle();
  }

  std::uint32_t back_ = 0;
  std::uint32_t handle_ = 0;
};

TEST_P(Endings, AfterEveryStepTheOtherHearsWhatFitsAndNothingIsLeft) {
  const Ending ending = GetParam().ending;
  for (int last = 0; last < kSteps; ++last) {
    SCOPED_TRACE("after step " + std::to_string(last));
    Cluster cluster(GetParam().server_host);
    Side client(cluster, 1, 100);
    Side server(cluster, GetParam().server_host, 200);
    server.program.greet(1);
    flat_binder_object object{};
    server.program.host().driver.control(server.program.id(), ThreadId{1},
                                         BINDER_SET_CONTEXT_MGR_EXT,
                                         {reinterpret_cast<std::byte*>(&object), sizeof object});
    cluster.settle();
    ASSERT_EQ(server.program.outcome(1).error, 0);
    server.exchange(Commands().put(BC_ENTER_LOOPER));
    client.program.greet(1);
    for (int step = 0; step <= last; ++step) run_step(client, server, step);
    ASSERT_EQ(client.times("BR_FAILED_REPLY") + server.times("BR_FAILED_REPLY"), 0);
    end(cluster, client, server);

    const bool server_stays =
        ending == Ending::kClientCloses || ending == Ending::kClientThreadLeaves;
    if (!server_stays || ending == Ending::kDisconnected) {
      // It handles the call back first.
      if (last == 3) client.exchange(Commands().put(BC_REPLY, Payload().call(0, 0)));
      client.read_all();
      // Work that no thread has read is left for the next one.
      const bool unread = ending == Ending::kServerThreadLeaves && last == 0;
      EXPECT_EQ(client.times("BR_DEAD_REPLY"), last < kAnswered && !unread ? 1 : 0);
      EXPECT_EQ(client.times("BR_REPLY"), last < kAnswered ? 0 : 1);
      const bool is_dead = ending != Ending::kServerThreadLeaves;
      EXPECT_EQ(client.times("BR_DEAD_BINDER"), is_dead && last >= 7 ? 1 : 0);
    }
    if (server_stays || ending == Ending::kDisconnected) {
      server.read_all();
      const bool in_call_back = last == 2 || last == 3;
      EXPECT_EQ(server.times("BR_DEAD_REPLY"), in_call_back ? 1 : 0);
      EXPECT_EQ(server.times("BR_REPLY"), last >= 4 ? 1 : 0);
    }
    client.program.close();
    server.program.close();
    cluster.settle();
    for (std::size_t number = 1; number <= GetParam().server_host; ++number) {
      const Driver::Counts counts = cluster.host(number).driver.counts();
      EXPECT_EQ(counts.processes, 0U);
      EXPECT_EQ(counts.nodes, 0U) << "host " << number;
      EXPECT_EQ(counts.refs, 0U) << "host " << number;
      EXPECT_EQ(counts.transactions, 0U) << "host " << number;
      EXPECT_EQ(counts.deaths, 0U) << "host " << number;
    }
  }
}

// The client calls the manager with an object, and the manager reads the call: its handle of the
// object.
void call_manager_with(const flat_binder_object& own, Cluster& cluster, Program& client,
                       Program& manager, flat_binder_object& handle) {
  Payload object;
  object.add(own);
  client.start(1, Commands().put(BC_TRANSACTION, object.call(0, 1)), true);
  cluster.settle();
  const Outcome called = manager.read(1);
  ASSERT_NE(called.find(BR_TRANSACTION), nullptr);
  const auto data = called.find(BR_TRANSACTION)->as<binder_transaction_data>();
  std::memcpy(&handle, manager.at(data.data.ptr.buffer), sizeof handle);
}

// libbinder's waitForResponse takes the first error after BC_REPLY for the reply's own end.
TEST(LostInACallBack, TheCompletionOfTheReplyComesBeforeTheEndOfTheCall) {
  Cluster cluster(2);
  Program client(cluster.host(1), 100);
  Program server(cluster.host(2), 200);
  client.greet(1);
  server.greet(1);
  flat_binder_object manager{};
  cluster.host(2).driver.control(server.id(), ThreadId{1}, BINDER_SET_CONTEXT_MGR_EXT,
                                 {reinterpret_cast<std::byte*>(&manager), sizeof manager});
  cluster.settle();
  ASSERT_EQ(server.outcome(1).error, 0);
  flat_binder_object handle{};
  ASSERT_NO_FATAL_FAILURE(
      call_manager_with(binder_object(0x30, 0x31), cluster, client, server, handle));
  server.start(1, Commands().put(BC_TRANSACTION, Payload().call(handle.handle, 2)), true);
  cluster.settle();
  ASSERT_NE(client.outcome(1).find(BR_TRANSACTION), nullptr);

  cluster.disconnect(1, 2);
  EXPECT_EQ(client.read(1, Commands().put(BC_REPLY, Payload().call(0, 0))).names(),
            (std::vector<std::string>{"BR_TRANSACTION_COMPLETE", "BR_DEAD_REPLY"}));
}

// The client calls the manager, which calls it back with a descriptor. That is being installed
// then.
void call_back_with_a_file(Cluster& cluster, Program& client, Program& server) {
  flat_binder_object own = binder_object(0x30, 0x31);
  own.flags = FLAT_BINDER_FLAG_ACCEPTS_FDS;
  flat_binder_object handle{};
  ASSERT_NO_FATAL_FAILURE(call_manager_with(own, cluster, client, server, handle));
  Payload file;
  flat_binder_object descriptor{};
  descriptor.hdr.type = BINDER_TYPE_FD;
  descriptor.handle = 7;
  file.add(descriptor);
  server.start(1, Commands().put(BC_TRANSACTION, file.call(handle.handle, 2)), true);
  cluster.settle();
  ASSERT_EQ(cluster.host(1).installing.size(), 1U);
}

// The same while the descriptors of the call back are being installed: it is read first, whatever
// comes.
TEST(LostInACallBack, WhoseDescriptorsAreBeingInstalled) {
  Cluster cluster(2);
  Program client(cluster.host(1), 100);
  Program server(cluster.host(2), 200);
  client.greet(1);
  server.greet(1);
  ASSERT_EQ(
      [&] {
        flat_binder_object manager{};
        cluster.host(2).driver.control(server.id(), ThreadId{1}, BINDER_SET_CONTEXT_MGR_EXT,
                                       {reinterpret_cast<std::byte*>(&manager), sizeof manager});
        cluster.settle();
        return server.outcome(1).error;
      }(),
      0);
  ASSERT_NO_FATAL_FAILURE(call_back_with_a_file(cluster, client, server));

  cluster.disconnect(1, 2);
  const std::array<int, 1> fds{9};
  cluster.host(1).driver.files_installed(client.id(), ThreadId{1}, fds);
  ASSERT_NE(client.outcome(1).find(BR_TRANSACTION), nullptr);
  EXPECT_EQ(client.read(1, Commands().put(BC_REPLY, Payload().call(0, 0))).names(),
            (std::vector<std::string>{"BR_TRANSACTION_COMPLETE", "BR_DEAD_REPLY"}));
}

// The caller dies meanwhile, and then the process itself: its own call fails with the call back.
TEST(LostInACallBack, WhoseDescriptorsAreBeingInstalledWhenBothEnd) {
  Cluster cluster(1);
  Program client(cluster.host(1), 100);
  Program server(cluster.host(1), 200);
  client.greet(1);
  server.greet(1);
  ASSERT_EQ(server.become_manager(), 0);
  ASSERT_NO_FATAL_FAILURE(call_back_with_a_file(cluster, client, server));

  server.close();
  client.close();
  cluster.settle();
  EXPECT_EQ(cluster.host(1).driver.counts().transactions, 0U);
}

// A calls B, B calls A back, and A calls C on another host, which calls B back, and B it. Then A
// dies, and C: the end of A's call is B's business only when B is done with C's call.
TEST(LostInACallBack, TheEndOfACallWhoseCallerHasDiedWaitsForTheOneBefore) {
  Cluster cluster(2);
  Program a(cluster.host(1), 100);
  Program b(cluster.host(1), 200);
  Program c(cluster.host(2), 300);
  for (Program* each : {&a, &b, &c}) each->greet(1);
  ASSERT_EQ(b.become_manager(), 0);
  cluster.settle();
  const auto calls = [&cluster](Program& program, std::uint32_t handle, const Payload& payload) {
    program.start(1, Commands().put(BC_TRANSACTION, payload.call(handle, 1)), true);
    cluster.settle();
  };
  // The payload of the call that the program's thread has read, or reads now.
  const auto called = [&cluster](Program& program, bool reading) {
    if (!reading) program.start(1, {}, true);
    cluster.settle();
    const Outcome outcome = program.outcome(1);
    const Returned* call = outcome.find(BR_TRANSACTION);
    EXPECT_NE(call, nullptr);
    flat_binder_object object{};
    if (call == nullptr) return object.handle;
    const auto data = call->as<binder_transaction_data>();
    if (data.offsets_size > 0) {
      std::memcpy(&object, program.at(data.data.ptr.buffer), sizeof object);
    }
    return object.handle;
  };
  Payload of_c;
  of_c.add(binder_object(0x30, 0x31));
  c.start(1, Commands().put(BC_TRANSACTION, of_c.call(0, 1, TF_ONE_WAY)), true);
  cluster.settle();
  (void)c.outcome(1);
  const std::uint32_t c_in_b = called(b, false);
  Payload of_a;
  of_a.add(binder_object(0x40, 0x41));
  calls(a, 0, of_a);
  const std::uint32_t a_in_b = called(b, false);
  Payload to_a;
  to_a.add(handle_object(c_in_b));
  calls(b, a_in_b, to_a);
  const std::uint32_t c_in_a = called(a, true);
  calls(a, c_in_a, Payload("to c"));
  (void)called(c, false);
  calls(c, 0, Payload("to b"));
  (void)called(b, true);
  calls(b, c_in_b, Payload("to c again"));
  (void)called(c, true);
  ASSERT_TRUE(b.blocked(1));

  a.close();
  c.close();
  cluster.settle();
  EXPECT_EQ(b.outcome(1).names(),
            (std::vector<std::string>{"BR_TRANSACTION_COMPLETE", "BR_DEAD_REPLY"}));
  const Commands reply = Commands().put(BC_REPLY, Payload().call(0, 0));
  EXPECT_EQ(b.read(1, reply).names(), (std::vector<std::string>{"BR_TRANSACTION_COMPLETE"}));
  cluster.settle();
  EXPECT_EQ(b.read(1).names(), (std::vector<std::string>{"BR_DEAD_REPLY"}));
  EXPECT_EQ(b.read(1, reply).names(), (std::vector<std::string>{"BR_TRANSACTION_COMPLETE"}));
  b.close();
  cluster.settle();
  for (const std::size_t host : {1, 2}) {
    EXPECT_EQ(cluster.host(host).driver.counts().transactions, 0U) << host;
  }
}

// The refusal of a call is for the calling thread. If that is gone by the time another host's
// refusal arrives, the thread that waits for it reads what it would have read on a single host,
// where the refusal comes first: a death.
TEST(Endings, ARefusalThatFindsItsCallerGoneIsADeathToWhoWaitsForTheCaller) {
  Cluster cluster(2);
  Program client(cluster.host(1), 100);
  Program middle(cluster.host(1), 200);
  Program far(cluster.host(2), 300);
  Program freezer(cluster.host(2), 400);
  client.greet(1);
  middle.enter_looper(1);
  far.greet(1);
  freezer.greet(1);
  ASSERT_EQ(middle.become_manager(), 0);
  cluster.settle();
  Payload object;
  object.add(binder_object(0x30, 0x31));
  far.start(1, Commands().put(BC_TRANSACTION, object.call(0, 1, TF_ONE_WAY)), true);
  cluster.settle();
  const auto given = middle.read(1).find(BR_TRANSACTION)->as<binder_transaction_data>();
  flat_binder_object handle;
  std::memcpy(&handle, middle.at(given.data.ptr.buffer), sizeof handle);
  binder_freeze_info freeze{.pid = 300, .enable = 1, .timeout_ms = 0};
  EXPECT_EQ(freezer.control(1, BINDER_FREEZE, &freeze), 0);

  client.start(1, Commands().put(BC_TRANSACTION, Payload("outer").call(0, 2)), true);
  ASSERT_NE(middle.read(1).find(BR_TRANSACTION), nullptr);
  middle.start(1, Commands().put(BC_TRANSACTION, Payload("inner").call(handle.handle, 3)), true);
  ASSERT_TRUE(cluster.deliver_one(1, 2));
  middle.close();
  EXPECT_TRUE(client.blocked(1)) << "the call that was made for it has not ended";
  cluster.settle();
  EXPECT_EQ(client.outcome(1).names(),
            (std::vector<std::string>{"BR_TRANSACTION_COMPLETE", "BR_DEAD_REPLY"}));
}

INSTANTIATE_TEST_SUITE_P(
    All, Endings,
    ::testing::Values(Case{1, Ending::kServerCloses}, Case{1, Ending::kClientCloses},
                      Case{1, Ending::kServerThreadLeaves}, Case{1, Ending::kClientThreadLeaves},
                      Case{2, Ending::kServerCloses}, Case{2, Ending::kClientCloses},
                      Case{2, Ending::kServerThreadLeaves}, Case{2, Ending::kClientThreadLeaves},
                      Case{2, Ending::kDisconnected}));

}  // namespace
}  // namespace netbinder::testing
