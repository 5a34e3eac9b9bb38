// SPDX-License-Identifier: Apache-2.0
#include "node-agent/foreign_file.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "node-agent/uninterrupted.h"
#include "transport/limits.h"

namespace netbinder {

namespace {

using Kind = peer::FileOffered::Kind;

// So that the flags are ours to set.
ForeignFd reopen_pipe(int fd, bool readable) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  return ForeignFd(::open(path.c_str(), (readable ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_CLOEXEC));
}

std::vector<std::byte> copy_of_what_is_there(int fd, const FileKind& kind) {
  std::vector<std::byte> copy(limits::kFileAheadBytes - limits::kPacketCost);
  ssize_t got = -1;
  if (kind.socket) {
    // A socket of the network takes MSG_TRUNC for a wish to throw bytes away.
    const int whole = kind.kind == Kind::kPackets ? MSG_TRUNC : 0;
    got = uninterrupted(
        [&] { return ::recv(fd, copy.data(), copy.size(), MSG_DONTWAIT | MSG_PEEK | whole); });
  } else {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return {};
    const UniqueFd reading(ends[0]);
    const UniqueFd writing(ends[1]);
    // As much as that pipe holds.
    got = uninterrupted([&] { return ::tee(fd, ends[1], copy.size(), SPLICE_F_NONBLOCK); });
    if (got > 0) got = uninterrupted([&] { return ::read(ends[0], copy.data(), copy.size()); });
  }
  // A packet that is cut off waits for the first credit.
  if (got <= 0 || static_cast<std::size_t>(got) > copy.size()) return {};
  copy.resize(static_cast<std::size_t>(got));
  return copy;
}

OpenFile identity_of(int fd, const FileKind& kind) {
  OpenFile file{.readable = kind.readable, .writable = kind.writable};
  if (kind.kind == Kind::kCounter) {
    file.inode = kind.counter.id;
    return file;
  }
  struct stat status {};
  (void)::fstat(fd, &status);
  file.device = status.st_dev;
  file.inode = status.st_ino;
  return file;
}

}  // namespace

std::unique_ptr<FileFindings> look_at_file(const ForeignFd& fd, std::uint64_t max_content_bytes) {
  auto found = std::make_unique<FileFindings>();
  found->kind = file_kind(fd.get());
  if (!found->kind) return found;
  const FileKind& kind = *found->kind;
  if (kind.kind == Kind::kContent) {
    ForeignFd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
    auto content = FileSnapshot::take(std::move(copy), kind.sealed, max_content_bytes);
    if (content) {
      found->content = std::move(*content);
    } else {
      found->kind = std::unexpected(content.error());
    }
    return found;
  }
  found->file = identity_of(fd.get(), kind);
  if (kind.kind == Kind::kCounter) return found;
  if (!kind.socket) {
    found->reopened = reopen_pipe(fd.get(), kind.readable);
    if (!found->reopened) {
      found->kind = std::unexpected(
          FileRefusal{.error = -EPERM, .reason = "a pipe that the agent cannot open"});
      return found;
    }
  }
  if (kind.readable) found->ahead = copy_of_what_is_there(fd.get(), kind);
  return found;
}

}  // namespace netbinder
