// SPDX-License-Identifier: Apache-2.0
#include "shim/device_path.h"

#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "channel/version.h"
#include "shim/real_calls.h"

namespace netbinder {
namespace {

constexpr unsigned kMiscMajor = 10;
constexpr const char* kDevices[] = {"binder", "hwbinder", "vndbinder"};
constexpr const char* kDebugFiles[] = {"state", "stats", "transactions", "transaction_log",
                                       "failed_transaction_log"};
constexpr const char* kFeatures[] = {"oneway_spam_detection", "extended_error",
                                     "freeze_notification"};

// The next component of a path, skipping slashes and "."; an empty one at the end.
struct Component {
  const char* start = nullptr;
  std::size_t size = 0;

  [[nodiscard]] bool is(const char* text) const {
    return std::strlen(text) == size && std::memcmp(start, text, size) == 0;
  }
};

Component next_component(const char*& path) {
  for (;;) {
    while (*path == '/') ++path;
    const char* const start = path;
    while (*path != '\0' && *path != '/') ++path;
    const Component found{start, static_cast<std::size_t>(path - start)};
    if (!found.is(".")) return found;
  }
}

DevicePath named(PathKind kind, const Component& name) {
  DevicePath result;
  if (name.size >= sizeof result.name) return result;
  result.kind = kind;
  std::memcpy(result.name, name.start, name.size);
  return result;
}

DevicePath directory(const char* name) {
  DevicePath result{.kind = PathKind::kDirectory};
  std::strcpy(result.name, name);
  return result;
}

// The directory that ".." leads to, if the path ends with that; otherwise it is to be walked.
DevicePath parent(const char* name, const char* rest) {
  return *rest == '\0' || std::strcmp(rest, "/") == 0 ? directory(name) : DevicePath{};
}

// A path below binder_logs or /sys/kernel/debug/binder.
DevicePath parse_debug_file(const char* path) {
  const Component first = next_component(path);
  if (first.size == 0) return directory("binder_logs");
  if (first.is("..")) return parent("binderfs", path);
  const bool only = *path == '\0';
  const Component second = next_component(path);
  const bool ends = *path == '\0';
  if (first.is("proc")) {
    if (second.size == 0) return directory("proc");
    if (second.is("..")) return parent("binder_logs", path);
    const bool number = std::all_of(second.start, second.start + second.size,
                                    [](char digit) { return digit >= '0' && digit <= '9'; });
    DevicePath result{.kind = PathKind::kAbsent};
    if (!number || !ends || second.size > 10) return result;
    result.kind = PathKind::kDebugFile;
    std::memcpy(result.name, "proc/", 5);
    std::memcpy(result.name + 5, second.start, second.size);
    return result;
  }
  for (const char* file : kDebugFiles) {
    if (first.is(file) && only) return named(PathKind::kDebugFile, first);
  }
  return {.kind = PathKind::kAbsent};
}

DevicePath parse_binderfs(const char* path) {
  const Component first = next_component(path);
  if (first.size == 0) return directory("binderfs");
  if (first.is("..")) return parent("..", path);
  if (first.is("binder_logs")) return parse_debug_file(path);
  const Component second = next_component(path);
  if (first.is("binder-control")) {
    return named(second.size == 0 ? PathKind::kControl : PathKind::kAbsent, first);
  }
  if (first.is("features")) {
    if (second.size == 0) return directory("features");
    if (second.is("..")) return parent("binderfs", path);
    for (const char* feature : kFeatures) {
      if (second.is(feature) && *path == '\0') return named(PathKind::kFeature, second);
    }
    return {.kind = PathKind::kAbsent};
  }
  const bool device = second.size == 0 && first.start[first.size] == '\0';
  if (!device) return {.kind = PathKind::kAbsent};
  DevicePath result = named(PathKind::kDevice, first);
  result.in_binderfs = true;
  return result;
}

}  // namespace

DevicePath parse_device_path(const char* path) {
  // Nearly every path that a program opens is rejected here.
  if (path == nullptr || path[0] != '/' || std::strstr(path, "binder") == nullptr) return {};
  const Component root = next_component(path);
  if (root.is("sys")) {
    for (const char* part : {"kernel", "debug", "binder"}) {
      if (!next_component(path).is(part)) return {};
    }
    return parse_debug_file(path);
  }
  if (!root.is("dev")) return {};
  const Component device = next_component(path);
  if (device.is("binderfs")) return parse_binderfs(path);
  if (*path != '\0') return {};
  for (const char* known : kDevices) {
    if (device.is(known)) return named(PathKind::kDevice, device);
  }
  return {};
}

DevicePath device_path(const char* name) {
  const Component whole{name, ::strnlen(name, sizeof DevicePath::name - 1)};
  DevicePath result = named(PathKind::kDevice, whole);
  result.in_binderfs = std::none_of(std::begin(kDevices), std::end(kDevices),
                                    [&](const char* known) { return whole.is(known); });
  return result;
}

void name_path(const DevicePath& path, char (&into)[kDevicePathBytes]) {
  const char* folder = "/dev/binderfs";
  switch (path.kind) {
    case PathKind::kDirectory:
      if (std::strcmp(path.name, "binderfs") == 0) {
        std::strcpy(into, folder);
        return;
      }
      if (std::strcmp(path.name, "proc") == 0) folder = "/dev/binderfs/binder_logs";
      break;
    case PathKind::kFeature:
      folder = "/dev/binderfs/features";
      break;
    case PathKind::kDebugFile:
      folder = "/dev/binderfs/binder_logs";
      break;
    case PathKind::kDevice:
      if (!path.in_binderfs) folder = "/dev";
      break;
    default:
      break;
  }
  std::snprintf(into, sizeof into, "%s/%s", folder, path.name);
}

AgentSocket find_agent() {
  if (agent_socket_of_thread != nullptr) return AgentSocket::at(agent_socket_of_thread);
  const int saved_errno = errno;
  const AgentSocket found([](const char* path) { return real::access(path, F_OK) == 0; });
  errno = saved_errno;
  return found;
}

bool agent_configured() { return find_agent().configured(); }

void describe_device(const DevicePath& path, struct stat& answer) {
  answer = {};
  answer.st_nlink = 1;
  answer.st_blksize = 4096;
  // The inode number: it differs for different names and never changes.
  unsigned number = 2166136261U;
  for (const char* at = path.name; *at != '\0'; ++at) {
    number = (number ^ static_cast<unsigned char>(*at)) * 16777619U;
  }
  answer.st_ino = 2 + number % 1'000'000;
  switch (path.kind) {
    case PathKind::kDirectory:
      answer.st_mode = S_IFDIR | 0755;
      answer.st_nlink = 2;
      break;
    case PathKind::kFeature:
    case PathKind::kDebugFile:
      answer.st_mode = S_IFREG | 0444;
      break;
    case PathKind::kControl:
      answer.st_mode = S_IFCHR | 0600;
      answer.st_rdev = makedev(kMiscMajor, 1024 + number % 65536);
      break;
    default:
      answer.st_mode = S_IFCHR | 0666;
      answer.st_rdev = makedev(kMiscMajor, 1024 + number % 65536);
      break;
  }
}

}  // namespace netbinder
