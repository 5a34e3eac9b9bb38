// SPDX-License-Identifier: Apache-2.0
#include "shim/device_path.h"

#include <gtest/gtest.h>

#include <string>

namespace netbinder {
namespace {

TEST(DevicePath, Devices) {
  for (const char* path : {"/dev/binder", "//dev///binder", "/dev/./binder", "/./dev/binder"}) {
    const DevicePath parsed = parse_device_path(path);
    EXPECT_EQ(parsed.kind, PathKind::kDevice) << path;
    EXPECT_STREQ(parsed.name, "binder") << path;
    EXPECT_FALSE(parsed.in_binderfs);
  }
  EXPECT_STREQ(parse_device_path("/dev/hwbinder").name, "hwbinder");
  EXPECT_STREQ(parse_device_path("/dev/vndbinder").name, "vndbinder");
  const DevicePath anything = parse_device_path("/dev/binderfs/anything");
  EXPECT_EQ(anything.kind, PathKind::kDevice);
  EXPECT_STREQ(anything.name, "anything");
  EXPECT_TRUE(anything.in_binderfs);
}

TEST(DevicePath, Binderfs) {
  EXPECT_EQ(parse_device_path("/dev/binderfs").kind, PathKind::kDirectory);
  EXPECT_EQ(parse_device_path("/dev/binderfs/").kind, PathKind::kDirectory);
  EXPECT_EQ(parse_device_path("/dev/binderfs/features").kind, PathKind::kDirectory);
  EXPECT_EQ(parse_device_path("/dev/binderfs/features/extended_error").kind, PathKind::kFeature);
  EXPECT_EQ(parse_device_path("/dev/binderfs/features/flying").kind, PathKind::kAbsent);
  EXPECT_EQ(parse_device_path("/dev/binderfs/binder-control").kind, PathKind::kControl);
  EXPECT_EQ(parse_device_path("/dev/binderfs/binder-control/x").kind, PathKind::kAbsent);
  EXPECT_EQ(parse_device_path("/dev/binderfs/binder/more").kind, PathKind::kAbsent);
}

TEST(DevicePath, DebugFiles) {
  for (const std::string root : {"/sys/kernel/debug/binder", "/dev/binderfs/binder_logs"}) {
    EXPECT_EQ(parse_device_path(root.c_str()).kind, PathKind::kDirectory) << root;
    EXPECT_EQ(parse_device_path((root + "/proc").c_str()).kind, PathKind::kDirectory) << root;
    for (const std::string name : {"state", "stats", "transactions", "transaction_log",
                                   "failed_transaction_log", "proc/1", "proc/4194304"}) {
      const DevicePath parsed = parse_device_path((root + "/" + name).c_str());
      EXPECT_EQ(parsed.kind, PathKind::kDebugFile) << root << "/" << name;
      EXPECT_EQ(parsed.name, name);
    }
    for (const std::string name : {"other", "state/", "state/x", "proc/x", "proc/1/", "proc/-1",
                                   "proc/12345678901", "proc/1x"}) {
      EXPECT_EQ(parse_device_path((root + "/" + name).c_str()).kind, PathKind::kAbsent)
          << root << "/" << name;
    }
  }
  EXPECT_EQ(parse_device_path("/sys/kernel/debug").kind, PathKind::kOther);
  EXPECT_EQ(parse_device_path("/sys/kernel/debug/binder2/state").kind, PathKind::kOther);
}

TEST(DevicePath, Others) {
  const std::string long_name = "/dev/binderfs/" + std::string(64, 'x');
  for (const char* path : {"", "/", "/dev", "/dev/null", "dev/binder", "binder", "/dev/binder2",
                           "/dev/binder/", "/tmp/dev/binder", "/dev/xbinder", long_name.c_str()}) {
    EXPECT_EQ(parse_device_path(path).kind, PathKind::kOther) << path;
  }
  EXPECT_EQ(parse_device_path(nullptr).kind, PathKind::kOther);
}

TEST(DevicePath, Descriptions) {
  struct stat answer;
  describe_device(parse_device_path("/dev/binder"), answer);
  EXPECT_TRUE(S_ISCHR(answer.st_mode));
  EXPECT_EQ(answer.st_mode & 0777, 0666U);
  const ino_t binder = answer.st_ino;
  describe_device(parse_device_path("/dev/hwbinder"), answer);
  EXPECT_NE(answer.st_ino, binder);
  describe_device(parse_device_path("/dev/binderfs/features"), answer);
  EXPECT_TRUE(S_ISDIR(answer.st_mode));
  describe_device(parse_device_path("/dev/binderfs/features/extended_error"), answer);
  EXPECT_TRUE(S_ISREG(answer.st_mode));
}

}  // namespace
}  // namespace netbinder
