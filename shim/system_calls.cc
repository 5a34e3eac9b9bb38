// SPDX-License-Identifier: Apache-2.0
#include "shim/system_calls.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>

#include "shim/connect.h"
#include "shim/descriptor_table.h"
#include "shim/driver_calls.h"
#include "shim/entry_points.h"
#include "shim/real_calls.h"

namespace netbinder {

namespace {

// The 32-bit mmap proper takes a pointer to its arguments; nobody calls it any more.
#if defined(SYS_mmap2)
constexpr long kMmap = SYS_mmap2;
constexpr unsigned kOffsetShift = 12;
#else
constexpr long kMmap = SYS_mmap;
constexpr unsigned kOffsetShift = 0;
#endif

}  // namespace

bool concerns_shim(long number) {
  switch (number) {
    case SYS_ioctl:
    case SYS_openat:
    case SYS_openat2:
    case SYS_munmap:
    case SYS_dup:
    case SYS_dup3:
    case SYS_fcntl:
    case SYS_fstat:
    case SYS_statx:
    case SYS_faccessat:
    case SYS_faccessat2:
    case SYS_readlinkat:
    case kMmap:
#if defined(SYS_newfstatat)
    case SYS_newfstatat:
#endif
#if defined(SYS_open)
    case SYS_open:
    case SYS_dup2:
    case SYS_stat:
    case SYS_lstat:
    case SYS_access:
    case SYS_readlink:
#endif
      return true;
    default:
      return false;
  }
}

namespace {

template <typename T>
T pointer(long argument) {
  return reinterpret_cast<T>(argument);
}

// As the C library has it: -1 and errno. Called for what concerns_shim says only.
long take_shims_way(long number, const long (&a)[6]) {
  const auto i = [&](int n) { return static_cast<int>(a[n]); };
  switch (number) {
    case SYS_ioctl:
      return entry::ioctl(i(0), static_cast<unsigned long>(a[1]), pointer<void*>(a[2]));
    case SYS_openat:
      return entry::open(i(0), pointer<const char*>(a[1]), i(2), static_cast<mode_t>(a[3]));
    case SYS_openat2: {
      // A device needs only the flags of open_how. A call that resolves in another way is left to
      // the kernel.
      const auto* const flags = pointer<const std::uint64_t*>(a[2]);
      const auto before = static_cast<int>(flags == nullptr ? 0 : *flags);
      const long made = real::syscall(number, a[0], a[1], a[2], a[3]);
      if (made >= 0 || (errno != ENOENT && errno != ENXIO)) return made;
      return entry::open(i(0), pointer<const char*>(a[1]), before & ~O_CREAT, 0);
    }
    case kMmap: {
      // An allocator that has an mmap of its own makes it of this call: only the device's may go by
      // way of mmap again.
      bool device = (i(3) & MAP_ANONYMOUS) == 0 && is_binder_fd(i(4));
      if (!device) {
        const long made = real::syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        if (made != -1 || errno != ENODEV) return made;
        device = static_cast<bool>(attach_binder(i(4)));
        errno = ENODEV;
        if (!device) return made;
      }
      return reinterpret_cast<long>(entry::mmap(pointer<void*>(a[0]),
                                                static_cast<std::size_t>(a[1]), i(2), i(3), i(4),
                                                static_cast<off_t>(a[5]) << kOffsetShift));
    }
    case SYS_munmap: {
      const long made = real::syscall(number, a[0], a[1]);
      if (made == 0) note_unmapping(pointer<void*>(a[0]), static_cast<std::size_t>(a[1]));
      return made;
    }
    case SYS_dup:
      return entry::dup(i(0));
    case SYS_dup3:
      return entry::dup3(i(0), i(1), i(2));
    case SYS_fcntl:
      return entry::fcntl(i(0), i(1), pointer<void*>(a[2]));
    case SYS_fstat:
      return entry::fstat(i(0), pointer<struct stat*>(a[1]));
    case SYS_statx:
      return entry::statx(i(0), pointer<const char*>(a[1]), i(2), static_cast<unsigned>(a[3]),
                          pointer<struct statx*>(a[4]));
    case SYS_faccessat:
      return entry::faccessat(i(0), pointer<const char*>(a[1]), i(2), 0);
    case SYS_faccessat2:
      return entry::faccessat(i(0), pointer<const char*>(a[1]), i(2), i(3));
    case SYS_readlinkat:
      return entry::readlinkat(i(0), pointer<const char*>(a[1]), pointer<char*>(a[2]),
                               static_cast<std::size_t>(a[3]));
#if defined(SYS_newfstatat)
    case SYS_newfstatat:
      return entry::fstatat(i(0), pointer<const char*>(a[1]), pointer<struct stat*>(a[2]), i(3));
#endif
#if defined(SYS_open)
    case SYS_open:
      return entry::open(AT_FDCWD, pointer<const char*>(a[0]), i(1), static_cast<mode_t>(a[2]));
    case SYS_dup2:
      if (i(0) == i(1)) return real::syscall(number, a[0], a[1]);
      return entry::dup3(i(0), i(1), 0);
    case SYS_stat:
      return entry::fstatat(AT_FDCWD, pointer<const char*>(a[0]), pointer<struct stat*>(a[1]), 0);
    case SYS_lstat:
      return entry::fstatat(AT_FDCWD, pointer<const char*>(a[0]), pointer<struct stat*>(a[1]),
                            AT_SYMLINK_NOFOLLOW);
    case SYS_access:
      return entry::faccessat(AT_FDCWD, pointer<const char*>(a[0]), i(1), 0);
    case SYS_readlink:
      return entry::readlinkat(AT_FDCWD, pointer<const char*>(a[0]), pointer<char*>(a[1]),
                               static_cast<std::size_t>(a[2]));
#endif
    default:
      errno = ENOSYS;
      return -1;
  }
}

}  // namespace

long emulate_system_call(long number, const long (&a)[6]) {
  const long result = concerns_shim(number)
                          ? take_shims_way(number, a)
                          : real::syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  // A mapping may be at any address; only the last page's would be errors.
  return result == -1 ? -errno : result;
}

}  // namespace netbinder
