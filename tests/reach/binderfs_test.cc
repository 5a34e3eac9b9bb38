// SPDX-License-Identifier: Apache-2.0
//
// binderfs: its directories can be listed, devices made and unlinked, and a directory made a view of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/e2e/session_run.h"

namespace netbinder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Binderfs, IsListedWithoutErrors) {
  const RunResult result = run_session("", R"script(
ls /dev/binderfs && ls -la /dev/binderfs /dev/binderfs/features /dev/binderfs/binder_logs && echo listed
cat /dev/binderfs/features/extended_error
python3 -c 'import os; print(sorted(os.listdir("/dev/binderfs")))'
)script");
  EXPECT_THAT(result.output, Not(HasSubstr("cannot")));
  EXPECT_THAT(result.output, HasSubstr("binder\nbinder-control\n"));
  EXPECT_THAT(result.output, HasSubstr("listed\n1\n"
                                       "['binder', 'binder-control', 'binder_logs', 'features', "
                                       "'hwbinder', 'vndbinder']\n"));
}

// The steps of the kernel's own test of binderfs, and a few requests that it refuses.
constexpr const char* kActions = R"script(
import ctypes, fcntl, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
where = sys.argv[1]
def said(result): return 'ok' if result == 0 else os.strerror(ctypes.get_errno())
if where != '/dev/binderfs': print('mount', said(libc.mount(b'binder', where.encode(), b'binder', 0, None)))
control = os.open(where + '/binder-control', os.O_RDWR | os.O_CLOEXEC)
def add(name):
  device = bytearray(struct.pack('256sII', name, 0, 0))
  try:
    fcntl.ioctl(control, 0xc1086201, device)
    return 'ok'
  except OSError as error: return error.strerror
print('add', add(b'my-binder'), '|', add(b'my-binder'), '|', add(b'a/b'), '|', add(b''), '|', add(b'features'))
def version(path):
  try: fd = os.open(path, os.O_RDWR)
  except OSError as error: return error.strerror
  got = bytearray(4)
  fcntl.ioctl(fd, 0xc0046209, got)
  return struct.unpack('i', got)[0]
print('version', version(where + '/my-binder'))
def unlink(name):
  try: os.unlink(where + '/' + name); return 'ok'
  except OSError as error: return error.strerror
kept = os.open(where + '/my-binder', os.O_RDWR)
print('unlink', unlink('binder-control'), '|', unlink('my-binder'), '|', unlink('my-binder'))
print('gone', version(where + '/my-binder'), '|', add(b'my-binder'), '|', unlink('my-binder'))
print('listed', sorted(os.listdir(where)))
if where != '/dev/binderfs': print('umount', said(libc.umount2(where.encode(), 2)), os.listdir(where))
)script";

constexpr const char* kAnswers =
    R"(add ok | File exists | Permission denied | Permission denied | File exists
version 8
unlink Operation not permitted | ok | No such file or directory
gone No such file or directory | ok | ok
listed ['binder', 'binder-control', 'binder_logs', 'features', 'hwbinder', 'vndbinder']
)";

TEST(Binderfs, DevicesAreMadeAndUnlinked) {
  if (::geteuid() != 0) FAIL() << "NOT RUN: needs root";
  const RunResult result = run_session("", std::string("cat >\"$NETBINDER_SOCKET.py\" <<'END'\n") + kActions +
                                               "END\npython3 \"$NETBINDER_SOCKET.py\" /dev/binderfs");
  EXPECT_THAT(result.output, HasSubstr(kAnswers));
}

TEST(Binderfs, ADirectoryIsAViewOfItWhereItIsMounted) {
  if (::geteuid() != 0) FAIL() << "NOT RUN: needs root";
  const RunResult result = run_session("", std::string("cat >\"$NETBINDER_SOCKET.py\" <<'END'\n") + kActions +
                                               R"script(END
folder=$(mktemp -d)
python3 "$NETBINDER_SOCKET.py" "$folder"
mount -t binder binder "$folder" && ls "$folder" | tr '\n' ' '
LD_PRELOAD= netbinder run -- reach_probe_static paths >/dev/null; rm -r "$folder"
)script");
  EXPECT_THAT(result.output, HasSubstr(std::string("mount ok\n") + kAnswers + "umount ok []\n"));
  EXPECT_THAT(result.output, HasSubstr("binder binder-control binder_logs features hwbinder vndbinder "));
}

}  // namespace
}  // namespace netbinder::testing
