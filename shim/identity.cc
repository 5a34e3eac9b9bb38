// SPDX-License-Identifier: Apache-2.0
#include "shim/identity.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "channel/scm_rights.h"
#include "channel/side_socket.h"
#include "shim/handshake.h"
#include "shim/real_calls.h"

namespace netbinder {
namespace {

constinit std::atomic<std::uint32_t> user_changes = 0;

}  // namespace

bool say_identity(const Descriptor& descriptor) {
  const int saved_errno = errno;
  IdentityMessage message;
  iovec part{.iov_base = &message, .iov_len = sizeof message};
  const ucred credentials{.pid = ::getpid(), .uid = ::geteuid(), .gid = ::getegid()};
  CredentialsBuffer buffer;
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  attach_credentials(packet, buffer, credentials);
  const ssize_t sent =
      ::sendmsg(descriptor.helper(kHelloSideSocket), &packet, MSG_NOSIGNAL | MSG_DONTWAIT);
  errno = saved_errno;
  return sent == sizeof message;
}

void forget_user() { user_changes.fetch_add(1, std::memory_order_relaxed); }

void note_user_known(Descriptor& descriptor) {
  descriptor.user_changes_told.store(user_changes.load(std::memory_order_relaxed),
                                     std::memory_order_relaxed);
}

void show_namespaces(Descriptor& descriptor, std::uint64_t pid_namespace,
                     std::uint64_t user_namespace) {
  if (pid_namespace == 0 || user_namespace == 0) return;  // the agent does not know its own
  const int saved_errno = errno;
  const auto inode_of = [](int fd) {
    struct stat status;
    return fd >= 0 && stat_descriptor(fd, &status) == 0 ? status.st_ino : ino_t{0};
  };
  const OwnedFd pid(real::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC, 0));
  const OwnedFd user(real::open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC, 0));
  const bool other_pid = pid.get() >= 0 && inode_of(pid.get()) != pid_namespace;
  const bool other_user = user.get() >= 0 && inode_of(user.get()) != user_namespace;
  if (other_pid || other_user) {
    NamespacesMessage message;
    iovec part{.iov_base = &message, .iov_len = sizeof message};
    RightsBuffer<1> rights;
    msghdr packet{};
    packet.msg_iov = &part;
    packet.msg_iovlen = 1;
    const int shown = pid.get();
    if (other_pid) attach_rights(packet, rights.bytes, std::span(&shown, 1));
    const ssize_t sent =
        ::sendmsg(descriptor.helper(kHelloSideSocket), &packet, MSG_NOSIGNAL | MSG_DONTWAIT);
    descriptor.shows_namespaces.store(sent == sizeof message, std::memory_order_relaxed);
  }
  errno = saved_errno;
}

bool tell_changed_user(Descriptor& descriptor) {
  if (descriptor.shows_namespaces.load(std::memory_order_relaxed)) [[unlikely]] {
    if (descriptor.shows_namespaces.exchange(false, std::memory_order_relaxed)) return true;
  }
  const std::uint32_t changes = user_changes.load(std::memory_order_relaxed);
  if (descriptor.user_changes_told.load(std::memory_order_relaxed) == changes) return false;
  if (!descriptor.is_opener() || !say_identity(descriptor)) return false;
  descriptor.user_changes_told.store(changes, std::memory_order_relaxed);
  return true;
}

}  // namespace netbinder
