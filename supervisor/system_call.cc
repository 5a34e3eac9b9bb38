// SPDX-License-Identifier: Apache-2.0
#include "supervisor/system_call.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <vector>

namespace netbinder::supervisor {

namespace {

struct Number {
  std::uint32_t number;
  Operation operation;
};

#if defined(__x86_64__)
constexpr std::uint32_t kNativeArch = AUDIT_ARCH_X86_64;
constexpr Number kNative[] = {
    {SYS_open, Operation::kOpen},           {SYS_openat, Operation::kOpenAt},
    {SYS_openat2, Operation::kOpenAt2},     {SYS_ioctl, Operation::kIoctl},
    {SYS_mmap, Operation::kMmap},           {SYS_stat, Operation::kStat},
    {SYS_lstat, Operation::kLstat},         {SYS_newfstatat, Operation::kFstatAt},
    {SYS_statx, Operation::kStatx},         {SYS_access, Operation::kAccess},
    {SYS_faccessat, Operation::kFaccessAt}, {SYS_faccessat2, Operation::kFaccessAt2},
    {SYS_readlink, Operation::kReadlink},   {SYS_readlinkat, Operation::kReadlinkAt}};
#elif defined(__aarch64__)
constexpr std::uint32_t kNativeArch = AUDIT_ARCH_AARCH64;
constexpr Number kNative[] = {
    {SYS_openat, Operation::kOpenAt},       {SYS_openat2, Operation::kOpenAt2},
    {SYS_ioctl, Operation::kIoctl},         {SYS_mmap, Operation::kMmap},
    {SYS_newfstatat, Operation::kFstatAt},  {SYS_statx, Operation::kStatx},
    {SYS_faccessat, Operation::kFaccessAt}, {SYS_faccessat2, Operation::kFaccessAt2},
    {SYS_readlinkat, Operation::kReadlinkAt}};
#else
#error "the numbers of the system calls are to be written for this machine"
#endif

#if defined(__x86_64__)
constexpr std::uint32_t kCompatibleArch = AUDIT_ARCH_I386;
constexpr Number kCompatible[] = {
    {5, Operation::kOpen},          {295, Operation::kOpenAt},      {437, Operation::kOpenAt2},
    {54, Operation::kIoctl},        {192, Operation::kMmap},        {195, Operation::kStat},
    {196, Operation::kLstat},       {300, Operation::kFstatAt},     {383, Operation::kStatx},
    {33, Operation::kAccess},       {307, Operation::kFaccessAt},   {439, Operation::kFaccessAt2},
    {85, Operation::kReadlink},     {305, Operation::kReadlinkAt}};
#else
constexpr std::uint32_t kCompatibleArch = 0;
constexpr std::span<const Number> kCompatible{};
#endif

// The low half of an argument: on the machines that there are it comes first.
constexpr std::uint32_t low_half(std::size_t argument) {
  return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + argument * 8);
}

constexpr std::uint32_t kBinderRequests = 'b';

class Filter {
 public:
  void add(std::uint16_t code, std::uint32_t value, std::uint8_t if_true, std::uint8_t if_false) {
    program_.push_back({code, if_true, if_false, value});
  }
  void load(std::uint32_t offset) { add(BPF_LD | BPF_W | BPF_ABS, offset, 0, 0); }
  void leave(std::uint32_t action) { add(BPF_RET | BPF_K, action, 0, 0); }

  // For the calls of one architecture: a block that always leaves.
  static Filter block(std::span<const Number> numbers) {
    Filter made;
    made.load(offsetof(seccomp_data, nr));
    for (const Number& each : numbers) {
      Filter one;
      if (each.operation == Operation::kIoctl) {
        one.load(low_half(1));
        one.add(BPF_ALU | BPF_RSH | BPF_K, 8, 0, 0);
        one.add(BPF_ALU | BPF_AND | BPF_K, 0xff, 0, 0);
        one.add(BPF_JMP | BPF_JEQ | BPF_K, kBinderRequests, 0, 1);
        one.leave(SECCOMP_RET_USER_NOTIF);
        one.leave(SECCOMP_RET_ALLOW);
      } else if (each.operation == Operation::kMmap) {
        one.load(low_half(3));
        one.add(BPF_JMP | BPF_JSET | BPF_K, MAP_ANONYMOUS, 1, 0);
        one.leave(SECCOMP_RET_USER_NOTIF);
        one.leave(SECCOMP_RET_ALLOW);
      } else {
        one.leave(SECCOMP_RET_USER_NOTIF);
      }
      made.add(BPF_JMP | BPF_JEQ | BPF_K, each.number, 0,
               static_cast<std::uint8_t>(one.program_.size()));
      made.append(one);
    }
    made.leave(SECCOMP_RET_ALLOW);
    return made;
  }
  void append(const Filter& other) {
    program_.insert(program_.end(), other.program_.begin(), other.program_.end());
  }
  [[nodiscard]] std::size_t size() const { return program_.size(); }
  [[nodiscard]] sock_fprog program() {
    return {.len = static_cast<unsigned short>(program_.size()), .filter = program_.data()};
  }

 private:
  std::vector<sock_filter> program_;
};

Filter whole_filter() {
  const Filter native = Filter::block(kNative);
  const Filter compatible = Filter::block(kCompatible);
  Filter made;
  made.load(offsetof(seccomp_data, arch));
  made.add(BPF_JMP | BPF_JEQ | BPF_K, kNativeArch, 0, static_cast<std::uint8_t>(native.size()));
  made.append(native);
  made.add(BPF_JMP | BPF_JEQ | BPF_K, kCompatibleArch, 0,
           static_cast<std::uint8_t>(compatible.size()));
  made.append(compatible);
  made.leave(SECCOMP_RET_ALLOW);
  return made;
}

}  // namespace

std::optional<SystemCall> system_call_of(const seccomp_data& data) {
  const bool compatible = data.arch != kNativeArch;
  const std::span<const Number> numbers =
      compatible ? std::span<const Number>(kCompatible) : std::span<const Number>(kNative);
  for (const Number& each : numbers) {
    if (each.number == static_cast<std::uint32_t>(data.nr)) {
      return SystemCall{.operation = each.operation, .compatible = compatible};
    }
  }
  return std::nullopt;
}

int install_filter() {
  Filter filter = whole_filter();
  const sock_fprog program = filter.program();
  // A call that the supervisor has begun to answer is not interrupted, or what it has read for the
  // program would be lost: it looks for signals itself.
  const auto install = [&] {
    return static_cast<int>(::syscall(
        SYS_seccomp, SECCOMP_SET_MODE_FILTER,
        SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program));
  };
  const int listener = install();
  if (listener >= 0 || errno != EACCES) return listener;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return install();
}

}  // namespace netbinder::supervisor
