// SPDX-License-Identifier: Apache-2.0
//
// Whether a path that the program uses leads to one of ours. Paths that name it outright are
// known at once. For the others the kernel is asked first, and only those that it does not find
// are walked (shim/path_walk.h), so that programs pay nothing for paths that are not ours. Any
// thread.
#pragma once

#include <cerrno>

#include "shim/device_path.h"
#include "shim/path_walk.h"

namespace netbinder {

// To be called after the kernel has found nothing there. kOther if the path is not ours either, or
// if there is no agent. Leaves errno alone.
DevicePath find_behind_links(int dir, const char* name, LastLink last);

// Whether the kernel must not be asked first, because this host has devices or other files under
// our names: a file that it finds may be meant for us then.
bool must_be_walked_first();

// The kernel's errors for a link to a path of ours: there is nothing where it leads, or (in
// /proc/self/fd) a socket.
inline bool may_be_behind_links(int error) {
  return error == ENOENT || error == ENXIO || error == ENOTDIR;
}

// Returns what a function of the C library returns for a path. `ours(path, result)` gives its
// result for a path of ours, or false if the kernel has the path after all; `real()` is the
// library's own function; `failed` is its result in the case of an error.
template <typename Result, typename Ours, typename Real>
Result ours_or_real(int dir, const char* name, LastLink last, Result failed, Ours ours, Real real) {
  const DevicePath direct = parse_device_path(name);
  Result result = failed;
  if (direct.kind != PathKind::kOther && ours(direct, result)) return result;
  if (must_be_walked_first()) [[unlikely]] {
    const DevicePath found = find_behind_links(dir, name, last);
    if (found.kind != PathKind::kOther && ours(found, result)) return result;
  }
  result = real();
  if (result != failed || !may_be_behind_links(errno)) [[likely]]
    return result;
  const DevicePath found = find_behind_links(dir, name, last);
  if (found.kind != PathKind::kOther) (void)ours(found, result);
  return result;
}

}  // namespace netbinder
