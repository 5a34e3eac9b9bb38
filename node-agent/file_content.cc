// SPDX-License-Identifier: Apache-2.0
#include "node-agent/file_content.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

namespace netbinder {

namespace {

constexpr std::size_t kCopyBytes = 256U << 10;
constexpr FileRefusal kTooLarge = {.error = -EFBIG, .reason = "a file larger than max_file_bytes"};

UniqueFd new_memory_file() {
  return UniqueFd(::memfd_create("netbinder-file", MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

// Reads as many bytes as there are before the end. Returns their number or a negative errno.
ssize_t read_at(int fd, std::span<std::byte> into, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got =
        ::pread(fd, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(done);
}

int write_at(int fd, std::span<const std::byte> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return -errno;
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return 0;
}

}  // namespace

std::expected<FileSnapshot, FileRefusal> FileSnapshot::take(ForeignFd file, bool sealed,
                                                            std::uint64_t max_bytes) {
  struct stat status {};
  const off_t position = ::lseek(file.get(), 0, SEEK_CUR);
  if (::fstat(file.get(), &status) != 0 || position < 0) {
    return std::unexpected(FileRefusal{.error = -EPERM, .reason = "a file without a position"});
  }
  if (static_cast<std::uint64_t>(status.st_size) > max_bytes) return std::unexpected(kTooLarge);
  FileSnapshot made;
  made.position_ = static_cast<std::uint64_t>(position);
  if (sealed) {
    made.size_ = static_cast<std::uint64_t>(status.st_size);
    made.file_ = std::move(file);
    return made;
  }
  made.file_ = ForeignFd(new_memory_file().release());
  if (!made.file_) return std::unexpected(FileRefusal{.error = -errno, .reason = nullptr});
  std::vector<std::byte> piece(kCopyBytes);
  for (;;) {
    const ssize_t got = read_at(file.get(), piece, made.size_);
    if (got < 0) {
      return std::unexpected(FileRefusal{.error = -EPERM, .reason = "a file that cannot be read"});
    }
    if (got == 0) return made;
    const auto bytes = std::span<const std::byte>(piece).first(static_cast<std::size_t>(got));
    if (bytes.size() > max_bytes - made.size_) return std::unexpected(kTooLarge);
    if (const int error = write_at(made.file_.get(), bytes, made.size_); error != 0) {
      return std::unexpected(FileRefusal{.error = error, .reason = nullptr});
    }
    made.size_ += bytes.size();
  }
}

void FileSnapshot::read(std::size_t piece_bytes,
                        const std::function<void(std::vector<std::byte>)>& piece) const {
  for (std::uint64_t offset = 0; offset < size_;) {
    std::vector<std::byte> bytes(std::min<std::uint64_t>(piece_bytes, size_ - offset));
    (void)read_at(file_.get(), bytes, offset);
    offset += bytes.size();
    piece(std::move(bytes));
  }
}

ArrivingContent::ArrivingContent(std::uint64_t size, std::uint64_t position, int error)
    : size_(size), position_(position), error_(error) {
  if (error_ != 0) return;
  file_ = new_memory_file();
  if (!file_) error_ = -errno;
}

bool ArrivingContent::append(std::span<const std::byte> bytes) {
  if (bytes.size() > size_ - received_) return false;
  if (error_ == 0) error_ = write_at(file_.get(), bytes, received_);
  if (error_ != 0) file_.reset();
  received_ += bytes.size();
  return true;
}

std::expected<UniqueFd, int> ArrivingContent::finish() {
  if (error_ != 0) return std::unexpected(error_);
  if (::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0 ||
      ::fcntl(file_.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) !=
          0) {
    return std::unexpected(-errno);
  }
  const std::string path = "/proc/self/fd/" + std::to_string(file_.get());
  UniqueFd reading(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!reading || ::lseek(reading.get(), static_cast<off_t>(position_), SEEK_SET) < 0) {
    return std::unexpected(-errno);
  }
  return reading;
}

}  // namespace netbinder
