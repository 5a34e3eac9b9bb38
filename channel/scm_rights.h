// SPDX-License-Identifier: Apache-2.0
//
// Descriptors and credentials in messages of Unix sockets, for both sides of the channel. Allocates
// nothing.
#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>

namespace netbinder {

// Room for `count` descriptors in a message.
template <std::size_t count>
struct RightsBuffer {
  alignas(cmsghdr) char bytes[CMSG_SPACE(count * sizeof(int))] = {};
};

// Adds these to the message; `buffer` has room for them and must live until the message is sent.
inline void attach_rights(msghdr& message, std::span<char> buffer, std::span<const int> fds) {
  if (fds.empty()) return;
  message.msg_control = buffer.data();
  message.msg_controllen = CMSG_SPACE(fds.size_bytes());
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(fds.size_bytes());
  std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
}

// Calls `take(fd)` with each descriptor of a received message; `take` owns it from then on.
template <typename Take>
void for_each_right(msghdr& message, Take take) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      take(fd);
    }
  }
}

// A message with up to `count` descriptors, as it is received.
template <std::size_t count>
class RightsMessage {
 public:
  // As recvmsg(2), again if a signal interrupts it. The descriptors are closed on exec. To be called
  // once.
  ssize_t receive(int socket, void* into, std::size_t size, int flags) {
    iovec part{.iov_base = into, .iov_len = size};
    packet_.msg_iov = &part;
    packet_.msg_iovlen = 1;
    packet_.msg_control = rights_.bytes;
    packet_.msg_controllen = sizeof rights_.bytes;
    ssize_t got = 0;
    do {
      got = ::recvmsg(socket, &packet_, flags | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    packet_.msg_iov = nullptr;
    return got;
  }
  // Calls `take(fd)` with each descriptor; `take` owns it from then on.
  template <typename Take>
  void take_rights(Take take) {
    for_each_right(packet_, take);
  }
  // Whether there were more descriptors than there was room for.
  [[nodiscard]] bool lacks_rights() const { return (packet_.msg_flags & MSG_CTRUNC) != 0; }

 private:
  RightsBuffer<count> rights_;
  msghdr packet_{};
};

// Room for credentials in a message.
struct CredentialsBuffer {
  alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(ucred))] = {};
};

// Adds these to a message that carries no descriptors; `buffer` must live until it is sent.
inline void attach_credentials(msghdr& message, CredentialsBuffer& buffer,
                               const ucred& credentials) {
  message.msg_control = buffer.bytes;
  message.msg_controllen = sizeof buffer.bytes;
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_CREDENTIALS;
  header->cmsg_len = CMSG_LEN(sizeof credentials);
  std::memcpy(CMSG_DATA(header), &credentials, sizeof credentials);
}

// The credentials of a received message, as the kernel has checked them.
inline std::optional<ucred> credentials_of(msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_CREDENTIALS) continue;
    ucred credentials{};
    if (header->cmsg_len != CMSG_LEN(sizeof credentials)) continue;
    std::memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
    return credentials;
  }
  return std::nullopt;
}

}  // namespace netbinder
