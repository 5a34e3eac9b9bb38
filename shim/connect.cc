// SPDX-License-Identifier: Apache-2.0
#include "shim/connect.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "shim/channel.h"
#include "shim/descriptor.h"
#include "shim/descriptor_table.h"
#include "shim/process_state.h"
#include "shim/real_calls.h"
#include "shim/waiting.h"

namespace netbinder {
namespace {

void close_own(int fd) { ::syscall(SYS_close, fd); }

// A descriptor that is closed unless it is released.
class OwnedFd {
 public:
  explicit OwnedFd(int fd = -1) : fd_(fd) {}
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  ~OwnedFd() { reset(-1); }

  [[nodiscard]] int get() const { return fd_; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset(int fd) {
    if (fd_ >= 0) close_own(fd_);
    fd_ = fd;
  }

 private:
  int fd_;
};

void complain_once(const char* socket_path, const char* why) {
  static constinit std::atomic<bool> complained = false;
  const char* const quiet = std::getenv("NETBINDER_QUIET");
  if ((quiet != nullptr && std::strcmp(quiet, "1") == 0) || complained.exchange(true)) return;
  char line[512];
  const int size = std::snprintf(line, sizeof line,
                                 "netbinder: cannot reach the agent at %s: %s (is netbinderd "
                                 "running, is NETBINDER_SOCKET right?)\n",
                                 socket_path, why);
  if (size > 0) {
    (void)!::write(STDERR_FILENO, line, std::min(static_cast<std::size_t>(size), sizeof line - 1));
  }
}

// Each returns 0 or a negative errno.
int connect_to_agent(int fd, const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
  std::strcpy(address.sun_path, path);
  const timeval limit{.tv_sec = kHandshakeSeconds, .tv_usec = 0};
  (void)::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  (void)::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  while (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno != EINTR) return -errno;
  }
  return 0;
}

int send_hello(int fd, const char* context, const std::uint64_t& probe) {
  Hello hello;
  hello.pid = process_id();
  hello.probe_address = reinterpret_cast<std::uint64_t>(&probe);
  hello.probe_value = probe;
  std::memcpy(hello.context, context, ::strnlen(context, sizeof hello.context - 1));
  const char* const dialect = std::getenv("NETBINDER_DIALECT");
  if (dialect != nullptr) {
    std::memcpy(hello.dialect, dialect, ::strnlen(dialect, sizeof hello.dialect - 1));
  }
  ssize_t sent = 0;
  do {
    sent = ::send(fd, &hello, sizeof hello, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == sizeof hello ? 0 : sent < 0 ? -errno : -EPROTO;
}

int receive_reply(int fd, HelloReply& reply, std::array<OwnedFd, kHelloDescriptors>& descriptors) {
  iovec part{.iov_base = &reply, .iov_len = sizeof reply};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kHelloDescriptors * sizeof(int))> control{};
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  packet.msg_control = control.data();
  packet.msg_controllen = control.size();
  ssize_t got = 0;
  do {
    got = ::recvmsg(fd, &packet, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return errno == EAGAIN ? -ETIMEDOUT : -errno;
  std::size_t count = 0;
  for (cmsghdr* part_header = CMSG_FIRSTHDR(&packet); part_header != nullptr;
       part_header = CMSG_NXTHDR(&packet, part_header)) {
    if (part_header->cmsg_level != SOL_SOCKET || part_header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t fds = (part_header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < fds && count < kHelloDescriptors; ++i, ++count) {
      int received = -1;
      std::memcpy(&received, CMSG_DATA(part_header) + i * sizeof(int), sizeof received);
      descriptors[count].reset(received);
    }
  }
  if (got == 0) return -ECONNRESET;
  if (got != sizeof reply || reply.magic != kChannelMagic || reply.version != kChannelVersion) {
    return -EPROTO;
  }
  if (reply.error != 0) return reply.error < 0 ? reply.error : -EPROTO;
  if ((packet.msg_flags & MSG_CTRUNC) != 0) return -EMFILE;
  if (count != kHelloDescriptors || reply.channel_bytes < kChannelBytes) return -EPROTO;
  return 0;
}

// Moves the channel's descriptors out of the program's way. Where there is no room they stay.
bool keep_helpers(Descriptor& descriptor, std::array<OwnedFd, kHelloDescriptors>& descriptors) {
  for (std::uint32_t i = 0; i < kHelloDescriptors; ++i) {
    const int moved = duplicate_high(descriptors[i].get());
    if (moved >= 0) descriptors[i].reset(moved);
    const auto which = static_cast<HelloDescriptor>(i);
    if (!add_helper(descriptor, which, descriptors[i].release())) return false;
  }
  return true;
}

int set_up(int socket_fd, const DevicePath& path, const HelloReply& reply, bool nonblocking,
           std::array<OwnedFd, kHelloDescriptors>& descriptors) {
  const DescriptorReference descriptor(new_descriptor());
  if (!descriptor) return -ENOMEM;
  void* const memory = real::mmap(nullptr, kStagingStart, PROT_READ | PROT_WRITE, MAP_SHARED,
                                  descriptors[kHelloChannelMemory].get(), 0);
  if (memory == MAP_FAILED) return -ENOMEM;
  descriptor->memory = static_cast<std::byte*>(memory);
  descriptor->staged_only = reply.staged_only != 0;
  descriptor->nonblocking.store(nonblocking, std::memory_order_relaxed);
  std::memcpy(descriptor->context, path.name, sizeof descriptor->context);
  struct stat status;
  if (real::fstat(socket_fd, &status) != 0) return -errno;
  descriptor->socket_device = status.st_dev;
  descriptor->socket_inode = status.st_ino;
  if (!keep_helpers(*descriptor, descriptors)) return -EMFILE;
  if (!add_binder_fd(socket_fd, *descriptor)) return -EMFILE;
  // From here on the open descriptors hold a reference of their own.
  descriptor->references.fetch_add(1, std::memory_order_relaxed);
  return 0;
}

int fail(int error) {
  errno = error;
  return -1;
}

}  // namespace

int open_binder(const DevicePath& path, int flags) {
  const int saved_errno = errno;
  initialize_process_state();
  check_fork();
  const char* const socket_path = agent_socket_path();
  // First, so that the program gets the number it may expect: the lowest one.
  OwnedFd socket_fd(
      ::socket(AF_UNIX, SOCK_SEQPACKET | ((flags & O_CLOEXEC) != 0 ? SOCK_CLOEXEC : 0), 0));
  if (socket_fd.get() < 0) return -1;
  int error = connect_to_agent(socket_fd.get(), socket_path);
  volatile std::uint64_t probe_value =
      reinterpret_cast<std::uint64_t>(&path) ^ static_cast<std::uint64_t>(process_id()) << 40;
  if (error == 0) {
    error = send_hello(socket_fd.get(), path.name, const_cast<std::uint64_t&>(probe_value));
  }
  HelloReply reply;
  std::array<OwnedFd, kHelloDescriptors> descriptors;
  bool answered = false;
  if (error == 0) {
    error = receive_reply(socket_fd.get(), reply, descriptors);
    answered = error == reply.error;
  }
  if (error != 0) {
    if (error == -EMFILE || error == -ENFILE || error == -ENOMEM) return fail(-error);
    if (!answered) {
      complain_once(socket_path, std::strerror(-error));
      return fail(ENXIO);
    }
    return fail(-error);
  }
  const bool nonblocking = (flags & O_NONBLOCK) != 0;
  error = set_up(socket_fd.get(), path, reply, nonblocking, descriptors);
  if (error != 0) return fail(-error);
  if (nonblocking) real::fcntl(socket_fd.get(), F_SETFL, O_NONBLOCK);
  errno = saved_errno;
  return socket_fd.release();
}

}  // namespace netbinder
