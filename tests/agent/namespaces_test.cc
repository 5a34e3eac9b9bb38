// SPDX-License-Identifier: Apache-2.0
//
// A program shows the namespace that it is in by a descriptor, and may show anything.
#include "node-agent/namespaces.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "node-agent/unique_fd.h"

namespace netbinder {
namespace {

TEST(PidNamespace, IsToldFromAnythingElse) {
  const UniqueFd own(::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(is_pid_namespace(own.get()));

  const UniqueFd user(::open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(is_pid_namespace(user.get()));
  EXPECT_FALSE(is_pid_namespace(-1));
  const UniqueFd memory(::memfd_create("pid:[4026531836]", MFD_CLOEXEC));
  EXPECT_FALSE(is_pid_namespace(memory.get()));
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_FALSE(is_pid_namespace(socket.get()));

  std::string folder = (std::filesystem::temp_directory_path() / "netbinder-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/pid:[4026531836]";
  const UniqueFd file(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_TRUE(file);
  EXPECT_FALSE(is_pid_namespace(file.get()));
  std::filesystem::remove(path);
  EXPECT_FALSE(is_pid_namespace(file.get()));
  std::filesystem::remove(folder);
}

// It is not even looked at: an ioctl could take as long as the file's server likes.
TEST(PidNamespace, AnotherKindOfFileIsNotUsed) {
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const ReceiversView view(::getpid(), ForeignFd(::dup(socket.get())));
  EXPECT_EQ(view.pid(::getpid()), ::getpid());
}

}  // namespace
}  // namespace netbinder
