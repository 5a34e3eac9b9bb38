// SPDX-License-Identifier: Apache-2.0
//
// Descriptors in calls and replies to another host: those the core offers, takes, and gives back.
#include <gmock/gmock.h>

#include <cerrno>

#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

binder_fd_object file_object(std::uint32_t fd) {
  binder_fd_object object{};
  object.hdr.type = BINDER_TYPE_FD;
  object.fd = fd;
  return object;
}

// A manager on host 1 that accepts descriptors, and a client on host 2.
class FilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    flat_binder_object object{};
    object.flags = accepts_ ? FLAT_BINDER_FLAG_ACCEPTS_FDS : 0;
    server_.greet(1);
    ASSERT_EQ(server_.control(1, BINDER_SET_CONTEXT_MGR_EXT, &object), 0);
    cluster_.settle();
    server_.enter_looper(1);
    client_.greet(1);
  }
  void TearDown() override {
    cluster_.settle();
    EXPECT_THAT(home().offered, IsEmpty());
    EXPECT_THAT(there().offered, IsEmpty());
  }

  Host& there() { return cluster_.host(1); }
  Host& home() { return cluster_.host(2); }

  // A oneway call's outcome at the caller.
  std::vector<std::string> sent(const Payload& payload, std::uint64_t extra = 0) {
    binder_transaction_data_sg call{};
    call.transaction_data = payload.call(0, 1, TF_ONE_WAY);
    call.buffers_size = extra;
    client_.start(1, Commands().put(BC_TRANSACTION_SG, call), true);
    cluster_.settle();
    return client_.outcome(1).names();
  }
  int error() {
    binder_extended_error error{};
    EXPECT_EQ(client_.control(1, BINDER_GET_EXTENDED_ERROR, &error), 0);
    return error.param;
  }
  // The server reads a call whose descriptors become these numbers.
  binder_transaction_data received(std::vector<int> numbers) {
    server_.start(1, {}, true);
    EXPECT_TRUE(server_.blocked(1));
    there().driver.files_installed(server_.id(), ThreadId{1}, std::span<const int>(numbers));
    const Outcome outcome = server_.outcome(1);
    const Returned* call = outcome.find(BR_TRANSACTION);
    EXPECT_NE(call, nullptr);
    return call == nullptr ? binder_transaction_data{} : call->as<binder_transaction_data>();
  }
  template <typename T>
  T load(std::uint64_t address) {
    T value;
    std::memcpy(&value, server_.at(address), sizeof value);
    return value;
  }
  std::string last_reason(Host& host) {
    const auto entries = host.driver.failed_log().entries();
    return entries.empty() || entries.back().reason == nullptr ? "" : entries.back().reason;
  }

  bool accepts_ = true;
  Cluster cluster_{2};
  Program server_{cluster_.host(1), 100};
  Program client_{cluster_.host(2), 200};
};

class UnacceptedFilesTest : public FilesTest {
 protected:
  UnacceptedFilesTest() { accepts_ = false; }
};

TEST_F(FilesTest, ADescriptorIsOfferedTakenAndInstalled) {
  Payload payload("text");
  payload.add(file_object(7));
  payload.add(file_object(8));
  EXPECT_THAT(sent(payload), ElementsAre("BR_TRANSACTION_COMPLETE"));
  const binder_transaction_data data = received({41, 42});
  EXPECT_THAT(there().installing, ElementsAre(501, 502));
  const auto first = load<binder_fd_object>(data.data.ptr.buffer + payload.offsets[0]);
  EXPECT_EQ(first.hdr.type, std::uint32_t{BINDER_TYPE_FD});
  EXPECT_EQ(first.fd, 41U);
  EXPECT_EQ(load<binder_fd_object>(data.data.ptr.buffer + payload.offsets[1]).fd, 42U);
  EXPECT_EQ(home().dropped_files + there().dropped_files, 0U);
}

TEST_F(FilesTest, AnArrayArrivesInItsBufferAndIsClosedWithIt) {
  std::vector<std::uint32_t> numbers{1, 7, 8, 9};
  Payload payload("text");
  binder_buffer_object buffer{};
  buffer.hdr.type = BINDER_TYPE_PTR;
  buffer.buffer = reinterpret_cast<binder_uintptr_t>(numbers.data());
  buffer.length = numbers.size() * sizeof(std::uint32_t);
  binder_fd_array_object array{};
  array.hdr.type = BINDER_TYPE_FDA;
  array.num_fds = 2;
  array.parent_offset = 4;
  binder_fd_array_object none = array;
  none.num_fds = 0;
  none.parent_offset = 12;
  payload.add(buffer);
  payload.add(array);
  payload.add(none);
  EXPECT_THAT(sent(payload, 16), ElementsAre("BR_TRANSACTION_COMPLETE"));
  const binder_transaction_data data = received({41, 42});
  const auto pointer = load<binder_buffer_object>(data.data.ptr.buffer + payload.offsets[0]);
  const auto given = load<std::array<std::uint32_t, 4>>(pointer.buffer);
  EXPECT_THAT(given, ElementsAre(1, 41, 42, 9));
  const auto object = load<binder_fd_array_object>(data.data.ptr.buffer + payload.offsets[1]);
  EXPECT_EQ(object.hdr.type, std::uint32_t{BINDER_TYPE_FDA});
  EXPECT_EQ(object.num_fds, 2U);
  EXPECT_EQ(object.parent, 0U);
  EXPECT_EQ(object.parent_offset, 4U);
  const auto empty = load<binder_fd_array_object>(data.data.ptr.buffer + payload.offsets[2]);
  EXPECT_EQ(empty.num_fds, 0U);
}

TEST_F(FilesTest, OneThatIsRefusedTakesTheOthersBack) {
  Payload payload("text");
  payload.add(file_object(7));
  payload.add(file_object(1000));
  EXPECT_THAT(sent(payload), ElementsAre("BR_FAILED_REPLY"));
  EXPECT_EQ(error(), -EPERM);
  EXPECT_EQ(home().withdrawn_files, 1U);
  EXPECT_EQ(last_reason(home()), "a file of the test");
  // And one that fails for another cause.
  Payload bad("text");
  bad.add(file_object(7));
  bad.add(handle_object(77));
  EXPECT_THAT(sent(bad), ElementsAre("BR_FAILED_REPLY"));
  EXPECT_EQ(error(), -EINVAL);
  EXPECT_EQ(home().withdrawn_files, 2U);
  EXPECT_EQ(last_reason(home()), "");
}

TEST_F(FilesTest, MoreThanAMessageTakesAreRefused) {
  std::vector<std::uint32_t> numbers(kMaxFilesOfMessage + 1, 7);
  Payload payload("text");
  binder_buffer_object buffer{};
  buffer.hdr.type = BINDER_TYPE_PTR;
  buffer.buffer = reinterpret_cast<binder_uintptr_t>(numbers.data());
  buffer.length = numbers.size() * sizeof(std::uint32_t);
  binder_fd_array_object array{};
  array.hdr.type = BINDER_TYPE_FDA;
  array.num_fds = numbers.size();
  payload.add(buffer);
  payload.add(array);
  EXPECT_THAT(sent(payload, buffer.length), ElementsAre("BR_FAILED_REPLY"));
  EXPECT_EQ(error(), -EMFILE);
  EXPECT_EQ(last_reason(home()), "too many descriptors");
  EXPECT_EQ(home().withdrawn_files, kMaxFilesOfMessage);
}

TEST_F(FilesTest, OneThatCannotBeHadFailsTheCallAndDropsTheOthers) {
  there().import_error = -EFBIG;
  const std::size_t refs = home().driver.counts().refs;
  Payload payload("text");
  payload.add(binder_object(0x1000, 0x2000));
  payload.add(file_object(7));
  payload.add(file_object(8));
  payload.add(binder_object(0x3000, 0x4000));
  EXPECT_THAT(sent(payload), Contains("BR_FAILED_REPLY"));
  EXPECT_EQ(error(), -EFBIG);
  EXPECT_EQ(home().driver.counts().refs, refs);
  there().import_error = 0;
}

TEST_F(UnacceptedFilesTest, ANodeThatAcceptsNoneFailsTheCall) {
  const std::size_t refs = home().driver.counts().refs;
  Payload payload("text");
  payload.add(binder_object(0x1000, 0x2000));
  payload.add(file_object(7));
  EXPECT_THAT(sent(payload), Contains("BR_FAILED_REPLY"));
  EXPECT_EQ(error(), -EPERM);
  EXPECT_EQ(there().dropped_files, 1U);
  EXPECT_EQ(last_reason(there()), "descriptors are not accepted");
  // The other references that it brought were given back.
  EXPECT_EQ(home().driver.counts().refs, refs);
}

TEST_F(FilesTest, AReplyBringsOneOnlyIfTheCallAcceptsIt) {
  for (const bool accepted : {true, false}) {
    client_.start(
        1, Commands().put(BC_TRANSACTION, Payload("q").call(0, 1, accepted ? TF_ACCEPT_FDS : 0)),
        true);
    cluster_.settle();
    (void)server_.read(1);
    Payload answer;
    answer.add(file_object(7));
    server_.start(1, Commands().put(BC_REPLY, answer.call(0, 0)), true, true);
    cluster_.settle();
    EXPECT_THAT(server_.outcome(1).names(), ElementsAre("BR_TRANSACTION_COMPLETE"));
    if (accepted) {
      EXPECT_TRUE(client_.blocked(1));
      EXPECT_THAT(home().installing, ElementsAre(501));
      const std::vector<int> numbers{41};
      home().driver.files_installed(client_.id(), ThreadId{1}, std::span<const int>(numbers));
      const Outcome outcome = client_.outcome(1);
      EXPECT_NE(outcome.find(BR_REPLY), nullptr);
    } else {
      EXPECT_THAT(client_.outcome(1).names(), Contains("BR_FAILED_REPLY"));
      EXPECT_EQ(error(), -EPERM);
      EXPECT_EQ(last_reason(there()), "descriptors are not accepted");
    }
  }
}

TEST_F(FilesTest, TheReceiverMayDieBeforeItReadsThem) {
  Payload payload;
  payload.add(file_object(7));
  EXPECT_THAT(sent(payload), ElementsAre("BR_TRANSACTION_COMPLETE"));
  server_.close();
  EXPECT_EQ(there().dropped_files, 1U);
}

// ---- hostile peers: what host 2 would not say ----

class HostileFilesTest : public FilesTest {
 protected:
  void arrives(const PeerMessage& message) {
    there().driver.message_arrived(HostId{2}, message);
    there().driver.check_invariants();
    given_up_ = std::exchange(there().given_up, {});
  }
  peer::Call call(std::vector<WireObject> objects) {
    peer::Call made;
    made.call = CallId{1000 + calls_++};
    made.target = manager_;
    made.flags = TF_ONE_WAY;
    made.security_context = "u:r:test:s0@host2";
    made.shape = {.data_size = 128, .offsets_size = objects.size() * 8, .extra_size = 16};
    made.objects = std::move(objects);
    return made;
  }
  void SetUp() override {
    FilesTest::SetUp();
    // The manager's node is the first that host 1 has exported.
    there().offered[{2, 900}] = FileToken{900};  // nothing that host 1 may take
  }
  void TearDown() override {
    there().offered.clear();
    home().offered.clear();
  }
  void offer(std::uint64_t number) { home().offered[{1, number}] = FileToken{number}; }

  NodeNumber manager_{1};
  std::uint64_t calls_ = 0;
  std::vector<std::string> given_up_;
};

TEST_F(HostileFilesTest, ADescriptorThatWasNotOfferedEndsTheSession) {
  arrives(call({{.offset = 0, .content = WireFile{FileNumber{5}}}}));
  EXPECT_THAT(given_up_, ElementsAre("a descriptor that was not offered"));
  offer(6);
  arrives(call({{.offset = 0, .content = WireFile{FileNumber{6}}},
                {.offset = 24, .content = WireFile{FileNumber{6}}}}));
  EXPECT_THAT(given_up_, ElementsAre("a descriptor that was not offered"));
  EXPECT_EQ(there().dropped_files, 1U);
  arrives(peer::FileMessage{});
  EXPECT_THAT(given_up_, ElementsAre("a message about a descriptor that the agent did not take"));
}

TEST_F(HostileFilesTest, AnArrayOutsideItsBufferFails) {
  const WireObject buffer{.offset = 0, .content = WireBuffer{.extra_offset = 4, .length = 8}};
  const auto array = [](std::uint64_t parent, std::uint64_t offset, std::size_t files) {
    std::vector<FileNumber> numbers;
    for (std::size_t i = 0; i < files; ++i) numbers.emplace_back(20 + i);
    return WireObject{.offset = 40,
                      .content = WireFileArray{
                          .parent_index = parent, .parent_offset = offset, .files = numbers}};
  };
  std::size_t dropped = 0;
  for (const WireObject& bad :
       {array(0, 0, 3), array(0, 8, 1), array(0, 4, 2), array(0, UINT64_MAX - 3, 1), array(0, 2, 1),
        array(1, 0, 1), array(9, 0, 1)}) {
    for (std::uint64_t number = 20; number < 23; ++number) offer(number);
    dropped += std::get<WireFileArray>(bad.content).files.size();
    arrives(call({buffer, bad}));
    EXPECT_THAT(given_up_, IsEmpty());
    EXPECT_EQ(there().dropped_files, dropped);
    EXPECT_EQ(there().driver.failed_log().entries().back().failed_error, -EINVAL);
  }
  // The same that is in order.
  for (std::uint64_t number = 20; number < 22; ++number) offer(number);
  arrives(call({buffer, array(0, 0, 2)}));
  const binder_transaction_data data = received({41, 42});
  const auto pointer = load<binder_buffer_object>(data.data.ptr.buffer);
  EXPECT_EQ(load<std::uint32_t>(pointer.buffer + 4), 42U);
}

TEST_F(HostileFilesTest, WhatLiesOutsideTheDataFails) {
  for (const std::uint64_t offset : {105, 2, 1000}) {
    offer(30);
    arrives(call({{.offset = offset, .content = WireFile{FileNumber{30}}}}));
    EXPECT_THAT(given_up_, IsEmpty());
    EXPECT_EQ(there().driver.failed_log().entries().back().failed_error, -EINVAL);
    EXPECT_FALSE(home().offered.contains({1, 30}));
  }
}

}  // namespace
}  // namespace netbinder::testing
