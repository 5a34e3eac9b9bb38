// SPDX-License-Identifier: Apache-2.0
#include "tests/hostile/silent_file_system.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fuse.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <thread>
#include <vector>

namespace netbinder::testing {

namespace {

template <typename Content>
void answer(int device, std::uint64_t request, const Content& content) {
  struct {
    fuse_out_header header;
    Content content;
  } message{};
  message.header = {.len = sizeof message, .error = 0, .unique = request};
  message.content = content;
  EXPECT_EQ(::write(device, &message, sizeof message), ssize_t{sizeof message});
}

// Answers what an open needs. Returns when it is answered.
void answer_until_open(int device) {
  std::vector<char> bytes(1U << 16);
  for (;;) {
    const ssize_t got = ::read(device, bytes.data(), bytes.size());
    ASSERT_GE(got, static_cast<ssize_t>(sizeof(fuse_in_header)));
    fuse_in_header request{};
    std::memcpy(&request, bytes.data(), sizeof request);
    switch (request.opcode) {
      case FUSE_INIT: {
        fuse_init_out content{};
        content.major = FUSE_KERNEL_VERSION;
        content.minor = FUSE_KERNEL_MINOR_VERSION;
        content.max_write = 4096;
        answer(device, request.unique, content);
        break;
      }
      case FUSE_GETATTR: {
        fuse_attr_out content{};  // valid for no time at all
        content.attr.ino = FUSE_ROOT_ID;
        content.attr.mode = S_IFREG | 0444;
        content.attr.nlink = 1;
        content.attr.size = 4096;
        answer(device, request.unique, content);
        break;
      }
      case FUSE_OPEN: {
        const fuse_open_out content{};
        answer(device, request.unique, content);
        return;
      }
      default: {
        const fuse_out_header none{.len = sizeof none, .error = -ENOSYS, .unique = request.unique};
        EXPECT_EQ(::write(device, &none, sizeof none), ssize_t{sizeof none});
        break;
      }
    }
  }
}

}  // namespace

SilentFileSystem::SilentFileSystem(const std::string& folder) : path_(folder + "/silent") {
  ::close(::open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  device_ = ::open("/dev/fuse", O_RDWR | O_CLOEXEC);
  const std::string options =
      "fd=" + std::to_string(device_) + ",rootmode=100444,user_id=0,group_id=0,allow_other";
  const bool mounted = device_ >= 0 && ::mount("silent", path_.c_str(), "fuse",
                                               MS_NOSUID | MS_NODEV, options.c_str()) == 0;
  EXPECT_TRUE(mounted) << "NOT RUN: only root can mount a file system: " << std::strerror(errno);
  if (!mounted) return;
  std::thread server([this] { answer_until_open(device_); });
  file_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  server.join();
  EXPECT_GE(file_, 0);
}

void SilentFileSystem::is_others() const { ::close(device_); }

SilentFileSystem::~SilentFileSystem() {
  if (device_ >= 0) ::close(device_);  // whoever waits is told that there is no connection
  if (file_ >= 0) ::close(file_);
  (void)::umount2(path_.c_str(), MNT_DETACH);
}

}  // namespace netbinder::testing
