// SPDX-License-Identifier: Apache-2.0
//
// The ends of buffers, whoever ends them: the next oneway call of the node runs, and the references
// that a buffer held are given back to their origin, once.
#include <gmock/gmock.h>

#include <cerrno>

#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint64_t kManagersNode = 0;  // the manager's, by its ptr

Payload with_file(std::uint32_t fd) {
  Payload payload("text");
  binder_fd_object object{};
  object.hdr.type = BINDER_TYPE_FD;
  object.fd = fd;
  payload.add(object);
  return payload;
}

// A manager that accepts descriptors, and clients; on one host, or the clients on another.
class BufferEnds : public ::testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override {
    flat_binder_object object{};
    object.flags = FLAT_BINDER_FLAG_ACCEPTS_FDS;
    server_.greet(1);
    ASSERT_EQ(server_.control(1, BINDER_SET_CONTEXT_MGR_EXT, &object), 0);
    cluster_.settle();
    server_.enter_looper(1);
    client_.greet(1);
  }

  void send_oneway(std::uint32_t code, const Payload& payload = Payload("plain")) {
    client_.start(1, Commands().put(BC_TRANSACTION, payload.call(0, code, TF_ONE_WAY)), true);
    cluster_.settle();
    ASSERT_THAT(client_.outcome(1).names(), ElementsAre("BR_TRANSACTION_COMPLETE"));
  }
  // The code of the oneway call that the server reads now, whose buffer it frees; 0: none came.
  std::uint32_t read_code() {
    const Outcome outcome = server_.read_now(1);
    const Returned* call = outcome.find(BR_TRANSACTION);
    if (call == nullptr) return 0;
    const auto data = call->as<binder_transaction_data>();
    EXPECT_EQ(data.target.ptr, kManagersNode);
    free(data);
    return data.code;
  }
  void free(const binder_transaction_data& data) {
    server_.write(1, Commands().put(BC_FREE_BUFFER, binder_uintptr_t{data.data.ptr.buffer}));
  }
  void answer_install(std::expected<std::span<const int>, int> fds) {
    server_.host().driver.files_installed(server_.id(), ThreadId{1}, fds);
    cluster_.settle();
  }

  Cluster cluster_{GetParam()};
  Program server_{cluster_.host(1), 100};
  Program client_{cluster_.host(GetParam()), 200};
};
INSTANTIATE_TEST_SUITE_P(Hosts, BufferEnds, ::testing::Values(1, 2));

TEST_P(BufferEnds, AOnewayCallWhoseFilesCannotBeInstalledLetsTheNextOneRun) {
  send_oneway(1, with_file(7));
  send_oneway(2);
  send_oneway(3);
  server_.start(1, {}, true);
  ASSERT_TRUE(server_.blocked(1));  // in the installing of descriptors
  answer_install(std::unexpected(-EMFILE));
  // The read goes on with the next call at once.
  const Outcome outcome = server_.outcome(1);
  const Returned* call = outcome.find(BR_TRANSACTION);
  ASSERT_NE(call, nullptr);
  const auto data = call->as<binder_transaction_data>();
  EXPECT_EQ(data.code, 2U);
  free(data);
  EXPECT_EQ(read_code(), 3U);
  send_oneway(4);
  EXPECT_EQ(read_code(), 4U);
  EXPECT_EQ(server_.host().driver.counts().buffers, 0U);
}

TEST_P(BufferEnds, OneAfterTheOtherCanFailToBeInstalled) {
  for (std::uint32_t code = 1; code <= 3; ++code) send_oneway(code, with_file(7));
  server_.start(1, {}, true);
  for (int i = 0; i < 3; ++i) answer_install(std::unexpected(-EMFILE));
  EXPECT_TRUE(server_.blocked(1));
  EXPECT_EQ(server_.host().driver.counts().buffers, 0U);
  send_oneway(4);
  const Outcome outcome = server_.outcome(1);
  ASSERT_NE(outcome.find(BR_TRANSACTION), nullptr);
  EXPECT_EQ(outcome.find(BR_TRANSACTION)->as<binder_transaction_data>().code, 4U);
}

TEST_P(BufferEnds, AFreedBufferPassesTheTurnOnOnce) {
  send_oneway(1);
  send_oneway(2);
  send_oneway(3);
  const Outcome first = server_.read_now(1);
  const auto data = first.find(BR_TRANSACTION)->as<binder_transaction_data>();
  EXPECT_EQ(data.code, 1U);
  EXPECT_THAT(server_.read_now(1).names(), IsEmpty());  // the others wait for the first buffer
  free(data);
  free(data);  // it is nobody's any more
  EXPECT_EQ(read_code(), 2U);
  EXPECT_EQ(read_code(), 3U);
  EXPECT_EQ(read_code(), 0U);
}

// The descriptors of an array are closed by the program that frees its buffer, and by no other.
TEST(BufferEndsOfArrays, AreToldToTheThreadThatFreesThem) {
  Cluster cluster(2);
  Program server(cluster.host(1), 100);
  Program client(cluster.host(1), 200);
  Program bystander(cluster.host(1), 300);
  Program far(cluster.host(2), 400);
  flat_binder_object object{};
  object.flags = FLAT_BINDER_FLAG_ACCEPTS_FDS;
  server.greet(1);
  ASSERT_EQ(server.control(1, BINDER_SET_CONTEXT_MGR_EXT, &object), 0);
  cluster.settle();
  client.greet(1);
  bystander.greet(1);
  far.greet(1);

  // The server has a handle for a node of the other host.
  Payload introduction("hello");
  introduction.add(binder_object(0x10, 0x20));
  far.start(1, Commands().put(BC_TRANSACTION, introduction.call(0, 1, TF_ONE_WAY)), true);
  cluster.settle();
  const Outcome introduced = server.read_now(1);
  const auto told = introduced.find(BR_TRANSACTION)->as<binder_transaction_data>();
  flat_binder_object far_node{};
  std::memcpy(&far_node, server.at(told.data.ptr.buffer + introduction.offsets[0]),
              sizeof far_node);
  server.write(1, Commands()
                      .put(BC_ACQUIRE, std::uint32_t{far_node.handle})
                      .put(BC_FREE_BUFFER, binder_uintptr_t{told.data.ptr.buffer}));
  cluster.settle();

  std::vector<std::uint32_t> numbers{7, 8};
  Payload payload("text");
  binder_buffer_object buffer{};
  buffer.hdr.type = BINDER_TYPE_PTR;
  buffer.buffer = reinterpret_cast<binder_uintptr_t>(numbers.data());
  buffer.length = numbers.size() * sizeof(std::uint32_t);
  binder_fd_array_object array{};
  array.hdr.type = BINDER_TYPE_FDA;
  array.num_fds = 2;
  payload.add(buffer);
  payload.add(array);
  binder_transaction_data_sg call{};
  call.transaction_data = payload.call(0, 2, TF_ONE_WAY);
  call.buffers_size = 8;
  const std::vector<int> installed{41, 42};
  const auto receive = [&] {
    client.start(1, Commands().put(BC_TRANSACTION_SG, call), true);
    EXPECT_THAT(client.outcome(1).names(), ElementsAre("BR_TRANSACTION_COMPLETE"));
    server.start(1, {}, true);
    server.host().driver.files_installed(server.id(), ThreadId{1}, std::span(installed));
    const Outcome read = server.outcome(1);
    return read.find(BR_TRANSACTION)->as<binder_transaction_data>();
  };
  const auto data = receive();

  // The server frees the buffer, and its ioctl goes on to wait for another host. Ioctls of others
  // end in the meantime.
  server.start(1,
               Commands()
                   .put(BC_FREE_BUFFER, binder_uintptr_t{data.data.ptr.buffer})
                   .put(BC_TRANSACTION, Payload("on").call(far_node.handle, 3, TF_ONE_WAY)),
               false);
  ASSERT_TRUE(server.blocked(1));
  bystander.start(1, {}, true, true);
  EXPECT_THAT(bystander.outcome(1).close_fds, IsEmpty());
  cluster.settle();
  EXPECT_THAT(server.outcome(1).close_fds, ElementsAre(41, 42));
  EXPECT_THAT(server.read_now(1).names(), ElementsAre("BR_TRANSACTION_COMPLETE"));

  // A read in the same ioctl does not wait: until its end they are open.
  const auto again = receive();
  server.start(1, Commands().put(BC_FREE_BUFFER, binder_uintptr_t{again.data.ptr.buffer}), true);
  ASSERT_FALSE(server.blocked(1));
  const Outcome freed = server.outcome(1);
  EXPECT_THAT(freed.close_fds, ElementsAre(41, 42));
  EXPECT_THAT(freed.names(), IsEmpty());
  server.start(1, {}, true);
  EXPECT_TRUE(server.blocked(1)) << "but the next one does";
}

// A host that is alone does all that needs no other.
TEST(LoneHost, ServesItsPrograms) {
  class Silent final : public Effects {
   public:
    int read_memory(ProcessId, ThreadId, std::uint64_t address,
                    std::span<std::byte> into) override {
      std::memcpy(into.data(), reinterpret_cast<const void*>(address), into.size());
      return 0;
    }
    std::expected<FileToken, int> take_file(ProcessId, ThreadId, int) override {
      return std::unexpected(-EBADF);
    }
    void drop_file(FileToken) override {}
    void install_files(ProcessId, ThreadId, std::span<const FileToken>) override {}
    std::expected<FileNumber, FileRefusal> export_file(HostId, FileToken) override {
      ADD_FAILURE() << "there is no other host";
      return std::unexpected(FileRefusal{});
    }
    void withdraw_file(HostId, FileNumber) override { ADD_FAILURE(); }
    std::expected<FileToken, int> import_file(HostId, FileNumber) override {
      ADD_FAILURE();
      return std::unexpected(-ENOENT);
    }
    void ioctl_done(ProcessId, ThreadId, const IoctlResult& result) override { last = result; }
    std::optional<PostedRead> take_posted_read(ProcessId, ThreadId) override {
      return std::nullopt;
    }
    void readiness_changed(ProcessId, bool) override {}
    netbinder::Payload new_payload(HostId, std::uint64_t) override {
      ADD_FAILURE();
      return {};
    }
    void send(HostId, PeerMessage, netbinder::Payload) override { ADD_FAILURE(); }
    void give_up_peer(HostId, std::string_view) override { ADD_FAILURE(); }
    void set_timer(std::uint64_t) override {}
    IoctlResult last;
  } effects;
  DriverSetup setup;
  setup.reach = Reach::kThisHost;
  setup.contexts = {{.name = "binder", .cluster_wide = true}};
  Driver driver(setup, effects);
  std::vector<std::byte> arenas[2] = {std::vector<std::byte>(4096), std::vector<std::byte>(4096)};
  ProcessId ids[2];
  for (std::size_t i = 0; i < 2; ++i) {
    ids[i] = *driver.open(
        "binder",
        {.pid = 10 + static_cast<std::int32_t>(i), .euid = 1, .security_context = "u", .nice = 0});
    ASSERT_EQ(
        driver.map_arena(ids[i], reinterpret_cast<std::uint64_t>(arenas[i].data()), arenas[i]), 0);
  }
  std::vector<std::byte> zero(sizeof(std::int32_t));
  driver.control(ids[0], ThreadId{1}, BINDER_SET_CONTEXT_MGR, zero);
  EXPECT_EQ(effects.last.error, 0);
  EXPECT_EQ(driver.contexts().at(0).manager, "pid 10");
  const Payload payload("text");
  const Commands commands = Commands().put(BC_TRANSACTION, payload.call(0, 5, TF_ONE_WAY));
  std::vector<std::byte> read(256);
  driver.write_read(ids[1], ThreadId{1},
                    {.commands = commands.bytes(), .reads = true, .read_buffer = read});
  EXPECT_EQ(effects.last.error, 0);
  driver.write_read(ids[0], ThreadId{1},
                    {.commands = {}, .reads = true, .nonblocking = true, .read_buffer = read});
  EXPECT_EQ(effects.last.error, 0);
  EXPECT_GT(effects.last.read_consumed, sizeof(binder_transaction_data));
  EXPECT_TRUE(driver.ledgers().empty());
  driver.check_invariants();
  driver.close(ids[0]);
  EXPECT_EQ(driver.counts().nodes, 0U);
}

}  // namespace
}  // namespace netbinder::testing
