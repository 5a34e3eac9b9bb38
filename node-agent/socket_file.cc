// SPDX-License-Identifier: Apache-2.0
#include "node-agent/socket_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "node-agent/passed_socket.h"

namespace netbinder {

namespace {

std::string lock_path(const std::string& path) { return path + ".lock"; }

}  // namespace

SocketFile::SocketFile(std::string path, int type, const SocketAccess& access)
    : path_(std::move(path)) {
  listener_ = take_passed_socket(path_, type);
  if (listener_) return;
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), ignored);
  lock();
  listen(type, access);
}

SocketFile::~SocketFile() {
  if (!lock_) return;
  struct stat status {};
  if (::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
      status.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
  // Whoever has the lock next finds no socket. The file goes first, while the lock is held.
  ::unlink(lock_path(path_).c_str());
}

void SocketFile::fail(const char* what) const {
  throw std::runtime_error(path_ + ": cannot " + what + ": " + std::strerror(errno));
}

void SocketFile::lock() {
  const std::string path = lock_path(path_);
  for (;;) {
    lock_.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock_) fail("lock");
    if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) fail("lock");
      throw std::runtime_error(path_ + ": another agent is serving there");
    }
    // Its last owner may have removed it after it was opened here.
    struct stat opened {};
    struct stat named {};
    if (::fstat(lock_.get(), &opened) == 0 && ::lstat(path.c_str(), &named) == 0 &&
        opened.st_ino == named.st_ino && opened.st_dev == named.st_dev) {
      return;
    }
  }
}

// The file has its mode from the start: nobody gets in before. The mask is the process's, so this
// is for its start.
void SocketFile::bind(const sockaddr_un& address, const SocketAccess& access) {
  if (::fchmod(listener_.get(), access.mode) != 0) fail("set the mode of the socket");
  const mode_t mask = ::umask(0);
  const int bound =
      ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  ::umask(mask);
  errno = error;
  if (bound != 0) fail("bind");
  struct stat status {};
  if (::lstat(path_.c_str(), &status) == 0) {
    device_ = status.st_dev;
    inode_ = status.st_ino;
  }
  constexpr auto kAsItIs = static_cast<uid_t>(-1);
  if ((access.owner || access.group) && ::lchown(path_.c_str(), access.owner.value_or(kAsItIs),
                                                 access.group.value_or(kAsItIs)) != 0) {
    fail("give the socket to its owner and group");
  }
}

void SocketFile::listen(int type, const SocketAccess& access) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) {
    throw std::runtime_error("socket path is too long: " + path_);
  }
  std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
  listener_.reset(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener_) fail("make a socket");
  // The socket was left behind by an agent that was killed, as it held the lock. A file of any
  // other kind is not ours to remove.
  struct stat status {};
  if (::lstat(path_.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
    const UniqueFd probe(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto* where = reinterpret_cast<const sockaddr*>(&address);
    if (probe && ::connect(probe.get(), where, sizeof address) == 0) {
      throw std::runtime_error(path_ + ": another agent is serving there");
    }
    ::unlink(path_.c_str());
  }
  bind(address, access);
  if (::listen(listener_.get(), SOMAXCONN) != 0) fail("listen");
}

}  // namespace netbinder
