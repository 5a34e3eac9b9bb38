// SPDX-License-Identifier: Apache-2.0
//
// Finds out whether a path leads to one of ours by links, "..", a working directory or a directory's
// descriptor. The paths of shim/device_path.h mostly do not exist in the file system, so the kernel
// cannot be asked: the path is walked, component by component, and the kernel is asked for its links.
//
// Allocates nothing. Any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "shim/device_path.h"

namespace netbinder {

// The owner of the view in which paths are walked: the process (or thread) with this id, or this
// process.
struct PathOwner {
  int tid = 0;  // 0: this process
  // The device whose descriptor the socket with this inode is, or null.
  const char* (*device_of_socket)(std::uint64_t inode) = nullptr;
  // The path that a descriptor stands for, if it is one of shim/places.h; or null.
  bool (*name_of_place)(int fd, char (&into)[kDevicePathBytes]) = nullptr;
};

enum class LastLink : std::uint8_t { kFollow, kKeep };

// The device path that `path` leads to from the directory `dir` (AT_FDCWD is the working
// directory); kOther if it is nothing of ours.
DevicePath walk_path(const PathOwner& owner, int dir, const char* path, LastLink last);

}  // namespace netbinder
