// SPDX-License-Identifier: Apache-2.0
#include "shim/install.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "channel/handover.h"
#include "channel/scm_rights.h"
#include "channel/side_socket.h"
#include "shim/descriptor_table.h"
#include "shim/process_state.h"
#include "shim/real_calls.h"

namespace netbinder {
namespace {

struct Received {
  std::uint32_t mailbox = kMailboxes;
  std::uint32_t count = 0;
  int error = 0;  // negative errno: there are no descriptors
  std::array<int, kMaxInstalledFds> fds;
};

void close_all(Received& received) {
  for (std::uint32_t i = 0; i < received.count; ++i) real::syscall(SYS_close, received.fds[i]);
  received.count = 0;
}

// Another descriptor of the socket with that inode, in place of `fd`; `fd` if this program has none.
int twin_of(int fd, std::uint64_t inode) {
  const rlim_t limit = [] {
    rlimit files{};
    return ::getrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_cur : rlim_t{1024};
  }();
  // Numbers are given out from the lowest on, so most programs have them close together.
  constexpr rlim_t kFreeInARow = 1024;
  rlim_t unused = 0;
  for (rlim_t each = 0; each < limit && unused < kFreeInARow; ++each) {
    struct stat status;
    if (stat_descriptor(static_cast<int>(each), &status) != 0) {
      ++unused;
      continue;
    }
    unused = 0;
    if (status.st_ino != inode || !S_ISSOCK(status.st_mode) || static_cast<int>(each) == fd) continue;
    const int copy = static_cast<int>(real::syscall(SYS_dup3, static_cast<int>(each), fd, O_CLOEXEC));
    return copy >= 0 ? copy : fd;
  }
  return fd;
}

// Receives one more message; how many descriptors are to come behind it. Nothing if there is none.
std::optional<std::uint32_t> receive_message(const Descriptor& descriptor, Received& received) {
  InstallMessage message;
  RightsMessage<kMaxRights> packet;
  const ssize_t got = packet.receive(descriptor.helper(kHelloSideSocket), &message, sizeof message,
                                     MSG_DONTWAIT);
  if (got <= 0) return std::nullopt;
  const std::uint32_t before = received.count;
  packet.take_rights([&](int fd) {
    if (received.count < kMaxInstalledFds) {
      const std::uint64_t twin = message.twins[std::min(received.count - before, kMaxRights - 1)];
      received.fds[received.count++] = got == sizeof message && twin != 0 ? twin_of(fd, twin) : fd;
    } else {
      real::syscall(SYS_close, fd);
    }
  });
  if (got != sizeof message || message.mailbox >= kMailboxes) {
    received.mailbox = kMailboxes;
    return 0;
  }
  received.mailbox = message.mailbox;
  // Some are missing: there was no room for all of them. Either all are installed or none.
  if (packet.lacks_rights() || received.count - before != message.count) {
    received.error = -EMFILE;
  }
  return message.to_come;
}

// Receives all messages for one mailbox, whichever comes next. False if there are none.
bool receive(const Descriptor& descriptor, Received& received) {
  received.count = 0;
  received.error = 0;
  std::optional<std::uint32_t> to_come = receive_message(descriptor, received);
  if (!to_come) return false;
  while (to_come && *to_come > 0 && received.mailbox < kMailboxes) {
    const std::uint32_t mailbox = received.mailbox;
    to_come = receive_message(descriptor, received);
    if (!to_come || received.mailbox != mailbox) received.error = -EMFILE;
  }
  if (received.mailbox >= kMailboxes || received.error != 0) close_all(received);
  return true;
}

void deliver(Received& received, Mailbox& mailbox) {
  if (received.error != 0) {
    mailbox.fds[0] = received.error;
    return;
  }
  for (std::uint32_t i = 0; i < received.count; ++i) {
    // The kernel gave out this number, so it was free: if it is known, it was closed without the
    // shim.
    if (is_binder_fd(received.fds[i])) (void)remove_binder_fd(received.fds[i]);
    mailbox.fds[i] = received.fds[i];
  }
}

// With install_mutex held.
bool take_handed_over(Descriptor& descriptor, std::uint32_t index) {
  std::uint64_t& word = descriptor.handed_over[index / 64];
  const std::uint64_t bit = std::uint64_t{1} << (index % 64);
  const bool there = (word & bit) != 0;
  word &= ~bit;
  return there;
}

}  // namespace

void install_descriptors(Descriptor& descriptor, Mailbox& mailbox, std::uint32_t index) {
  const int saved_errno = errno;
  const SignalsBlocked blocked;
  pthread_mutex_lock(&descriptor.install_mutex);
  // Otherwise a call in a signal handler has done it.
  if (look_at(mailbox) == kInstall) {
    bool done = take_handed_over(descriptor, index);
    Received received;
    while (!done && receive(descriptor, received)) {
      if (received.mailbox >= kMailboxes) continue;
      Mailbox* const receiver =
          descriptor.memory.mailbox(descriptor.helper(kHelloChannelMemory), received.mailbox);
      if (receiver == nullptr) {  // it is the mailbox of another process, which misses them
        close_all(received);
        continue;
      }
      deliver(received, *receiver);
      done = received.mailbox == index;
      if (!done) {
        descriptor.handed_over[received.mailbox / 64] |= std::uint64_t{1}
                                                         << (received.mailbox % 64);
      }
    }
    if (!done) mailbox.fds[0] = -EMFILE;
    hand_over(mailbox, kInstalled);
  }
  pthread_mutex_unlock(&descriptor.install_mutex);
  errno = saved_errno;
}

bool pass_files(const Descriptor& descriptor, std::uint32_t index, std::span<const int> files) {
  // A descriptor that is not open would make a whole message fail; the agent finds it missing.
  std::array<int, kMaxPassedFds> open;
  std::size_t count = 0;
  for (const int fd : files) {
    if (real::fcntl(fd, F_GETFD, 0) >= 0) open[count++] = fd;
  }
  std::span<const int> left(open.data(), count);
  while (!left.empty()) {
    const std::span<const int> now = left.first(std::min<std::size_t>(left.size(), kMaxRights));
    left = left.subspan(now.size());
    PassMessage message{.mailbox = index,
                        .count = static_cast<std::uint32_t>(now.size()),
                        .to_come = static_cast<std::uint32_t>(left.size()),
                        .fds = {}};
    std::copy(now.begin(), now.end(), message.fds);
    iovec part{.iov_base = &message, .iov_len = sizeof message};
    RightsBuffer<kMaxRights> rights;
    msghdr packet{};
    packet.msg_iov = &part;
    packet.msg_iovlen = 1;
    attach_rights(packet, rights.bytes, now);
    ssize_t sent = 0;
    do {
      sent = ::sendmsg(descriptor.helper(kHelloSideSocket), &packet, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent != sizeof message) return false;
  }
  return count > 0;
}

void take_readiness(const Descriptor& descriptor, int fd, std::uint32_t messages) {
  // `fd` may have been closed in the meantime, and the number may belong to another file.
  if (!is_fd_of(fd, descriptor)) fd = any_fd_of(descriptor);
  if (fd < 0) return;
  const int saved_errno = errno;
  char message = 0;
  for (std::uint32_t i = 0; i < messages; ++i) {
    if (::recv(fd, &message, sizeof message, MSG_DONTWAIT) <= 0) break;
  }
  errno = saved_errno;
}

}  // namespace netbinder
