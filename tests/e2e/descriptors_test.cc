// SPDX-License-Identifier: Apache-2.0
//
// Descriptors that a process did not get by its own open, and devices that are made while the agent
// runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/session_run.h"

namespace netbinder::testing {
namespace {

using ::testing::HasSubstr;

// Prints what the descriptor `fd` says of BINDER_VERSION, of a BC_ENTER_LOOPER, and of mmap.
constexpr const char* kTry =
    "cd \"$(mktemp -d)\"\n"
    "cat >try.py <<'END'\n"
    "import ctypes, errno, fcntl, mmap, os, socket, struct, sys\n"
    "def attempt(fd):\n"
    "  try: print('version', struct.unpack('i', fcntl.ioctl(fd, 0xc0046209, bytes(4)))[0])\n"
    "  except OSError as e: print('version', errno.errorcode[e.errno])\n"
    "  write = ctypes.create_string_buffer(struct.pack('I', 0x630c), 4)\n"
    "  bwr = bytearray(struct.pack('6Q', 4, 0, ctypes.addressof(write), 0, 0, 0))\n"
    "  try:\n"
    "    fcntl.ioctl(fd, 0xc0306201, bwr)\n"
    "    print('looper', struct.unpack('6Q', bwr)[1])\n"
    "  except OSError as e: print('looper', errno.errorcode[e.errno])\n"
    "  try: mmap.mmap(fd, 4096, mmap.MAP_PRIVATE, mmap.PROT_READ); print('mapped')\n"
    "  except OSError as e: print('map', errno.errorcode[e.errno])\n"
    "  sys.stdout.flush()\n"
    "END\n";

TEST(Descriptors, OneThatSurvivedExecWorksButCannotBeMapped) {
  const RunResult result =
      run_session("", std::string(kTry) +
                          "python3 -c '\n"
                          "import os, sys\n"
                          "fd = os.open(\"/dev/binder\", os.O_RDWR)\n"
                          "os.set_inheritable(fd, True)\n"
                          "os.execvp(\"python3\", [\"python3\", \"-c\", "
                          "\"exec(open(\\\"try.py\\\").read()); attempt(%d)\" % fd])\n"
                          "'; rm -r \"$PWD\"");
  EXPECT_THAT(result.output, HasSubstr("version 8\nlooper 4\nmap EINVAL\n"));
}

TEST(Descriptors, OneReceivedOverASocketWorksButCannotBeMapped) {
  const RunResult result =
      run_session("", std::string(kTry) +
                          "cat >receive.py <<'END'\n"
                          "exec(open('try.py').read())\n"
                          "s = socket.socket(socket.AF_UNIX)\n"
                          "s.connect('passing.sock')\n"
                          "_, fds, _, _ = socket.recv_fds(s, 1, 1)\n"
                          "attempt(fds[0])\n"
                          "END\n"
                          "cat >send.py <<'END'\n"
                          "import os, socket, subprocess, array\n"
                          "s = socket.socket(socket.AF_UNIX)\n"
                          "s.bind('passing.sock')\n"
                          "s.listen()\n"
                          "receiver = subprocess.Popen(['python3', 'receive.py'])\n"
                          "c, _ = s.accept()\n"
                          "fd = os.open('/dev/binder', os.O_RDWR)\n"
                          "socket.send_fds(c, [b'x'], [fd])\n"
                          "receiver.wait()\n"
                          "END\n"
                          "python3 send.py; rm -r \"$PWD\"");
  EXPECT_THAT(result.output, HasSubstr("version 8\nlooper 4\nmap EINVAL\n"));
}

TEST(Devices, FeatureFilesSayOne) {
  const RunResult result =
      run_session("",
                  "cd /dev/binderfs/features 2>/dev/null\n"
                  "for f in oneway_spam_detection extended_error freeze_notification flying; do\n"
                  "  netbinder run -- cat /dev/binderfs/features/$f 2>&1 | sed \"s|^|$f: |\"\n"
                  "done\n");
  EXPECT_THAT(result.output, HasSubstr("oneway_spam_detection: 1\nextended_error: 1\n"
                                       "freeze_notification: 1\n"));
  EXPECT_THAT(result.output, HasSubstr("No such file or directory"));
}

TEST(Devices, BinderControlAddsOne) {
  const RunResult result = run_session("", R"script(cd "$(mktemp -d)"
cat >add.py <<'END'
import errno, fcntl, os, struct, sys
control = os.open('/dev/binderfs/binder-control', os.O_RDONLY)
def add(name):
  try:
    made = fcntl.ioctl(control, 0xc1086201, struct.pack('256sII', name, 0, 0))
    print('added', struct.unpack('256sII', made)[1] != 0)
  except OSError as e: print(errno.errorcode[e.errno])
def there(name):
  try: os.stat(name); print('there')
  except OSError as e: print(errno.errorcode[e.errno])
there('/dev/binderfs/mine')
add(b'mine')
add(b'mine')
add(b'')
add(b'a/b')
add(b'features')
there('/dev/binderfs/mine')
there('/dev/binderfs/other')
fd = os.open('/dev/binderfs/mine', os.O_RDWR)
print('version', struct.unpack('i', fcntl.ioctl(fd, 0xc0046209, bytes(4)))[0])
END
netbinder run -- python3 add.py
netbinder status
rm -r "$PWD")script");
  EXPECT_THAT(result.output,
              HasSubstr("ENOENT\nadded True\nEEXIST\nEACCES\nEACCES\nEEXIST\nthere\nENOENT\n"
                        "version 8\n"));
  EXPECT_THAT(result.output, HasSubstr("context mine (host): manager none\n"));
}

}  // namespace
}  // namespace netbinder::testing
