// SPDX-License-Identifier: Apache-2.0
// For C libraries without this function: the names of the errors that the driver gives.
#include <errno.h>
#include <stddef.h>

const char *strerrorname_np(int error);

const char *strerrorname_np(int error) {
  static const struct {
    int error;
    const char *name;
  } names[] = {
      {EPERM, "EPERM"},     {ENOENT, "ENOENT"}, {ESRCH, "ESRCH"},       {EINTR, "EINTR"},
      {EIO, "EIO"},         {ENXIO, "ENXIO"},   {EBADF, "EBADF"},       {EAGAIN, "EAGAIN"},
      {ENOMEM, "ENOMEM"},   {EACCES, "EACCES"}, {EFAULT, "EFAULT"},     {EBUSY, "EBUSY"},
      {EEXIST, "EEXIST"},   {ENODEV, "ENODEV"}, {ENOTDIR, "ENOTDIR"},   {EISDIR, "EISDIR"},
      {EINVAL, "EINVAL"},   {EMFILE, "EMFILE"}, {ENOTTY, "ENOTTY"},     {EFBIG, "EFBIG"},
      {ENOSPC, "ENOSPC"},   {EPIPE, "EPIPE"},   {ENOSYS, "ENOSYS"},     {ELOOP, "ELOOP"},
      {EPROTO, "EPROTO"},   {ENOTSUP, "ENOTSUP"}, {ENAMETOOLONG, "ENAMETOOLONG"},
      {ETIMEDOUT, "ETIMEDOUT"}, {ECONNRESET, "ECONNRESET"},
  };
  for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
    if (names[i].error == error) return names[i].name;
  }
  return NULL;
}
