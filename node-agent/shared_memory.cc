// SPDX-License-Identifier: Apache-2.0
#include "node-agent/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>
#include <string>
#include <utility>

namespace netbinder {

namespace {

#ifndef F_SEAL_FUTURE_WRITE
constexpr int kSealFutureWrite = 0x0010;
#else
constexpr int kSealFutureWrite = F_SEAL_FUTURE_WRITE;
#endif

}  // namespace

std::expected<SharedMemory, int> SharedMemory::create(const char* name, std::uint64_t bytes,
                                                      std::uint64_t mapped_bytes, Access access) {
  UniqueFd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return std::unexpected(-errno);
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) return std::unexpected(-errno);
  void* base = ::mmap(nullptr, mapped_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                      fd.get(), 0);
  if (base == MAP_FAILED) return std::unexpected(-errno);
  SharedMemory made;
  made.base_ = static_cast<std::byte*>(base);
  made.mapped_bytes_ = mapped_bytes;
  int seals = F_SEAL_GROW | F_SEAL_SHRINK;
  if (access == Access::kProgramReads) seals |= kSealFutureWrite;
  if (::fcntl(fd.get(), F_ADD_SEALS, seals | F_SEAL_SEAL) != 0) return std::unexpected(-errno);
  if (access == Access::kProgramReads) {
    const std::string path = "/proc/self/fd/" + std::to_string(fd.get());
    made.program_fd_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!made.program_fd_) return std::unexpected(-errno);
  } else {
    made.program_fd_ = std::move(fd);
  }
  return made;
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)),
      mapped_bytes_(std::exchange(other.mapped_bytes_, 0)),
      program_fd_(std::move(other.program_fd_)) {}

SharedMemory& SharedMemory::operator=(SharedMemory&& other) noexcept {
  std::swap(base_, other.base_);
  std::swap(mapped_bytes_, other.mapped_bytes_);
  std::swap(program_fd_, other.program_fd_);
  return *this;
}

SharedMemory::~SharedMemory() {
  if (base_ != nullptr) ::munmap(base_, mapped_bytes_);
}

}  // namespace netbinder
