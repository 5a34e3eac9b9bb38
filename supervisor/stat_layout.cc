// SPDX-License-Identifier: Apache-2.0
#include "supervisor/stat_layout.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include <cstddef>

#include "shim/user_memory.h"

namespace netbinder::supervisor {

namespace {

// struct stat64 of i386.
struct __attribute__((packed)) CompatibleStat {
  std::uint64_t device;
  std::uint32_t padding0;
  std::uint32_t short_inode;
  std::uint32_t mode;
  std::uint32_t links;
  std::uint32_t user;
  std::uint32_t group;
  std::uint64_t special_device;
  std::uint32_t padding1;
  std::int64_t size;
  std::uint32_t block_size;
  std::uint64_t blocks;
  std::uint32_t times[6];
  std::uint64_t inode;
};
static_assert(sizeof(CompatibleStat) == 96 && offsetof(CompatibleStat, size) == 44);

}  // namespace

bool write_stat(std::uint64_t address, const struct stat& status, StatLayout layout) {
  switch (layout) {
    case StatLayout::kNative:
      return write_user(address, &status, sizeof status);
    case StatLayout::kCompatible: {
      CompatibleStat answer{};
      answer.short_inode = static_cast<std::uint32_t>(status.st_ino);
      answer.inode = status.st_ino;
      answer.mode = status.st_mode;
      answer.links = static_cast<std::uint32_t>(status.st_nlink);
      answer.special_device = status.st_rdev;
      answer.block_size = static_cast<std::uint32_t>(status.st_blksize);
      return write_user(address, &answer, sizeof answer);
    }
    case StatLayout::kExtended: {
      struct statx answer {};
      answer.stx_mask = STATX_BASIC_STATS;
      answer.stx_blksize = static_cast<std::uint32_t>(status.st_blksize);
      answer.stx_nlink = static_cast<std::uint32_t>(status.st_nlink);
      answer.stx_mode = static_cast<std::uint16_t>(status.st_mode);
      answer.stx_ino = status.st_ino;
      answer.stx_rdev_major = major(status.st_rdev);
      answer.stx_rdev_minor = minor(status.st_rdev);
      return write_user(address, &answer, sizeof answer);
    }
  }
  return false;
}

}  // namespace netbinder::supervisor
