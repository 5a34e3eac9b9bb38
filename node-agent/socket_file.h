// SPDX-License-Identifier: Apache-2.0
//
// A listening Unix socket at a path. While it exists, a lock file beside it ensures that no other
// agent takes the path: of two agents that start at once over a leftover socket, only one gets it.
// At its end it removes the socket only if that is still its own.
// If whoever started the agent has passed a socket that listens there
// (node-agent/passed_socket.h), it is that one, and its file is left alone.
//
// Any thread.
#pragma once

#include <sys/stat.h>

#include <string>

#include "node-agent/socket_access.h"
#include "node-agent/unique_fd.h"

struct sockaddr_un;

namespace netbinder {

class SocketFile {
 public:
  // `type` is SOCK_SEQPACKET or SOCK_STREAM. Throws std::runtime_error naming the path if it cannot
  // listen there, or if another agent does.
  SocketFile(std::string path, int type, const SocketAccess& access);
  ~SocketFile();
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;

  // The listening socket, which does not block. To be taken once.
  [[nodiscard]] int release() { return listener_.release(); }

 private:
  void lock();
  void listen(int type, const SocketAccess& access);
  void bind(const sockaddr_un& address, const SocketAccess& access);
  [[noreturn]] void fail(const char* what) const;

  std::string path_;
  UniqueFd lock_;
  UniqueFd listener_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace netbinder
