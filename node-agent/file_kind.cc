// SPDX-License-Identifier: Apache-2.0
#include "node-agent/file_kind.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>

namespace netbinder {

namespace {

using Kind = peer::FileOffered::Kind;

std::unexpected<FileRefusal> refused(const char* reason) {
  return std::unexpected(FileRefusal{.error = -EPERM, .reason = reason});
}

// On these file systems the content is made when it is read, perhaps by a slow program.
bool made_when_read(int fd) {
  static constexpr std::array<unsigned, 12> kMagics = {
      PROC_SUPER_MAGIC,   SYSFS_MAGIC,         DEBUGFS_MAGIC,    TRACEFS_MAGIC,
      CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, SECURITYFS_MAGIC, SELINUX_MAGIC,
      BPF_FS_MAGIC,       EFIVARFS_MAGIC,      NSFS_MAGIC,       0x65735546 /* FUSE */};
  struct statfs file_system {};
  return ::fstatfs(fd, &file_system) != 0 ||
         std::count(kMagics.begin(), kMagics.end(), static_cast<unsigned>(file_system.f_type)) > 0;
}

bool is_memfd(int fd) {
  constexpr std::string_view kPrefix = "/memfd:";
  std::array<char, kPrefix.size()> target;
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  return size == static_cast<ssize_t>(target.size()) &&
         std::equal(target.begin(), target.end(), kPrefix.begin());
}

int socket_option(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

std::expected<FileKind, FileRefusal> socket_kind(int fd, FileKind made) {
  made.socket = made.readable = made.writable = true;
  const int domain = socket_option(fd, SO_DOMAIN);
  const int type = socket_option(fd, SO_TYPE);
  const bool stream =
      type == SOCK_STREAM && (domain == AF_UNIX || domain == AF_INET || domain == AF_INET6);
  const bool packets = domain == AF_UNIX && (type == SOCK_SEQPACKET || type == SOCK_DGRAM);
  if (!stream && !packets) return refused("a socket that is neither a stream nor of AF_UNIX");
  if (socket_option(fd, SO_ACCEPTCONN) != 0) return refused("a listening socket");
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) {
    return refused("a socket that is not connected");
  }
  made.kind = stream ? Kind::kStream : Kind::kPackets;
  return made;
}

}  // namespace

std::expected<FileKind, FileRefusal> file_kind(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  struct stat status {};
  if (flags < 0 || (flags & O_PATH) != 0) return refused("a path");
  if (::fstat(fd, &status) != 0) return refused("a file that the agent cannot look at");
  const int access = flags & O_ACCMODE;
  FileKind made;
  made.nonblocking = (flags & O_NONBLOCK) != 0;
  switch (status.st_mode & S_IFMT) {
    case S_IFIFO:
      if (access == O_RDWR) return refused("a FIFO open both ways");
      if ((flags & O_DIRECT) != 0) return refused("a pipe of packets");
      made.readable = access == O_RDONLY;
      made.writable = access == O_WRONLY;
      return made;
    case S_IFSOCK:
      return socket_kind(fd, made);
    case S_IFREG:
      break;
    case S_IFDIR:
      return refused("a directory");
    case S_IFCHR:
    case S_IFBLK:
      return refused("a device");
    default:
      if (const auto counter = eventfd_state(fd)) {
        made.kind = Kind::kCounter;
        made.readable = made.writable = true;
        made.counter = *counter;
        return made;
      }
      return refused("a kind of descriptor that has a meaning on its host only");
  }
  made.kind = Kind::kContent;
  constexpr int kSealed = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
  const int seals = ::fcntl(fd, F_GET_SEALS);
  made.sealed = seals >= 0 && (seals & kSealed) == kSealed;
  if (made.sealed) return made;
  if (is_memfd(fd)) return refused("a memfd that is not sealed");
  if (access != O_RDONLY) return refused("a file open for writing");
  if (made_when_read(fd)) return refused("a file of a file system that makes it when it is read");
  return made;
}

}  // namespace netbinder
