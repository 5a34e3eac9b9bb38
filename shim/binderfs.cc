// SPDX-License-Identifier: Apache-2.0
#include "shim/binderfs.h"

#include <fcntl.h>
#include <linux/android/binderfs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "shim/handshake.h"
#include "shim/real_calls.h"
#include "shim/user_memory.h"

namespace netbinder {
namespace {

constexpr const char* kControlName = "binder-control";

int fail(int error) {
  errno = error;
  return -1;
}

int make_file(const char* name, const void* bytes, std::size_t size, int flags) {
  const int fd = ::memfd_create(name, (flags & O_CLOEXEC) != 0 ? MFD_CLOEXEC : 0);
  if (fd < 0) return -1;
  if (::pwrite(fd, bytes, size, 0) != static_cast<ssize_t>(size)) {
    real::close(fd);
    return fail(EIO);
  }
  return fd;
}

int open_debug_file(const DevicePath& path, int flags) {
  Answer answer;
  const int error =
      ask_agent(find_agent().path(), make_hello(kHelloDebugFile, path.name), -1, answer);
  if (error != 0) return fail(answer.answered ? -error : ENOENT);
  if (answer.reply.descriptors != 1) return fail(EIO);
  // The descriptor came with close-on-exec. The duplicate gets the lowest number, as from open.
  const int fd = real::fcntl(answer.descriptors[0].get(),
                             (flags & O_CLOEXEC) != 0 ? F_DUPFD_CLOEXEC : F_DUPFD, 0);
  return fd;
}

}  // namespace

int open_binderfs_file(const DevicePath& path, int flags) {
  const int access = flags & O_ACCMODE;
  if (path.kind == PathKind::kControl) return make_file(kControlName, "", 0, flags);
  if (access != O_RDONLY) return fail(EACCES);
  if (path.kind == PathKind::kDebugFile) return open_debug_file(path, flags);
  return make_file(path.name, "1\n", 2, flags);
}

bool binderfs_has(const DevicePath& path) {
  HelloPurpose purpose = kHelloFindDevice;
  switch (path.kind) {
    case PathKind::kOther:
    case PathKind::kAbsent:
    case PathKind::kBelowDevice:
      return false;
    case PathKind::kDirectory:
    case PathKind::kFeature:
    case PathKind::kControl:
      return true;
    case PathKind::kDevice:
      if (!path.in_binderfs) return true;
      break;
    case PathKind::kDebugFile:
      if (std::strncmp(path.name, "proc/", 5) != 0) return true;
      purpose = kHelloDebugFile;
      break;
  }
  const int saved_errno = errno;
  Answer answer;
  const int error = ask_agent(find_agent().path(), make_hello(purpose, path.name), -1, answer);
  errno = saved_errno;
  // Without an agent nothing speaks against it: open will report the error.
  return error == 0 || !answer.answered;
}

int remove_binderfs_device(const DevicePath& path) {
  const int saved_errno = errno;
  Answer answer;
  const int error =
      ask_agent(find_agent().path(), make_hello(kHelloRemoveDevice, path.name), -1, answer);
  if (error != 0) return fail(answer.answered ? -error : EIO);
  errno = saved_errno;
  return 0;
}

bool control_binderfs(int fd, unsigned long request, void* argument, int& result) {
  if (request != BINDER_CTL_ADD) return false;
  char link[64];
  char target[64];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const int saved_errno = errno;
  const ssize_t size = real::readlink(link, target, sizeof target);
  errno = saved_errno;
  if (size != static_cast<ssize_t>(std::strlen(kControlLink)) ||
      std::memcmp(target, kControlLink, std::strlen(kControlLink)) != 0) {
    return false;
  }
  const int error = add_binderfs_device(address_of(argument));
  result = error == 0 ? 0 : fail(error);
  if (error == 0) errno = saved_errno;
  return true;
}

int add_binderfs_device(std::uint64_t address) {
  binderfs_device device;
  if (!read_user(&device, address, sizeof device)) return EFAULT;
  const std::size_t length = ::strnlen(device.name, sizeof device.name);
  if (length >= sizeof Hello::name) return ENAMETOOLONG;
  Answer answer;
  const int error =
      ask_agent(find_agent().path(), make_hello(kHelloAddDevice, device.name), -1, answer);
  if (error != 0) return answer.answered ? -error : EIO;
  DevicePath path{.kind = PathKind::kDevice};
  std::memcpy(path.name, device.name, length);
  struct stat status;
  describe_device(path, status);
  device.major = major(status.st_rdev);
  device.minor = minor(status.st_rdev);
  return write_user(address, &device, sizeof device) ? 0 : EFAULT;
}

}  // namespace netbinder
