// SPDX-License-Identifier: Apache-2.0
#include "shim/path_walk.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "shim/real_calls.h"

namespace netbinder {
namespace {

constexpr int kMostLinks = 40;  // as the kernel

// A path that grows and shrinks at its end.
class PathText {
 public:
  [[nodiscard]] const char* text() const { return size_ == 0 ? "/" : text_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  void clear() { cut(0); }
  void cut(std::size_t size) {
    size_ = size;
    text_[size_] = '\0';
  }
  bool append(const char* part, std::size_t size) {
    if (size >= sizeof text_ - size_) return false;
    std::memcpy(text_ + size_, part, size);
    cut(size_ + size);
    return true;
  }
  bool push(const char* component, std::size_t size) {
    return append("/", 1) && append(component, size);
  }
  void pop() {
    while (size_ > 0 && text_[size_ - 1] != '/') --size_;
    cut(size_ > 0 ? size_ - 1 : 0);
  }

 private:
  char text_[PATH_MAX] = {};
  std::size_t size_ = 0;
};

class Walk {
 public:
  explicit Walk(const PathOwner& owner) : owner_(owner) {
    if (owner.tid == 0) {
      std::strcpy(proc_, "/proc/self");
    } else {
      std::snprintf(proc_, sizeof proc_, "/proc/%d", owner.tid);
    }
  }

  DevicePath run(int dir, const char* path, LastLink last) {
    if (path[0] != '/' && !begin_at(dir)) return {};
    if (!left_.append(path, std::strlen(path))) return {};
    for (;;) {
      const char* at = left_.text() + next_;
      while (*at == '/') ++at;
      if (*at == '\0' || next_ >= left_.size()) return result();
      const std::size_t size = std::strcspn(at, "/");
      next_ = static_cast<std::size_t>(at - left_.text()) + size;
      const bool is_last = left_.text()[next_] == '\0';
      if (!step(at, size, is_last && last == LastLink::kKeep)) return {};
      if (!is_last && parse_device_path(done_.text()).kind == PathKind::kDevice) {
        return {.kind = PathKind::kBelowDevice};
      }
    }
  }

 private:
  // The directory's own path. False: it has none.
  bool begin_at(int dir) {
    char place[kDevicePathBytes];
    if (owner_.name_of_place != nullptr && owner_.name_of_place(dir, place)) {
      return done_.append(place, std::strlen(place));
    }
    char link[64];
    if (dir == AT_FDCWD) {
      std::snprintf(link, sizeof link, "%s/cwd", proc_);
    } else {
      std::snprintf(link, sizeof link, "%s/fd/%d", proc_, dir);
    }
    char target[PATH_MAX];
    const ssize_t size = real::readlink(link, target, sizeof target - 1);
    if (size <= 0 || target[0] != '/') return false;
    target[size] = '\0';
    const char* const inside = without_root(target);
    return std::strcmp(inside, "/") == 0 || done_.append(inside, std::strlen(inside));
  }

  // The path as the owner sees it, if its root is not ours.
  const char* without_root(const char* path) {
    if (owner_.tid == 0) return path;
    char link[64];
    char root[PATH_MAX];
    std::snprintf(link, sizeof link, "%s/root", proc_);
    const ssize_t size = real::readlink(link, root, sizeof root - 1);
    if (size <= 1) return path;
    const auto length = static_cast<std::size_t>(size);
    return std::strncmp(path, root, length) == 0 && path[length] == '/' ? path + length : path;
  }

  // False: there is no such thing, and it is none of ours.
  bool step(const char* component, std::size_t size, bool keep_link) {
    if (size == 1 && component[0] == '.') return true;
    if (size == 2 && component[0] == '.' && component[1] == '.') {
      done_.pop();
      return true;
    }
    const std::size_t before = done_.size();
    if (!done_.push(component, size)) return false;
    if (parse_device_path(done_.text()).kind != PathKind::kOther) return true;
    char target[PATH_MAX];
    if (keep_link) {
      if (read_link(target) < 0 && errno == ENOENT && is_view(before)) {
        done_.clear();
        return done_.append(kViewTarget, std::strlen(kViewTarget)) && done_.push(component, size);
      }
      return true;
    }
    const ssize_t got = read_link(target);
    if (got < 0 && errno == ENOENT && is_view(before)) {
      done_.clear();
      return done_.append(kViewTarget, std::strlen(kViewTarget)) && done_.push(component, size);
    }
    // Debug files may be below directories that are not there.
    if (got < 0) return errno != ENOENT || std::strncmp(done_.text(), "/sys/", 5) == 0;
    if (++links_ > kMostLinks) return false;
    target[got] = '\0';
    if (const char* const device = device_of(target)) {
      done_.clear();
      return done_.append(device, std::strlen(device));
    }
    PathText rest;
    if (!rest.append(target, static_cast<std::size_t>(got)) ||
        !rest.append(left_.text() + next_, left_.size() - next_)) {
      return false;
    }
    left_ = rest;
    next_ = 0;
    done_.cut(target[0] == '/' ? 0 : before);
    return true;
  }

  // Whether binderfs was mounted on the directory that the first `size` bytes name.
  bool is_view(std::size_t size) {
    PathText link;
    char target[PATH_MAX];
    if (!link.append(done_.text(), size) || !link.push(kViewLink, std::strlen(kViewLink))) return false;
    const ssize_t got = read_link_at(link.text(), target);
    return got == static_cast<ssize_t>(std::strlen(kViewTarget)) &&
           std::memcmp(target, kViewTarget, std::strlen(kViewTarget)) == 0;
  }

  ssize_t read_link(char (&target)[PATH_MAX]) { return read_link_at(done_.text(), target); }

  ssize_t read_link_at(const char* link, char (&target)[PATH_MAX]) {
    if (owner_.tid == 0) return real::readlink(link, target, sizeof target - 1);
    // /proc/self is the one who asks.
    char path[PATH_MAX + 64];
    if (std::strcmp(link, "/proc/self") == 0) {
      return std::snprintf(target, sizeof target, "%d", owner_.tid);
    }
    std::snprintf(path, sizeof path, "%s/root%s", proc_, link);
    return real::readlink(path, target, sizeof target - 1);
  }

  // A link of /proc/PID/fd to a binder descriptor.
  [[nodiscard]] const char* device_of(const char* target) const {
    static constexpr char kSocket[] = "socket:[";
    if (owner_.device_of_socket == nullptr || std::strncmp(done_.text(), "/proc/", 6) != 0 ||
        std::strncmp(target, kSocket, sizeof kSocket - 1) != 0) {
      return nullptr;
    }
    return owner_.device_of_socket(std::strtoull(target + sizeof kSocket - 1, nullptr, 10));
  }

  [[nodiscard]] DevicePath result() const { return parse_device_path(done_.text()); }

  const PathOwner& owner_;
  char proc_[32] = {};
  PathText done_;  // without links; empty is the root
  PathText left_;
  std::size_t next_ = 0;  // where the next component of left_ is
  int links_ = 0;
};

}  // namespace

DevicePath walk_path(const PathOwner& owner, int dir, const char* path, LastLink last) {
  if (path == nullptr || path[0] == '\0') return {};
  return Walk(owner).run(dir, path, last);
}

}  // namespace netbinder
