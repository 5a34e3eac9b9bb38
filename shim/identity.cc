// SPDX-License-Identifier: Apache-2.0
#include "shim/identity.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "channel/scm_rights.h"
#include "channel/side_socket.h"

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

bool tell_changed_user(Descriptor& descriptor) {
  const std::uint32_t changes = user_changes.load(std::memory_order_relaxed);
  if (descriptor.user_changes_told.load(std::memory_order_relaxed) == changes) return false;
  if (!descriptor.is_opener() || !say_identity(descriptor)) return false;
  descriptor.user_changes_told.store(changes, std::memory_order_relaxed);
  return true;
}

}  // namespace netbinder
