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
