// SPDX-License-Identifier: Apache-2.0
// The many ways to look at a device and to open it.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conformance.h"

// The headers turn open and openat into these under _FORTIFY_SOURCE.
int __open_2(const char* path, int flags);
int __open64_2(const char* path, int flags);
int __openat_2(int dir, const char* path, int flags);
int __openat64_2(int dir, const char* path, int flags);

static void opened(const char* what, int fd) {
  if (fd < 0) {
    note(what, "%s\n", strerrorname_np(errno));
    return;
  }
  struct binder_version version = {.protocol_version = 0};
  const int result = ioctl(fd, BINDER_VERSION, &version);
  note(what, "version %d %d, cloexec %d, nonblocking %d\n", result, version.protocol_version,
       fcntl(fd, F_GETFD) & FD_CLOEXEC, (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  close(fd);
}

static void opening(const char* device) {
  area("opening");
  opened("open", open(device, O_RDWR | O_CLOEXEC));
  opened("open without O_CLOEXEC", open(device, O_RDWR));
  opened("open with O_NONBLOCK", open(device, O_RDWR | O_NONBLOCK));
  opened("open for reading", open(device, O_RDONLY));
  opened("open with a mode", open(device, O_RDWR | O_CREAT, 0600));
  opened("open64", open64(device, O_RDWR | O_CLOEXEC));
  opened("openat", openat(AT_FDCWD, device, O_RDWR | O_CLOEXEC));
  opened("openat of another directory", openat(STDIN_FILENO, device, O_RDWR | O_CLOEXEC));
  opened("openat64", openat64(AT_FDCWD, device, O_RDWR | O_CLOEXEC));
  opened("__open_2", __open_2(device, O_RDWR | O_CLOEXEC));
  opened("__open64_2", __open64_2(device, O_RDWR | O_CLOEXEC));
  opened("__openat_2", __openat_2(AT_FDCWD, device, O_RDWR | O_CLOEXEC));
  opened("__openat64_2", __openat64_2(AT_FDCWD, device, O_RDWR | O_CLOEXEC));
  opened("by another path", open("//dev/./binder", O_RDWR | O_CLOEXEC));
  opened("as a directory", open(device, O_RDWR | O_DIRECTORY));
  opened("a new file", open(device, O_RDWR | O_CREAT | O_EXCL, 0600));
  opened("another name", open("/dev/binder-of-nobody", O_RDWR | O_CLOEXEC));
  opened("hwbinder", open("/dev/hwbinder", O_RDWR | O_CLOEXEC));
  opened("vndbinder", open("/dev/vndbinder", O_RDWR | O_CLOEXEC));
}

static void mode_of(const char* what, int result, const struct stat* status) {
  if (result != 0) {
    note(what, "%s\n", strerrorname_np(errno));
  } else {
    note(what, "character device %d, mode %o\n", S_ISCHR(status->st_mode), status->st_mode & 0777);
  }
}

static void looking(const char* device) {
  area("looking");
  note_result("access R_OK", access(device, R_OK));
  note_result("access W_OK", access(device, R_OK | W_OK));
  note_result("access F_OK", access(device, F_OK));
  note_result("access X_OK", access(device, X_OK));
  note_result("access of another name", access("/dev/binder-of-nobody", F_OK));
  note_result("faccessat", faccessat(AT_FDCWD, device, R_OK, 0));
  note_result("eaccess", eaccess(device, R_OK));
  struct stat status;
  mode_of("stat", stat(device, &status), &status);
  mode_of("lstat", lstat(device, &status), &status);
  mode_of("fstatat", fstatat(AT_FDCWD, device, &status, 0), &status);
  struct statx more = {.stx_mode = 0};
  const int result = statx(AT_FDCWD, device, 0, STATX_BASIC_STATS, &more);
  status.st_mode = more.stx_mode;
  mode_of("statx", result, &status);
}

// Contexts are apart from each other.
static void contexts(void) {
  area("contexts");
  const int fd = open("/dev/hwbinder", O_RDWR | O_CLOEXEC);
  note_result("hwbinder has no manager yet", ioctl(fd, BINDER_SET_CONTEXT_MGR, 0));
  note_result("and now it has", ioctl(fd, BINDER_SET_CONTEXT_MGR, 0));
  const int other = open("/dev/vndbinder", O_RDWR | O_CLOEXEC);
  note_result("vndbinder has no manager yet", ioctl(other, BINDER_SET_CONTEXT_MGR, 0));
  close(fd);
  close(other);
}

void run_opening(const char* device) {
  opening(device);
  looking(device);
  contexts();
}
