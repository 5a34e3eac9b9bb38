// SPDX-License-Identifier: Apache-2.0
#include "tests/shim/fake_agent.h"

#include <fcntl.h>
#include <linux/android/binder.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "channel/handover.h"
#include "channel/pending.h"
#include "channel/side_socket.h"
#include "channel/sleep.h"

namespace netbinder {
namespace {

int checked(int result, const char* what) {
  if (result < 0) throw std::runtime_error(what);
  return result;
}

void send_with_fds(int socket, const void* bytes, std::size_t size, const std::vector<int>& fds) {
  iovec part{.iov_base = const_cast<void*>(bytes), .iov_len = size};
  std::vector<char> control(CMSG_SPACE(fds.size() * sizeof(int)));
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  if (!fds.empty()) {
    packet.msg_control = control.data();
    packet.msg_controllen = control.size();
    cmsghdr* const rights = CMSG_FIRSTHDR(&packet);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size() * sizeof(int));
  }
  checked(static_cast<int>(::sendmsg(socket, &packet, MSG_NOSIGNAL)), "sendmsg");
}

}  // namespace

FakeChannel::FakeChannel(int socket, const Hello& hello)
    : socket_(socket), hello_(hello) {
  memory_fd_ = checked(::memfd_create("channel", MFD_CLOEXEC), "memfd_create");
  checked(::ftruncate(memory_fd_, static_cast<off_t>(kChannelBytes)), "ftruncate");
  doorbell_ = checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  const int arena = checked(::memfd_create("arena", MFD_CLOEXEC), "memfd_create");
  checked(::ftruncate(arena, static_cast<off_t>(kMaxMapBytes)), "ftruncate");
  const std::string path = "/proc/self/fd/" + std::to_string(arena);
  arena_ = checked(::open(path.c_str(), O_RDONLY | O_CLOEXEC), "open");
  ::close(arena);
  int sides[2];
  checked(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sides), "socketpair");
  side_socket_ = sides[0];
  memory_ = static_cast<std::byte*>(
      ::mmap(nullptr, kStagingStart, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd_, 0));
  HelloReply reply;
  reply.descriptors = kHelloDescriptors;
  reply.channel_bytes = kChannelBytes;
  header().agent_armed.store(1);
  send_with_fds(socket_, &reply, sizeof reply, {memory_fd_, doorbell_, sides[1], arena_});
  ::close(sides[1]);
}

FakeChannel::~FakeChannel() {
  ::munmap(memory_, kStagingStart);
  for (const int fd : {socket_, memory_fd_, doorbell_, side_socket_, arena_}) ::close(fd);
}

ChannelHeader& FakeChannel::header() const { return header_at(memory_); }

Mailbox& FakeChannel::mailbox(std::uint32_t index) const { return mailbox_at(memory_, index); }

std::string FakeChannel::staged_large(std::uint32_t index, const StagedRange& range) const {
  std::string bytes(range.size, '\0');
  const std::uint64_t start = staging_start(index) + (range.place & ~kLargePlace);
  const ssize_t got = ::pread(memory_fd_, bytes.data(), bytes.size(), static_cast<off_t>(start));
  bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return bytes;
}

void FakeChannel::change_state(std::uint32_t index, MailboxState state) {
  Mailbox& box = mailbox(index);
  hand_over(box, state);
  (void)wake_sleeper(box);
}

void FakeChannel::respond(std::uint32_t index, const MailboxResponse& response) {
  mailbox(index).response = response;
  change_state(index, kDone);
}

void FakeChannel::send_descriptors(std::uint32_t index, const std::vector<int>& fds) {
  const InstallMessage message{.mailbox = index, .count = static_cast<std::uint32_t>(fds.size())};
  send_with_fds(side_socket_, &message, sizeof message, fds);
}

void FakeChannel::install(std::uint32_t index, const std::vector<int>& fds) {
  send_descriptors(index, fds);
  mailbox(index).response = {.install_count = static_cast<std::uint32_t>(fds.size())};
  change_state(index, kInstall);
}

void FakeChannel::send_readiness() { (void)::send(socket_, "r", 1, MSG_DONTWAIT | MSG_NOSIGNAL); }

FakeAgent::FakeAgent(Handler handler, std::optional<Refusal> refusal)
    : handler_(std::move(handler)), refusal_(refusal) {
  char name[] = "/tmp/fake-agent-XXXXXX";
  if (::mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp");
  directory_ = name;
  const std::string path = directory_ + "/socket";
  listener_ = checked(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s", path.c_str());
  checked(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  checked(::listen(listener_, 16), "listen");
  ::setenv("NETBINDER_SOCKET", path.c_str(), 1);
  thread_ = std::thread([this] { run(); });
}

FakeAgent::~FakeAgent() {
  stop();
  ::unlink((directory_ + "/socket").c_str());
  ::rmdir(directory_.c_str());
  ::unsetenv("NETBINDER_SOCKET");
}

void FakeAgent::stop() {
  if (stopping_.exchange(true)) return;
  thread_.join();
  channels_.clear();
  ::close(listener_);
}

void FakeAgent::run() {
  while (!stopping_) {
    std::vector<pollfd> watched{{.fd = listener_, .events = POLLIN, .revents = 0}};
    for (const auto& channel : channels_) {
      watched.push_back({.fd = channel->doorbell_, .events = POLLIN, .revents = 0});
    }
    ::poll(watched.data(), watched.size(), 5);
    if ((watched[0].revents & POLLIN) != 0) accept_program();
    std::erase_if(channels_, [this](const auto& channel) { return !serve(*channel); });
  }
}

void FakeAgent::accept_program() {
  const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (socket < 0) return;
  Hello hello;
  if (::recv(socket, &hello, sizeof hello, 0) != sizeof hello || hello.magic != kChannelMagic) {
    ::close(socket);
  } else if (refusal_) {
    send_with_fds(socket, &refusal_->reply, refusal_->bytes, {});
    ::close(socket);
  } else {
    channels_.push_back(std::make_unique<FakeChannel>(socket, hello));
  }
}

bool FakeAgent::serve(FakeChannel& channel) {
  std::uint64_t rung = 0;
  if (::read(channel.doorbell_, &rung, sizeof rung) == sizeof rung) ++doorbells_;
  // It asks for a ring with every request, even for those it would have found.
  channel.header().agent_armed.store(1);
  take_pending(channel.header(), [&](std::uint32_t index) { handler_(channel, index); });
  IdentityMessage identity;
  while (::recv(channel.side_socket_, &identity, sizeof identity, MSG_DONTWAIT) ==
         sizeof identity) {
    if (identity.kind == kIdentity) ++identities_;
  }
  pollfd socket{.fd = channel.socket_, .events = 0, .revents = 0};
  if (::poll(&socket, 1, 0) > 0 && (socket.revents & (POLLHUP | POLLERR)) != 0) {
    ++hang_ups_;
    return false;
  }
  return true;
}

void answer_simple(FakeChannel& channel, std::uint32_t index) {
  Mailbox& box = channel.mailbox(index);
  if (box.state.load() == kCancelled) {
    channel.respond(index, {.error = -EINTR});
    return;
  }
  if (box.state.load() != kRequested) return;
  const MailboxRequest request = box.request;
  switch (request.operation) {
    case kOpControl:
      if (request.ioctl_command == BINDER_VERSION) {
        const binder_version version{.protocol_version = 8};
        std::memcpy(box.argument, &version, sizeof version);
      }
      channel.respond(index, {.error = (request.flags & kFlagBadArgument) != 0 ? -EINVAL : 0});
      break;
    case kOpMap:
    case kOpFlush:
      channel.respond(index, {});
      break;
    case kOpWriteRead:
      if ((request.flags & kFlagReads) != 0) break;
      channel.respond(index, {.write_consumed = request.bytes});
      break;
    default:
      break;
  }
}

}  // namespace netbinder
