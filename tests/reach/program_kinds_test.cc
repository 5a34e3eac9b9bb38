// SPDX-License-Identifier: Apache-2.0
//
// `netbinder run` and `netbinder session` with programs and places of every kind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/e2e/session_run.h"

namespace netbinder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ProgramKinds, WhatNothingReachesIsSaidInOneLine) {
  if (::geteuid() != 0) FAIL() << "NOT RUN: needs root";
  const RunResult result = run_session("", R"script(
cd "$(mktemp -d)"; chmod 755 .
cp "$(command -v hello_client)" set_uid; chmod u+s set_uid
printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\363\0%048d' 0 >foreign; chmod +x foreign
netbinder run -- ./foreign
chmod -R a+rX "$(dirname "$(command -v netbinder)")"
setpriv --reuid 1000 --regid 1000 --clear-groups "$(command -v netbinder)" run -- ./set_uid
rm -r "$PWD")script");
  EXPECT_THAT(result.output, HasSubstr("netbinder: ./foreign is for another machine: its system "
                                       "calls are an emulator's\n"));
  EXPECT_THAT(result.output, HasSubstr("netbinder: ./set_uid gets rights that the user has not "
                                       "(set-uid), so nothing of the user's reaches it: run it as "
                                       "root\n"));
}

TEST(ProgramKinds, AScriptIsAsItsInterpreter) {
  const RunResult result = run_session("", R"script(
cd "$(mktemp -d)"
printf '#!%s\n' "$(command -v reach_probe_static)" >script; chmod +x script
unset LD_PRELOAD
netbinder run -- ./script; echo "exit $?"
netbinder run -- sh -c 'exit 7'; echo "exit $?"
netbinder run --supervised -- sh -c 'kill -9 $$'; echo "exit $?"
rm -r "$PWD")script");
  EXPECT_THAT(result.output, HasSubstr("usage: reach_probe"));
  EXPECT_THAT(result.output, HasSubstr("exit 2\nexit 7\nexit 137\n"));
}

TEST(ProgramKinds, TheInstallationMayHaveSpacesInItsPath) {
  const RunResult result = run_session("", R"script(
cd "$(mktemp -d)"; mkdir -p 'a b/bin' 'a b/lib'
cp "$(command -v netbinder)" 'a b/bin/'; cp "$(dirname "$(command -v netbinder)")/../lib/libnetbinder-shim.so" 'a b/lib/'
unset LD_PRELOAD
'a b/bin/netbinder' run -- reach_probe few 9
rm -r "$PWD")script");
  EXPECT_THAT(result.output, HasSubstr("with 9 free: ok\n"));
}

TEST(ProgramKinds, FakerootIsNoCircle) {
  if (::access("/usr/bin/fakeroot", X_OK) != 0) {
    FAIL() << "fakeroot is not installed; scripts/install-deps.sh installs it";
  }
  const RunResult result = run_session("", R"script(
unset LD_PRELOAD
timeout 60 fakeroot netbinder run -- reach_probe few 9; echo "exit $?"
timeout 60 netbinder run -- fakeroot stat -c %u /; echo "exit $?")script");
  EXPECT_THAT(result.output, HasSubstr("with 9 free: ok\n"));
  EXPECT_THAT(result.output, HasSubstr("0\nexit 0\n"));
  EXPECT_THAT(result.output, Not(HasSubstr("exit 124")));
}

TEST(ProgramKinds, AProgramThatLocksItsMemoryOpensTheDevice) {
  if (::geteuid() != 0) FAIL() << "NOT RUN: needs root, to drop a capability";
  const RunResult result = run_session("", R"script(
setpriv --bounding-set=-ipc_lock prlimit --memlock=8388608:8388608 reach_probe locked)script");
  EXPECT_THAT(result.output, HasSubstr("locking: ok\nopen: ok\nversion: ok\nmap: ok\n"));
}

TEST(ProgramKinds, AllForkedChildrenCanUseWhatTheirParentHasOpened) {
  EXPECT_THAT(run_session("", "reach_probe forks 200").output,
              HasSubstr("200 children, 0 failed\n"));
}

TEST(ProgramKinds, ANumberThatAnotherFileHasIsThatFiles) {
  const RunResult result = run_session("", "reach_probe reused");
  for (const char* how : {"close", "a system call", "close_range", "fclose"}) {
    EXPECT_THAT(result.output, HasSubstr(std::string("closed by ") + how +
                                         ", same number 1: Inappropriate ioctl for device\n"));
  }
}

// As allocators have it: an mmap made of syscall(2), ahead of the shim or behind it.
TEST(ProgramKinds, LibrariesWithAnMmapOfTheirOwnAreNoCircle) {
  const RunResult result = run_session("", R"script(
cd "$(mktemp -d)"; shim="$LD_PRELOAD"; unset LD_PRELOAD
cat >mapping.c <<'END'
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>
void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset) {
  return (void *)syscall(SYS_mmap, address, bytes, protection, flags, fd, offset);
}
void *mmap64(void *, size_t, int, int, int, off_t) __attribute__((alias("mmap")));
int munmap(void *address, size_t bytes) { return (int)syscall(SYS_munmap, address, bytes); }
END
gcc -shared -fPIC -o libmapping.so mapping.c
for order in "$PWD/libmapping.so:$shim" "$shim:$PWD/libmapping.so"; do
  LD_PRELOAD="$order" timeout 60 reach_probe few 9
done
rm -r "$PWD")script");
  EXPECT_THAT(result.output,
              ::testing::MatchesRegex("(.*\n)*with 9 free: ok(.*\n)+with 9 free: ok(.*\n)*"));
}

TEST(ProgramKinds, ProgramsOfTheAddressSanitizerStart) {
  const RunResult result = run_session("", R"script(
cd "$(mktemp -d)"; unset LD_PRELOAD ASAN_OPTIONS
cat >program.c <<'END'
#include <fcntl.h>
#include <linux/android/binder.h>
#include <stdio.h>
#include <sys/ioctl.h>
int main(void) {
  struct binder_version version = {0};
  int fd = open("/dev/binder", O_RDWR);
  int failed = ioctl(fd, BINDER_VERSION, &version);
  printf("asked: %d %d\n", failed, version.protocol_version);
  return 0;
}
END
gcc -fsanitize=address -o program program.c && netbinder run -- ./program
rm -r "$PWD")script");
  EXPECT_THAT(result.output, HasSubstr("asked: 0 8\n"));
}

TEST(ProgramKinds, SetUidProgramsStartedByRootAreSupervised) {
  if (::geteuid() != 0) FAIL() << "NOT RUN: needs root";
  const RunResult result = run_session("", R"script(
cd "$(mktemp -d)"; chmod 755 .; unset LD_PRELOAD
cp "$(command -v reach_probe)" others; chown 65534:65534 others; chmod 4755 others
netbinder run -- ./others few 9; rm -r "$PWD")script");
  EXPECT_THAT(result.output, HasSubstr("with 9 free: ok\n"));
}

TEST(ProgramKinds, LibrariesThatPassThePreloadLibraryByAreSupervised) {
  const RunResult result = run_session("", R"script(
cd "$(mktemp -d)"; unset LD_PRELOAD
cat >opens.c <<'END'
#include <fcntl.h>
int opens(void) { return open("/dev/binder", O_RDWR) >= 0; }
END
cat >loads.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
int main(void) {
  void *library = dlopen("./libopens.so", RTLD_NOW | RTLD_DEEPBIND);
  printf("opened %d\n", ((int (*)(void))dlsym(library, "opens"))());
}
END
gcc -shared -fPIC -o libopens.so opens.c && gcc -o loads loads.c
netbinder run --supervised -- ./loads; rm -r "$PWD")script");
  EXPECT_THAT(result.output, HasSubstr("opened 1\n"));
}

}  // namespace
}  // namespace netbinder::testing
