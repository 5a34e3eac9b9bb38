// SPDX-License-Identifier: Apache-2.0
#include "supervisor/calls.h"

#include <fcntl.h>
#include <linux/android/binder.h>
#include <linux/android/binderfs.h>
#include <linux/openat2.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "shim/binderfs.h"
#include "shim/driver_calls.h"
#include "shim/path_walk.h"
#include "shim/user_memory.h"
#include "supervisor/parked_numbers.h"
#include "supervisor/stat_layout.h"

namespace netbinder::supervisor {

namespace {

std::string proc(int pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

// A number of a file of /proc whose lines are NAME:\tNUMBER.
std::optional<std::uint64_t> number_in(const std::string& path, const std::string& name, int base) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name)) return std::strtoull(line.c_str() + name.size(), nullptr, base);
  }
  return std::nullopt;
}

// A variable of the environment that the process was started with.
std::string environment_of(int pid, const std::string& name) {
  std::ifstream file(proc(pid, "environ"));
  for (std::string entry; std::getline(file, entry, '\0');) {
    if (entry.starts_with(name + "=")) return entry.substr(name.size() + 1);
  }
  return {};
}

// A path in the caller's memory. False if it cannot be read.
bool read_path(std::uint64_t address, char (&path)[PATH_MAX]) {
  std::size_t done = 0;
  while (done < sizeof path) {
    const std::uint64_t at = address + done;
    const std::size_t part = std::min<std::size_t>(sizeof path - done, 4096 - at % 4096);
    if (!read_user(path + done, at, part)) return false;
    if (std::memchr(path + done, '\0', part) != nullptr) return true;
    done += part;
  }
  return false;
}

ino_t inode_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

bool close_on_exec(const Caller& caller, int fd) {
  const auto flags =
      number_in(proc(caller.tid, "fdinfo/") + std::to_string(fd), "flags:\t", 8);
  return flags && (*flags & O_CLOEXEC) != 0;
}

// The address and the size of the process's mapping of the file with that inode.
std::optional<std::pair<std::uint64_t, std::uint64_t>> mapping_of(int pid, ino_t inode) {
  std::ifstream file(proc(pid, "maps"));
  for (std::string line; std::getline(file, line);) {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    unsigned long long found = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %*s %*s %*s %llu", &begin, &end, &found) == 3 &&
        found == inode) {
      return std::pair(begin, end - begin);
    }
  }
  return std::nullopt;
}

// Whether the kernel finds something there, as the caller sees it.
bool is_there(const Caller& caller, int dir, const char* path) {
  // The meaning of /proc/self depends on the process that asks.
  if (std::strncmp(path, "/proc/", 6) == 0 || std::strncmp(path, "/dev/fd/", 8) == 0) return false;
  std::string seen;
  if (path[0] == '/') {
    seen = proc(caller.tid, "root") + path;
  } else if (dir == AT_FDCWD) {
    seen = proc(caller.tid, "cwd/") + path;
  } else {
    seen = proc(caller.tid, "fd/") + std::to_string(dir) + "/" + path;
  }
  return ::faccessat(AT_FDCWD, seen.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
         ::faccessat(AT_FDCWD, seen.c_str(), F_OK, 0) == 0;
}

// Whether this host has devices, or whatever else, under our names: what is there may be meant for us.
bool has_such_devices() {
  static const bool found = [] {
    for (const char* each : {"/dev/binder", "/dev/hwbinder", "/dev/vndbinder", "/dev/binderfs"}) {
      if (::faccessat(AT_FDCWD, each, F_OK, AT_SYMLINK_NOFOLLOW) == 0) return true;
    }
    return false;
  }();
  return found;
}

constinit Channels* channels_of_walk = nullptr;
const char* device_of_socket(std::uint64_t inode) { return channels_of_walk->device_of(inode); }

class ThreadScope {
 public:
  explicit ThreadScope(const ThreadState& state) : own_(exchange_thread_state(state)) {}
  ~ThreadScope() {
    if (!taken_) (void)exchange_thread_state(own_);
  }
  ThreadState take() {
    taken_ = true;
    return exchange_thread_state(own_);
  }

 private:
  ThreadState own_;
  bool taken_ = false;
};

int descriptor_number(std::uint64_t argument) {
  return static_cast<int>(static_cast<std::uint32_t>(argument));
}

}  // namespace

// ---- who asks ----

bool Calls::identify(const seccomp_notif& notification, Caller& caller, std::string& agent_socket) {
  caller.listener = listener_;
  caller.id = notification.id;
  caller.tid = static_cast<int>(notification.pid);
  const std::lock_guard lock(mutex_);
  int& pid = process_of_[caller.tid];
  if (pid == 0) {
    pid = static_cast<int>(number_in(proc(caller.tid, "status"), "Tgid:\t", 10).value_or(0));
    if (pid == 0) {
      process_of_.erase(caller.tid);
      return false;
    }
  }
  Process& process = processes_[pid];
  if (process.pidfd < 0) {
    process.pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    process.agent_socket = environment_of(pid, "NETBINDER_SOCKET");
  }
  caller.pid = pid;
  caller.pidfd = process.pidfd;
  agent_socket = process.agent_socket;
  return process.pidfd >= 0;
}

Answered Calls::answer(const seccomp_notif& notification) {
  const auto call = system_call_of(notification.data);
  Caller caller;
  std::string agent_socket;
  if (!call || !identify(notification, caller, agent_socket)) return Answered::go_on();
  caller.compatible = call->compatible;
  const CallerScope scope(caller);
  const auto& args = notification.data.args;
  const auto fd = [&](std::size_t i) { return descriptor_number(args[i]); };
  const auto flags = [&](std::size_t i) { return static_cast<int>(args[i]); };
  if (call->operation == Operation::kIoctl) return ioctl(caller, fd(0), args[1], args[2]);
  if (call->operation == Operation::kMmap) {
    return mmap(caller, fd(4), args[1], flags(2), flags(3));
  }
  // The program may have executed another one, with another environment, since it was looked at.
  const bool opens = call->operation == Operation::kOpen || call->operation == Operation::kOpenAt ||
                     call->operation == Operation::kOpenAt2;
  if (opens) agent_socket = environment_of(caller.pid, "NETBINDER_SOCKET");
  agent_socket_of_thread = agent_socket.empty() ? nullptr : agent_socket.c_str();
  const auto answered = [&] {
    switch (call->operation) {
      case Operation::kOpen:
        return open(caller, AT_FDCWD, args[0], flags(1));
      case Operation::kOpenAt:
        return open(caller, fd(0), args[1], flags(2));
      case Operation::kOpenAt2: {
        open_how how{};
        if (args[3] < sizeof how || !read_user(&how, args[2], sizeof how)) {
          return Answered::go_on();
        }
        return open(caller, fd(0), args[1], static_cast<int>(how.flags));
      }
      case Operation::kStat:
        return stat(caller, AT_FDCWD, args[0], args[1], 0, false);
      case Operation::kLstat:
        return stat(caller, AT_FDCWD, args[0], args[1], AT_SYMLINK_NOFOLLOW, false);
      case Operation::kFstatAt:
        return stat(caller, fd(0), args[1], args[2], flags(3), false);
      case Operation::kStatx:
        return stat(caller, fd(0), args[1], args[4], flags(2), true);
      case Operation::kAccess:
        return access(caller, AT_FDCWD, args[0], flags(1), 0);
      case Operation::kFaccessAt:
        return access(caller, fd(0), args[1], flags(2), 0);
      case Operation::kFaccessAt2:
        return access(caller, fd(0), args[1], flags(2), flags(3));
      case Operation::kReadlink:
        return readlink(caller, AT_FDCWD, args[0], args[1], args[2]);
      case Operation::kReadlinkAt:
        return readlink(caller, fd(0), args[1], args[2], args[3]);
      default:
        return Answered::go_on();
    }
  }();
  agent_socket_of_thread = nullptr;
  return answered;
}

// ---- paths ----

DevicePath Calls::find(const Caller& caller, int dir, const char* path, LastLink last) {
  const DevicePath direct = parse_device_path(path);
  if (direct.kind != PathKind::kOther) return direct;
  if (path[0] == '\0' || (!has_such_devices() && is_there(caller, dir, path))) return {};
  channels_of_walk = &channels_;
  const PathOwner owner{.tid = caller.tid, .device_of_socket = device_of_socket};
  return walk_path(owner, dir, path, last);
}

Answered Calls::open(const Caller& caller, int dir, std::uint64_t address, int flags) {
  char text[PATH_MAX];
  if (!read_path(address, text)) return Answered::go_on();
  const auto last = (flags & O_NOFOLLOW) != 0 ? LastLink::kKeep : LastLink::kFollow;
  const DevicePath path = find(caller, dir, text, last);
  if (path.kind == PathKind::kOther) return Answered::go_on();
  if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) return Answered::failed(EEXIST);
  const bool closes = (flags & O_CLOEXEC) != 0;
  OwnedFd file;
  switch (path.kind) {
    case PathKind::kAbsent:
      return Answered::failed(ENOENT);
    case PathKind::kBelowDevice:
      return Answered::failed(ENOTDIR);
    case PathKind::kDirectory:
      return Answered::failed(EACCES);
    case PathKind::kDevice: {
      if ((flags & O_DIRECTORY) != 0) return Answered::failed(ENOTDIR);
      const int error = channels_.open(path, flags, caller.pid, file);
      if (error == -ENXIO && path.in_binderfs) return Answered::failed(ENOENT);
      if (error != 0) return Answered::failed(-error);
      break;
    }
    default:
      file.reset(open_binderfs_file(path, flags | O_CLOEXEC));
      if (file.get() < 0) return Answered::failed(errno);
      break;
  }
  const int number = caller.install(file.get(), closes);
  if (number >= 0) return Answered::with(number);
  return errno == ENOENT ? Answered{.how = Answered::How::kDone} : Answered::failed(errno);
}

Answered Calls::stat(const Caller& caller, int dir, std::uint64_t address, std::uint64_t into,
                     int flags, bool extended) {
  char text[PATH_MAX];
  struct stat status {};
  if (!read_path(address, text)) return Answered::go_on();
  if (text[0] == '\0' && (flags & AT_EMPTY_PATH) != 0) {
    const OwnedFd copy(caller.copy_of(dir));
    const auto channel = copy.get() < 0 ? nullptr : channels_.find(inode_of(copy.get()));
    if (!channel) return Answered::go_on();
    describe_device(channel->device, status);
  } else {
    const auto last = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? LastLink::kKeep : LastLink::kFollow;
    const DevicePath path = find(caller, dir, text, last);
    if (path.kind == PathKind::kOther || !agent_configured()) return Answered::go_on();
    if (path.kind == PathKind::kBelowDevice) return Answered::failed(ENOTDIR);
    if (!binderfs_has(path)) return Answered::failed(ENOENT);
    describe_device(path, status);
  }
  const StatLayout layout = extended            ? StatLayout::kExtended
                            : caller.compatible ? StatLayout::kCompatible
                                                : StatLayout::kNative;
  return write_stat(into, status, layout) ? Answered::with(0) : Answered::failed(EFAULT);
}

Answered Calls::access(const Caller& caller, int dir, std::uint64_t address, int mode, int flags) {
  char text[PATH_MAX];
  if (!read_path(address, text)) return Answered::go_on();
  const auto last = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? LastLink::kKeep : LastLink::kFollow;
  const DevicePath path = find(caller, dir, text, last);
  if (path.kind == PathKind::kOther || !agent_configured()) return Answered::go_on();
  if (path.kind == PathKind::kBelowDevice) return Answered::failed(ENOTDIR);
  if (!binderfs_has(path)) return Answered::failed(ENOENT);
  const bool writable = path.kind == PathKind::kDevice || path.kind == PathKind::kControl;
  const bool refused = ((mode & X_OK) != 0 && path.kind != PathKind::kDirectory) ||
                       ((mode & W_OK) != 0 && !writable);
  return refused ? Answered::failed(EACCES) : Answered::with(0);
}

Answered Calls::readlink(const Caller& caller, int dir, std::uint64_t address, std::uint64_t into,
                         std::uint64_t size) {
  char text[PATH_MAX];
  if (!read_path(address, text)) return Answered::go_on();
  const char* name = nullptr;
  int number = -1;
  if (std::sscanf(text, "/proc/self/fd/%d", &number) == 1 ||
      std::sscanf(text, "/dev/fd/%d", &number) == 1) {
    const OwnedFd copy(caller.copy_of(number));
    if (copy.get() >= 0) name = channels_.device_of(inode_of(copy.get()));
  }
  if (name != nullptr) {
    const std::size_t copied = std::min<std::uint64_t>(size, std::strlen(name));
    return write_user(into, name, copied) ? Answered::with(static_cast<std::int64_t>(copied))
                                          : Answered::failed(EFAULT);
  }
  const DevicePath path = find(caller, dir, text, LastLink::kKeep);
  if (path.kind == PathKind::kOther || !agent_configured()) return Answered::go_on();
  if (path.kind == PathKind::kBelowDevice) return Answered::failed(ENOTDIR);
  return Answered::failed(binderfs_has(path) ? EINVAL : ENOENT);
}

// ---- the driver ----

Answered Calls::mmap(const Caller& caller, int fd, std::uint64_t /*length*/, int protection,
                     int flags) {
  if (fd < 0) return Answered::go_on();
  OwnedFd copy(caller.copy_of(fd));
  if (copy.get() < 0) return Answered::go_on();
  const auto channel = channels_.find(inode_of(copy.get()));
  if (!channel) return Answered::go_on();
  if (channel->opener != caller.pid) return Answered::failed(EINVAL);
  if ((protection & PROT_WRITE) != 0) return Answered::failed(EPERM);
  if ((flags & MAP_TYPE) == 0) return Answered::failed(EINVAL);
  const std::lock_guard lock(channel->mutex);
  if (channel->arena.get() < 0) return Answered::failed(EBUSY);
  if (channel->swapped) return Answered::go_on();
  channel->close_on_exec = close_on_exec(caller, fd);
  if (!caller.replace(fd, channel->arena.get(), channel->close_on_exec)) {
    return Answered{.how = Answered::How::kDone};
  }
  // The kernel maps it when it goes on; the next call puts the socket back.
  channel->socket = std::move(copy);
  channel->swapped = true;
  return Answered::go_on();
}

void Calls::settle_mapping(const Caller& caller, Channel& channel, int fd) {
  const std::lock_guard lock(channel.mutex);
  if (!channel.swapped) return;
  const OwnedFd copy(caller.copy_of(fd));
  if (copy.get() >= 0 && inode_of(copy.get()) == channel.arena_inode) {
    (void)caller.replace(fd, channel.socket.get(), channel.close_on_exec);
    channel.socket.reset(-1);
    channel.swapped = false;
  }
}

void Calls::tell_mapping(const Caller& caller, Channel& channel, int fd) {
  const std::lock_guard lock(channel.mutex);
  if (channel.mapped || channel.arena.get() < 0 || channel.opener != caller.pid) return;
  const auto place = mapping_of(caller.pid, channel.arena_inode);
  if (!place) return;
  Descriptor& descriptor = *channel.descriptor;
  MailboxLease lease(descriptor, fd);
  if (!lease) return;
  lease.mailbox().request = {};
  lease.mailbox().request.operation = kOpMap;
  lease.mailbox().request.address = place->first;
  lease.mailbox().request.bytes = std::min<std::uint64_t>(place->second, kMaxMapBytes);
  if (lease.exchange() != 0) return;
  channel.mapped = true;
  channel.arena.reset(-1);
}

void Calls::attach(const Caller& caller, Channel& channel, int socket) {
  {
    const std::lock_guard lock(channel.mutex);
    if (channel.opener == caller.pid || !channel.attached.emplace(caller.pid, true).second) return;
  }
  Hello hello = make_hello(kHelloAttach, "");
  hello.subject = caller.pid;
  Answer answer;
  (void)ask_agent(find_agent().path(), hello, socket, answer);
}

Answered Calls::driver_call(Caller& caller, const std::shared_ptr<Channel>& channel, int fd,
                            std::uint64_t request, std::uint64_t argument) {
  ThreadState state{};
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = threads_.find(caller.tid); known != threads_.end()) {
      state = known->second;
    }
  }
  state.tid = static_cast<std::uint32_t>(caller.tid);
  ThreadScope thread(state);
  caller.fd = fd;
  tell_mapping(caller, *channel, fd);
  errno = 0;
  const int result = ioctl_binder(*channel->descriptor, fd, request,
                                  reinterpret_cast<void*>(argument));
  const int error = errno;
  state = thread.take();
  {
    const std::lock_guard lock(mutex_);
    threads_[caller.tid] = state;
  }
  return result < 0 ? Answered::failed(error) : Answered::with(result);
}

Answered Calls::ioctl(Caller& caller, int fd, std::uint64_t request, std::uint64_t argument) {
  std::shared_ptr<Channel> channel;
  {
    // The copy must end before the call waits, or the last close would not be noticed.
    const OwnedFd copy(caller.copy_of(fd));
    if (copy.get() < 0) return Answered::go_on();
    channel = channels_.find(inode_of(copy.get()));
    if (channel) {
      const int flags = ::fcntl(copy.get(), F_GETFL);
      if (inode_of(copy.get()) != channel->arena_inode) {
        channel->descriptor->nonblocking.store((flags & O_NONBLOCK) != 0,
                                               std::memory_order_relaxed);
        attach(caller, *channel, copy.get());
      }
    } else if (static_cast<std::uint32_t>(request) == BINDER_CTL_ADD) {
      std::array<char, 64> target{};
      const std::string link = "/proc/self/fd/" + std::to_string(copy.get());
      if (::readlink(link.c_str(), target.data(), target.size() - 1) > 0 &&
          std::strcmp(target.data(), kControlLink) == 0) {
        const int error = add_binderfs_device(argument);
        return error == 0 ? Answered::with(0) : Answered::failed(error);
      }
    }
  }
  if (!channel) return Answered::go_on();
  settle_mapping(caller, *channel, fd);
  return driver_call(caller, channel, fd, request, argument);
}

// ---- ends ----

void Calls::sweep() {
  channels_.sweep();
  std::vector<ThreadState> ended;
  {
    const std::lock_guard lock(mutex_);
    for (auto it = process_of_.begin(); it != process_of_.end();) {
      if (::syscall(SYS_tgkill, it->second, it->first, 0) == 0 || errno != ESRCH) {
        ++it;
        continue;
      }
      if (const auto state = threads_.extract(it->first)) ended.push_back(state.mapped());
      it = process_of_.erase(it);
    }
    for (auto it = processes_.begin(); it != processes_.end();) {
      if (::kill(it->first, 0) == 0 || errno != ESRCH) {
        ++it;
        continue;
      }
      ::close(it->second.pidfd);
      forget_parked(it->first);
      it = processes_.erase(it);
    }
  }
  for (const ThreadState& state : ended) {
    ThreadScope thread(state);
    end_thread_state();
    (void)thread.take();
  }
}

}  // namespace netbinder::supervisor
