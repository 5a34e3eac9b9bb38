// SPDX-License-Identifier: Apache-2.0
#include "ndk/process/device.h"

#include <fcntl.h>
#include <linux/android/binder.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "ndk/base/log.h"
#include "ndk/process/uapi.h"
#include "shim/linked.h"

namespace netbinder::ndk {
namespace {

// As Android's programs map it.
std::size_t map_bytes() {
  return (std::size_t{1} << 20) - 2 * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// A program may try for as long as there is no agent.
void complain_once(const char* device, const char* what, int error) {
  static std::atomic<bool> complained = false;
  if (complained.exchange(true)) return;
  log_line("%s: %s: %s", device, what, std::strerror(error));
}

const char* device_path() {
  const char* const path = std::getenv("NETBINDER_DEVICE");
  return path != nullptr && *path != '\0' ? path : "/dev/binder";
}

}  // namespace

std::optional<Device> Device::open(Dialect dialect) {
  const char* const path = device_path();
  // The agent has one name for everything before Android 11, and finds out the rest.
  const Dialect said = dialect < Dialect::kAndroid11 ? Dialect::kClassic : dialect;
  const int fd = ::netbinder_linked_open(path, O_RDWR | O_CLOEXEC, dialect_name(said));
  if (fd < 0) {
    complain_once(path, "cannot open", errno);
    return std::nullopt;
  }
  Device device(fd);
  binder_version version{};
  int error = device.control(BINDER_VERSION, &version);
  if (error == 0 && version.protocol_version != BINDER_CURRENT_PROTOCOL_VERSION) error = -EPROTO;
  if (error == 0) {
    void* const map =
        ::netbinder_linked_mmap(nullptr, map_bytes(), PROT_READ, MAP_PRIVATE | MAP_NORESERVE, fd);
    if (map == MAP_FAILED) error = -errno;
  }
  if (error != 0) {
    complain_once(path, "cannot use", -error);
    ::netbinder_linked_close(fd);
    return std::nullopt;
  }
  // Drivers that lack it have nothing to tell.
  std::uint32_t enable = 1;
  (void)device.control(kEnableOnewaySpamDetection, &enable);
  return device;
}

int Device::control(unsigned long request, void* argument) const {
  int result = 0;
  do {
    result = ::netbinder_linked_ioctl(fd_, request, argument);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : 0;
}

void Device::close_in_child() {
  ::netbinder_linked_close(fd_);
  fd_ = -1;
}

}  // namespace netbinder::ndk
