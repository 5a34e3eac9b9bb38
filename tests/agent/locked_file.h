// SPDX-License-Identifier: Apache-2.0
//
// Descriptors that make whoever uses them wait: another thread of the program is in the middle of a
// read or a write of the same file, in a page fault that nobody handles (userfaultfd; its device is
// root's to open).
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <functional>
#include <thread>
#include <utility>

namespace netbinder::testing {

class LockedFile {
 public:
  static constexpr std::size_t kPageBytes = 4096;

  static int open_device() {
    const int device = ::open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
    EXPECT_GE(device, 0) << "NOT RUN: only root can open /dev/userfaultfd";
    return device;
  }

  // `use` reads into the page or writes from it, and holds the file's lock while it faults.
  explicit LockedFile(std::function<void(void* page)> use, int device = open_device())
      : faults_(::ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK)) {
    ::close(device);
    EXPECT_GE(faults_, 0);
    uffdio_api api{.api = UFFD_API, .features = 0, .ioctls = 0};
    EXPECT_EQ(::ioctl(faults_, UFFDIO_API, &api), 0);
    page_ = ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uffdio_register range{
        .range = {.start = reinterpret_cast<std::uint64_t>(page_), .len = kPageBytes},
        .mode = UFFDIO_REGISTER_MODE_MISSING,
        .ioctls = 0};
    EXPECT_EQ(::ioctl(faults_, UFFDIO_REGISTER, &range), 0);
    user_ = std::thread([use = std::move(use), page = page_] { use(page); });
    pollfd fault{.fd = faults_, .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&fault, 1, 60'000), 1);  // it holds the lock now
  }
  ~LockedFile() {
    unlock();
    ::munmap(page_, kPageBytes);
    ::close(faults_);
  }
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;

  void unlock() {
    if (!user_.joinable()) return;
    uffdio_zeropage page{
        .range = {.start = reinterpret_cast<std::uint64_t>(page_), .len = kPageBytes},
        .mode = 0,
        .zeropage = 0};
    EXPECT_EQ(::ioctl(faults_, UFFDIO_ZEROPAGE, &page), 0);
    user_.join();
  }

 private:
  int faults_;
  void* page_ = nullptr;
  std::thread user_;
};

}  // namespace netbinder::testing
