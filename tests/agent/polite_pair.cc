// SPDX-License-Identifier: Apache-2.0
#include "tests/agent/polite_pair.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <thread>

#include "tests/agent/agent_process.h"
#include "tests/agent/classic_request.h"

namespace netbinder::testing {

namespace {

void answer_references(const std::vector<std::byte>& read, Stream& answers) {
  std::span<const std::byte> rest(read);
  while (rest.size() >= 4) {
    std::uint32_t command = 0;
    std::memcpy(&command, rest.data(), sizeof command);
    rest = rest.subspan(4);
    if (rest.size() < _IOC_SIZE(command)) return;
    if (command == BR_INCREFS || command == BR_ACQUIRE) {
      binder_ptr_cookie node{};
      std::memcpy(&node, rest.data(), sizeof node);
      answers.put(command == BR_INCREFS ? BC_INCREFS_DONE : BC_ACQUIRE_DONE, node);
    }
    rest = rest.subspan(_IOC_SIZE(command));
  }
}

}  // namespace

Stream& Stream::put(std::uint32_t command) {
  append(&command, sizeof command);
  return *this;
}

void Stream::append(const void* data, std::size_t size) {
  const auto* begin = static_cast<const std::byte*>(data);
  bytes_.insert(bytes_.end(), begin, begin + size);
}

std::optional<std::vector<std::byte>> find_command(const std::vector<std::byte>& read,
                                                   std::uint32_t wanted) {
  std::span<const std::byte> rest(read);
  while (rest.size() >= 4) {
    std::uint32_t command = 0;
    std::memcpy(&command, rest.data(), sizeof command);
    rest = rest.subspan(4);
    const std::size_t size = _IOC_SIZE(command);
    if (rest.size() < size) return std::nullopt;
    if (command == wanted) return std::vector<std::byte>(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(size));
    rest = rest.subspan(size);
  }
  return std::nullopt;
}

std::vector<std::byte> pattern(std::size_t size, std::uint32_t seed) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::byte>((i * 31 + seed * 17 + i / 256) & 0xff);
  }
  return bytes;
}

Caller::Answer Caller::call(std::uint32_t handle, std::uint32_t code,
                            const std::vector<std::byte>& data,
                            const std::vector<binder_size_t>& offsets) {
  binder_transaction_data request{};
  request.target.handle = handle;
  request.code = code;
  request.data_size = data.size();
  request.offsets_size = offsets.size() * sizeof(binder_size_t);
  request.data.ptr.buffer = reinterpret_cast<binder_uintptr_t>(data.data());
  request.data.ptr.offsets = reinterpret_cast<binder_uintptr_t>(offsets.data());
  Stream commands;
  commands.put(BC_TRANSACTION, request);
  Answer answer;
  for (;;) {
    std::vector<std::byte> read;
    if (channel_.write_read(tid_, commands.bytes(), kRead, &read) != 0) return answer;
    commands = {};
    answer_references(read, commands);
    for (const std::uint32_t failure : {BR_DEAD_REPLY, BR_FAILED_REPLY}) {
      if (find_command(read, failure)) answer.command = failure;
    }
    if (const auto reply = find_command(read, BR_REPLY)) {
      binder_transaction_data received{};
      std::memcpy(&received, reply->data(), sizeof received);
      const auto* bytes = reinterpret_cast<const std::byte*>(received.data.ptr.buffer);
      answer.command = BR_REPLY;
      answer.data.assign(bytes, bytes + received.data_size);
      for (std::size_t i = 0; i < received.offsets_size / sizeof(binder_size_t); ++i) {
        binder_size_t offset = 0;
        std::memcpy(&offset,
                    reinterpret_cast<const std::byte*>(received.data.ptr.offsets) + i * 8, 8);
        flat_binder_object object{};
        std::memcpy(&object, answer.data.data() + offset, sizeof object);
        answer.handles.push_back(object.handle);
        commands.put(BC_ACQUIRE, object.handle);
      }
      commands.put(BC_FREE_BUFFER, received.data.ptr.buffer);
    }
    if (answer.command == 0) continue;
    (void)channel_.write_read(tid_, commands.bytes(), 0);
    return answer;
  }
}

std::uint32_t Caller::find(const std::string& name) {
  const Answer answer = call(0, 2, classic_request(name));
  return answer.handles.empty() ? 0 : answer.handles.front();
}

bool Caller::add(const std::string& name, std::uint64_t node) {
  std::vector<std::byte> data = classic_request(name);
  const std::vector<binder_size_t> offsets{data.size()};
  flat_binder_object object{};
  object.hdr.type = BINDER_TYPE_BINDER;
  object.flags = 0x7f | FLAT_BINDER_FLAG_ACCEPTS_FDS;
  object.binder = node;
  object.cookie = node;
  const auto* begin = reinterpret_cast<const std::byte*>(&object);
  data.insert(data.end(), begin, begin + sizeof object);
  put_word(data, 0);
  const Answer answer = call(0, 3, data, offsets);
  return answer.command == BR_REPLY && answer.data.size() == 4 && answer.data[0] == std::byte{0};
}

std::uint32_t Caller::send_file(std::uint32_t handle, int fd) {
  binder_fd_object object{};
  object.hdr.type = BINDER_TYPE_FD;
  object.fd = static_cast<std::uint32_t>(fd);
  const binder_size_t offset = 0;
  binder_transaction_data data{};
  data.target.handle = handle;
  data.flags = TF_ONE_WAY;
  data.data_size = sizeof object;
  data.offsets_size = sizeof offset;
  data.data.ptr.buffer = reinterpret_cast<binder_uintptr_t>(&object);
  data.data.ptr.offsets = reinterpret_cast<binder_uintptr_t>(&offset);
  std::vector<std::byte> read;
  EXPECT_EQ(channel_.write_read(tid_, Stream().put(BC_TRANSACTION, data).bytes(),
                                kFlagReads | kFlagFreshRead, &read),
            0);
  for (const std::uint32_t end : {BR_TRANSACTION_COMPLETE, BR_FAILED_REPLY, BR_DEAD_REPLY}) {
    if (find_command(read, end)) return end;
  }
  return 0;
}

void serve_echo(ChannelClient& channel, const std::atomic<bool>& stopping) {
  Stream commands;
  commands.put(BC_ENTER_LOOPER);
  std::vector<std::byte> kept;
  while (!stopping) {
    std::vector<std::byte> read;
    const int error = channel.write_read(2, commands.bytes(), kRead, &read);
    if (error == -EINTR) continue;
    if (error != 0) return;
    commands = {};
    answer_references(read, commands);
    const auto call = find_command(read, BR_TRANSACTION);
    if (!call) continue;
    binder_transaction_data data{};
    std::memcpy(&data, call->data(), sizeof data);
    const auto* bytes = reinterpret_cast<const std::byte*>(data.data.ptr.buffer);
    kept.assign(bytes, bytes + data.data_size);
    commands.put(BC_FREE_BUFFER, data.data.ptr.buffer);
    if ((data.flags & TF_ONE_WAY) != 0) continue;
    binder_transaction_data reply{};
    reply.data_size = kept.size();
    reply.data.ptr.buffer = reinterpret_cast<binder_uintptr_t>(kept.data());
    commands.put(BC_REPLY, reply);
  }
}

struct EchoServer::State {
  explicit State(const std::string& socket) : channel(socket) {}
  ChannelClient channel;
  std::atomic<bool> stopping = false;
  std::thread thread;
};

EchoServer::EchoServer(const std::string& socket, const std::string& name)
    : state_(new State(socket)) {
  EXPECT_EQ(state_->channel.error(), 0);
  EXPECT_EQ(state_->channel.map(), 0);
  EXPECT_TRUE(Caller(state_->channel, 1).add(name, 0x5000));
  state_->thread = std::thread([this] { serve_echo(state_->channel, state_->stopping); });
}

EchoServer::~EchoServer() {
  state_->stopping = true;
  // Ends the read as a signal does; tried again if the thread was not in a read.
  Mailbox& box = state_->channel.mailbox(2);
  std::atomic<bool> ended = false;
  std::thread waiting([&] {
    state_->thread.join();
    ended = true;
  });
  eventually("the server stops", [&] {
    std::uint32_t expected = kRequested;
    if (box.state.compare_exchange_strong(expected, kCancelled)) state_->channel.ring(2);
    return ended.load();
  });
  waiting.join();
  delete state_;
}

void expect_polite_programs_work(const std::string& socket) {
  EchoServer server(socket, "polite");
  ChannelClient channel(socket);
  ASSERT_EQ(channel.error(), 0);
  ASSERT_EQ(channel.map(), 0);
  Caller client(channel, 1);
  const std::uint32_t handle = client.find("polite");
  ASSERT_NE(handle, 0U);
  for (const std::size_t size : {0U, 1U, 100U, 1000U, 5000U, 60'000U}) {
    const std::vector<std::byte> sent = pattern(size, static_cast<std::uint32_t>(size));
    const Caller::Answer answer = client.call(handle, 1, sent);
    EXPECT_EQ(answer.command, std::uint32_t{BR_REPLY}) << size;
    EXPECT_EQ(answer.data, sent) << size;
  }
}

}  // namespace netbinder::testing
