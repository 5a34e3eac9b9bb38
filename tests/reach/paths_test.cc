// SPDX-License-Identifier: Apache-2.0
//
// The device is a device, whatever the path that leads to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/session_run.h"

namespace netbinder::testing {
namespace {

using ::testing::HasSubstr;

// Recorded on a kernel's driver, as root.
constexpr const char* kOnAKernel = R"script(link: version 8
link of a link: version 8
link not followed: Too many levels of symbolic links
made by a link: version 8
below a link: version 8
..: version 8
slash behind it: Not a directory
nothing there: No such file or directory
directory: version 8
working directory: version 8
its descriptor: version 8
link of the descriptor: /dev/binder
realpath: /dev/binder
)script";
constexpr const char* kAndFurther = R"script(access: ok
chmod: ok
chown: ok
stream: version 8
O_PATH: ok 20000
opened again: version 8
)script";

TEST(Paths, LeadToTheDeviceAsToAnyOther) {
  const RunResult result = run_session("", R"script(cd "$(mktemp -d)" && reach_probe paths; rm -r "$PWD" 2>/dev/null)script");
  EXPECT_THAT(result.output, HasSubstr(kOnAKernel));
  EXPECT_THAT(result.output, HasSubstr(kAndFurther));
}

TEST(Paths, LeadThereForSupervisedProgramsToo) {
  const RunResult result = run_session(
      "", R"script(cd "$(mktemp -d)" && LD_PRELOAD= netbinder run -- reach_probe_static paths)script");
  EXPECT_THAT(result.output, HasSubstr(kOnAKernel));
}

TEST(Paths, OnlyWhoMayChangesTheMode) {
  if (::geteuid() != 0) FAIL() << "NOT RUN: needs root";
  const RunResult result = run_session("", R"script(
cat >"$NETBINDER_SOCKET.py" <<'END'
import os
for who in (0, 65534):
  os.seteuid(who)
  try:
    os.chmod('/dev/binder', 0o600)
    print('changed')
  except OSError as error:
    print(error.strerror)
print(oct(os.stat('/dev/binder').st_mode))
END
python3 "$NETBINDER_SOCKET.py")script");
  EXPECT_THAT(result.output, HasSubstr("changed\nOperation not permitted\n0o20666\n"));
}

TEST(Paths, AnOpenNeedsFewDescriptors) {
  const RunResult result = run_session("", "reach_probe few 5");
  EXPECT_THAT(result.output, HasSubstr("with 5 free: ok\nmapped: ok\nleft: 1\n"));
}

TEST(Paths, AThousandThreadsAskAtOnce) {
  const RunResult result = run_session("", "reach_probe threads 1000");
  EXPECT_THAT(result.output, HasSubstr("1000 threads, 0 refused\n"));
}

}  // namespace
}  // namespace netbinder::testing
