// SPDX-License-Identifier: Apache-2.0
//
// A file descriptor with one owner: UniqueFd for the agent's own, ForeignFd for those that programs
// made and handed to the agent. The last close of a foreign file can take as long as the program
// likes (a socket that lingers, a file of a file system that is a program), so a ForeignFd is closed
// on another thread (node-agent/foreign_closer.h).
#pragma once

#include <unistd.h>

#include <utility>

#include "node-agent/foreign_closer.h"

namespace netbinder {

template <auto close_file>
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~OwnedFd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) close_file(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

inline void close_here(int fd) { ::close(fd); }

using UniqueFd = OwnedFd<&close_here>;
using ForeignFd = OwnedFd<&close_elsewhere>;

}  // namespace netbinder
