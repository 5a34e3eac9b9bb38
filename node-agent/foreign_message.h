// SPDX-License-Identifier: Apache-2.0
//
// One message of a program, with all descriptors that came along. There is room for every
// descriptor that a message can bring: those without room would be closed by the receiving thread,
// however long that takes. So the agent receives every message of a program by this class.
//
// Thread: the data-plane thread.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <cerrno>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "channel/limits.h"
#include "channel/scm_rights.h"
#include "node-agent/unique_fd.h"

namespace netbinder {

class ForeignMessage {
 public:
  // As recvmsg(2), without waiting. To be called once.
  ssize_t receive(int socket, std::span<std::byte> into) {
    part_ = {.iov_base = into.data(), .iov_len = into.size()};
    packet_.msg_iov = &part_;
    packet_.msg_iovlen = 1;
    packet_.msg_control = control_;
    packet_.msg_controllen = sizeof control_;
    ssize_t got = 0;
    do {
      got = ::recvmsg(socket, &packet_, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got >= 0) for_each_right(packet_, [&](int fd) { files_.emplace_back(fd); });
    return got;
  }

  // Files that are not taken from here are closed with this object.
  [[nodiscard]] std::vector<ForeignFd>& files() { return files_; }
  // Whether not all descriptors could be received.
  [[nodiscard]] bool lacks_files() const { return (packet_.msg_flags & MSG_CTRUNC) != 0; }
  // The sender's credentials, if the socket asks for them (SO_PASSCRED).
  [[nodiscard]] std::optional<ucred> credentials() { return credentials_of(packet_); }

 private:
  iovec part_{};
  msghdr packet_{};
  alignas(cmsghdr) char control_[CMSG_SPACE(kMaxRights * sizeof(int)) + CMSG_SPACE(sizeof(ucred))];
  std::vector<ForeignFd> files_;
};

}  // namespace netbinder
