// SPDX-License-Identifier: Apache-2.0
#include "node-agent/namespaces.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "core/base/uapi.h"

namespace netbinder {

namespace {

#ifdef NS_GET_PID_IN_PIDNS
constexpr unsigned long kPidInNamespace = NS_GET_PID_IN_PIDNS;
#else
constexpr unsigned long kPidInNamespace = _IOR(0xb7, 0x8, int);  // since Linux 6.11
#endif

// The driver's word for a user without a number in the receiver's namespace.
constexpr std::uint32_t kNoUser = UINT32_MAX;

std::uint64_t inode_of(const char* path) {
  struct stat status {};
  return ::stat(path, &status) == 0 ? status.st_ino : 0;
}

// Whether the process is in that very namespace, as far as the agent may know.
bool is_in(std::int32_t pid, int pid_namespace) {
  struct stat theirs {};
  struct stat wanted {};
  return ::stat(fmt::format("/proc/{}/ns/pid", pid).c_str(), &theirs) == 0 &&
         ::fstat(pid_namespace, &wanted) == 0 && theirs.st_ino == wanted.st_ino &&
         theirs.st_dev == wanted.st_dev;
}

// The pid in the innermost of its namespaces; 0 if it cannot be found out.
std::int32_t innermost_pid(std::int32_t pid) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("NSpid:")) continue;
    std::istringstream numbers(line.substr(6));
    std::int32_t last = 0;
    while (numbers >> last) {
    }
    return last;
  }
  return 0;
}

}  // namespace

NamespaceIds own_namespaces() {
  return {.pid = inode_of("/proc/self/ns/pid"), .user = inode_of("/proc/self/ns/user")};
}

// The kernel writes the names of such files, and no file that has a path is called so.
bool is_pid_namespace(int fd) {
  constexpr std::string_view kName = "pid:[";
  std::array<char, 64> name{};
  const ssize_t size =
      fd < 0 ? -1
             : ::readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), name.data(), name.size());
  return size > 0 && std::string_view(name.data(), static_cast<std::size_t>(size)).starts_with(kName);
}

std::int32_t ReceiversView::pid(std::int32_t sender) const {
  if (!pid_namespace_ || sender <= 0) return sender;
  const int number = ::ioctl(pid_namespace_.get(), kPidInNamespace, sender);
  if (number >= 0) return number;
  if (errno == ESRCH) return 0;
  return is_in(sender, pid_namespace_.get()) ? innermost_pid(sender) : 0;
}

void ReceiversView::read_user_map() {
  std::ifstream file(fmt::format("/proc/{}/uid_map", program_));
  for (Mapping each; file >> each.inside >> each.outside >> each.count;) users_.push_back(each);
}

std::uint32_t ReceiversView::euid(std::uint32_t sender) {
  if (users_.empty()) read_user_map();
  for (const Mapping& each : users_) {
    if (sender >= each.outside && sender - each.outside < each.count) {
      return each.inside + (sender - each.outside);
    }
  }
  return kNoUser;
}

void ReceiversView::rewrite(std::span<std::byte> commands) {
  std::size_t at = 0;
  while (commands.size() - at >= sizeof(std::uint32_t)) {
    std::uint32_t command = 0;
    std::memcpy(&command, commands.data() + at, sizeof command);
    at += sizeof command;
    const std::size_t size = _IOC_SIZE(command);
    if (size > commands.size() - at) return;
    const bool names_sender =
        command == BR_TRANSACTION || command == BR_TRANSACTION_SEC_CTX || command == BR_REPLY;
    if (names_sender) {
      binder_transaction_data data;
      std::memcpy(&data, commands.data() + at, sizeof data);
      data.sender_pid = pid(data.sender_pid);
      data.sender_euid = euid(data.sender_euid);
      std::memcpy(commands.data() + at, &data, sizeof data);
    }
    at += size;
  }
}

}  // namespace netbinder
