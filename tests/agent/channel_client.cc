// SPDX-License-Identifier: Apache-2.0
#include "tests/agent/channel_client.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "channel/doorbell.h"
#include "channel/pending.h"
#include "channel/scm_rights.h"
#include "channel/side_socket.h"
#include "shim/descriptor.h"
#include "shim/install.h"
#include "shim/staging.h"
#include "shim/start.h"
#include "tests/agent/agent_process.h"

namespace netbinder::testing {

namespace {

constexpr int kPatienceMs = 60'000;

}  // namespace

int connect_to(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0)
      << std::strerror(errno);
  return fd;
}

Hello hello_with(const std::string& context) {
  Hello hello;
  std::memcpy(hello.name, context.data(), std::min(context.size(), sizeof hello.name));
  return hello;
}

std::optional<HelloReply> receive_hello_reply(int socket, std::array<int, kHelloDescriptors>* fds) {
  pollfd ready{.fd = socket, .events = POLLIN, .revents = 0};
  if (::poll(&ready, 1, kPatienceMs) != 1) return std::nullopt;
  HelloReply reply;
  iovec part{.iov_base = &reply, .iov_len = sizeof reply};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kHelloDescriptors * sizeof(int))> control{};
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  packet.msg_control = control.data();
  packet.msg_controllen = control.size();
  const ssize_t got = ::recvmsg(socket, &packet, MSG_CMSG_CLOEXEC);
  if (got < 8) return std::nullopt;
  const std::size_t size = reply.version < kChannelVersion ? kHelloReplyBytesOf9 : sizeof reply;
  if (got != static_cast<ssize_t>(size)) return std::nullopt;
  if (const cmsghdr* rights = CMSG_FIRSTHDR(&packet); rights != nullptr) {
    std::array<int, kHelloDescriptors> received{-1, -1, -1, -1};
    std::memcpy(received.data(), CMSG_DATA(rights),
                std::min(rights->cmsg_len - CMSG_LEN(0), sizeof received));
    if (fds != nullptr) {
      *fds = received;
    } else {
      for (const int fd : received) ::close(fd);
    }
  }
  return reply;
}

bool is_hung_up(int socket) {
  for (int messages = 0; messages < 64; ++messages) {
    pollfd ready{.fd = socket, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, kPatienceMs) != 1) return false;
    std::array<char, 256> bytes;
    const ssize_t got = ::recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno == ECONNRESET)) return true;
  }
  return false;
}

ChannelClient::ChannelClient(const std::string& path, const std::string& context)
    : descriptor_(std::make_unique<Descriptor>()), socket_(connect_to(path)) {
  stagers_.resize(kMailboxes);
  const Hello hello = hello_with(context);
  EXPECT_EQ(::send(socket_, &hello, sizeof hello, MSG_NOSIGNAL), ssize_t{sizeof hello});
  const auto reply = receive_hello_reply(socket_, &fds_);
  if (!reply || reply->error != 0) {
    error_ = reply ? reply->error : -ECONNRESET;
    return;
  }
  void* mapped = ::mmap(nullptr, kStagingStart, PROT_READ | PROT_WRITE, MAP_SHARED,
                        fds_[kHelloChannelMemory], 0);
  EXPECT_NE(mapped, MAP_FAILED);
  memory_ = static_cast<std::byte*>(mapped);
  start_shim();
  for (std::size_t i = 0; i < fds_.size(); ++i) descriptor_->helpers[i].store(fds_[i]);
  EXPECT_TRUE(descriptor_->memory.begin(fds_[kHelloChannelMemory]));
}

ChannelClient::~ChannelClient() {
  for (const int fd : installed_) ::close(fd);
  stagers_.clear();
  descriptor_->memory.end();
  if (memory_ != nullptr) ::munmap(memory_, kStagingStart);
  if (arena_ != nullptr) ::munmap(arena_, arena_bytes_);
  for (const int fd : fds_) {
    if (fd >= 0) ::close(fd);
  }
  ::close(socket_);
}

void ChannelClient::ring_doorbell() {
  const std::uint64_t one = 1;
  EXPECT_EQ(::write(fds_[kHelloDoorbell], &one, sizeof one), ssize_t{sizeof one});
}

void ChannelClient::ring(std::uint32_t index) {
  mark_pending(header(), index);
  if (must_ring(header())) ring_doorbell();
}

void ChannelClient::set_state(std::uint32_t index, std::uint32_t state) {
  mailbox(index).state.store(state, std::memory_order_release);
  ring(index);
}

bool ChannelClient::await(std::uint32_t index) {
  return eventually("the agent has done a request", [&] {
    if (mailbox(index).state.load(std::memory_order_acquire) == kInstall) install(index);
    return is_done(index);
  });
}

void ChannelClient::install(std::uint32_t index) {
  std::uint32_t count = 0;
  for (InstallMessage message{.to_come = 1}; message.to_come > 0;) {
    iovec part{.iov_base = &message, .iov_len = sizeof message};
    RightsBuffer<kMaxRights> rights;
    msghdr packet{};
    packet.msg_iov = &part;
    packet.msg_iovlen = 1;
    packet.msg_control = rights.bytes;
    packet.msg_controllen = sizeof rights.bytes;
    ASSERT_EQ(::recvmsg(side_socket(), &packet, MSG_CMSG_CLOEXEC), ssize_t{sizeof message});
    for_each_right(packet, [&](int fd) {
      installed_.push_back(fd);
      mailbox(index).fds[count++] = fd;
    });
  }
  set_state(index, kInstalled);
}

int ChannelClient::map(std::uint64_t bytes) {
  if (memory_ == nullptr) return error_;
  void* mapped = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fds_[kHelloArenaMemory], 0);
  EXPECT_NE(mapped, MAP_FAILED);
  arena_ = static_cast<std::byte*>(mapped);
  arena_bytes_ = bytes;
  Mailbox& box = mailbox(0);
  box.request = {};
  box.request.operation = kOpMap;
  box.request.tid = 1;
  box.request.address = reinterpret_cast<std::uint64_t>(mapped);
  box.request.bytes = bytes;
  set_state(0, kRequested);
  return await(0) ? box.response.error : -ETIMEDOUT;
}

void ChannelClient::begin_write_read(std::uint32_t index, std::uint32_t tid,
                                     const std::vector<std::byte>& commands, std::uint32_t flags) {
  Mailbox& box = mailbox(index);
  box.request = {};
  box.request.operation = kOpWriteRead;
  box.request.tid = tid;
  box.request.flags = flags;
  box.request.bytes = commands.size();
  box.request.address = reinterpret_cast<std::uint64_t>(commands.data());
  box.request.read_capacity = (flags & kFlagReads) != 0 ? 1024 : 0;
  auto& stager = stagers_[index];
  stager = std::make_unique<Stager>(*descriptor_, box, index);
  if (commands.size() <= kInlineCommandBytes) {
    if (!commands.empty()) std::memcpy(box.commands, commands.data(), commands.size());
  } else {
    EXPECT_EQ(stager->stage(box.request.address, commands.size()), Stager::Result::kStaged);
  }
  (void)stage_transactions(*stager, commands.data(), box.request.address, commands.size());
  box.request.staged_ranges = stager->ranges();
  if (pass_files(*descriptor_, index, stager->files())) box.request.flags |= kFlagPassedFiles;
  set_state(index, kRequested);
}

int ChannelClient::end_write_read(std::uint32_t index, std::vector<std::byte>* read) {
  if (!await(index)) return -ETIMEDOUT;
  const MailboxResponse response = mailbox(index).response;
  drain(response.drain);
  if (read != nullptr) {
    const std::byte* begin = mailbox(index).read;
    read->assign(begin, begin + response.read_consumed);
  }
  return response.error;
}

int ChannelClient::write_read(std::uint32_t tid, const std::vector<std::byte>& commands,
                              std::uint32_t flags, std::vector<std::byte>* read) {
  const std::uint32_t index = tid % 64;
  begin_write_read(index, tid, commands, flags);
  return end_write_read(index, read);
}

int ChannelClient::control(std::uint32_t tid, std::uint32_t command) {
  const std::uint32_t index = tid % 64;
  Mailbox& box = mailbox(index);
  box.request = {};
  box.request.operation = kOpControl;
  box.request.tid = tid;
  box.request.ioctl_command = command;
  set_state(index, kRequested);
  if (!await(index)) return -ETIMEDOUT;
  drain(box.response.drain);
  return box.response.error;
}

bool ChannelClient::readable() const {
  pollfd ready{.fd = socket_, .events = POLLIN, .revents = 0};
  return ::poll(&ready, 1, 0) == 1 && (ready.revents & POLLIN) != 0;
}

void ChannelClient::drain(std::uint32_t messages) {
  for (std::uint32_t i = 0; i < messages; ++i) {
    char byte = 0;
    EXPECT_EQ(::recv(socket_, &byte, 1, MSG_DONTWAIT), 1) << "asked to take back what is not there";
  }
}

}  // namespace netbinder::testing
