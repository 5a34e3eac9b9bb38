// SPDX-License-Identifier: Apache-2.0
//
// Descriptors in calls and replies between two hosts, as programs use them. The server is on host 2
// and runs commands with the descriptors that it is given; these write their findings to files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/session_run.h"

namespace netbinder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Runs in a directory of its own. `given ARGUMENT…` runs `binder_probe give` until its command has
// ended; `agents` are the pids of the agents, in the order of the hosts.
constexpr const char* kPrelude = R"script(
cd "$(mktemp -d)"; trap 'rm -r "$PWD"' EXIT
mkfifo begun ended
on_2() { NETBINDER_SOCKET=$NETBINDER_SOCKET_2 "$@"; }
on_2 binder_probe serve e & server=$!
netbinder service wait e --timeout 60 >/dev/null
given() { local how=$1 command=$2; shift 2; binder_probe $how e "$command; echo >ended" "$@" && read -r <ended; }
agents() { pgrep -P $PPID netbinderd; }
open_files() { for pid in $(agents); do ls /proc/$pid/fd | wc -l; done | tr '\n' ' '; }
settled() { for i in $(seq 3000); do [ "$(open_files)" = "$1" ] && return 0; done; return 1; }
)script";

RunResult run(const std::string& script) { return run_session("--hosts 2", kPrelude + script); }

TEST(FilesBetweenHosts, PipesGoEitherWayAndInReplies) {
  const RunResult result = run(R"script(
printf 'to there' | given give 'cat <&3 >got'; echo "[$(cat got)]"
exec 8> >(cat >back; echo >ended)
binder_probe give e 'printf "from there" >&3' 8; exec 8>&-; read -r <ended; echo "[$(cat back)]"
binder_probe file e
binder_probe fetch e 'seq 1 100000' | md5sum; seq 1 100000 | md5sum
binder_probe fetch e true --unaccepted
on_2 netbinder log --failed | grep 'not accepted'
)script");
  EXPECT_THAT(result.output, HasSubstr("[to there]\n"));
  EXPECT_THAT(result.output, HasSubstr("[from there]\n"));
  EXPECT_THAT(result.output, HasSubstr("file ok\ndea9193b768319cbb4ff1a137ac03113  -\n"
                                       "dea9193b768319cbb4ff1a137ac03113  -\n"
                                       "BR_FAILED_REPLY EPERM\n"));
  EXPECT_THAT(result.output, HasSubstr("descriptors are not accepted\n"));
}

TEST(FilesBetweenHosts, ASocketTalksBothWaysAndIsShutDownByHalves) {
  const RunResult result = run(R"script(
cat >there.py <<'END'
import os, socket
s = socket.socket(fileno=3)
got = b''
while True:
  more = s.recv(65536)
  if not more: break
  got += more
s.sendall(got[::-1])
s.shutdown(socket.SHUT_WR)
END
cat >here.py <<'END'
import socket, subprocess
ours, travelling = socket.socketpair()
subprocess.run(['binder_probe', 'give', 'e', 'python3 there.py', str(travelling.fileno())],
               pass_fds=[travelling.fileno()], check=True)
travelling.close()
text = bytes(range(251)) * 5000
ours.sendall(text)
ours.shutdown(socket.SHUT_WR)
got = b''
while True:
  more = ours.recv(65536)
  if not more: break
  got += more
print('reversed', got == text[::-1])
END
python3 here.py)script");
  EXPECT_THAT(result.output, HasSubstr("given\nreversed True\n"));
}

TEST(FilesBetweenHosts, PacketsAndOpenFlagsStayWhatTheyAre) {
  const RunResult result = run(R"script(
cat >there.py <<'END'
import os, socket
s = socket.socket(fileno=3)
s.setblocking(True)
sizes = []
while True:
  packet = s.recv(1 << 20)
  if not packet: break
  sizes.append(len(packet))
s.send(repr(sizes).encode())
END
cat >here.py <<'END'
import fcntl, os, socket, subprocess
ours, travelling = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
before = fcntl.fcntl(travelling, fcntl.F_GETFL)
subprocess.run(['binder_probe', 'give', 'e', 'python3 there.py', str(travelling.fileno())],
               pass_fds=[travelling.fileno()], check=True)
for size in (3, 1, 70000, 5): ours.send(b'x' * size)
ours.shutdown(socket.SHUT_WR)
print('sizes', ours.recv(1000).decode())
print('same flags', fcntl.fcntl(travelling, fcntl.F_GETFL) == before)
END
python3 here.py)script");
  EXPECT_THAT(result.output, HasSubstr("sizes [3, 1, 70000, 5]\nsame flags True\n"));
}

TEST(FilesBetweenHosts, FilesArriveByContentSealedAndAtTheirPosition) {
  const RunResult result = run(R"script(
cat >look.py <<'END'
import fcntl, os, sys
for fd in range(3, 3 + int(sys.argv[1])):
  print('at', os.lseek(fd, 0, os.SEEK_CUR), 'of', os.fstat(fd).st_size, end=' ')
  print('seals', fcntl.fcntl(fd, 1034), 'mode', fcntl.fcntl(fd, fcntl.F_GETFL) & 3, os.read(fd, 20))
END
cat >sealed.py <<'END'
import fcntl, os, subprocess, sys
fd = os.memfd_create('m', os.MFD_ALLOW_SEALING)
os.write(fd, b'sealed text')
os.lseek(fd, 7, 0)
fcntl.fcntl(fd, 1033, 2 | 4 | 8)
subprocess.run(['binder_probe', sys.argv[1], 'e', 'python3 look.py 1 >got; echo >ended', str(fd)],
               pass_fds=[fd], check=True)
END
printf '0123456789' >file; exec 8<file 9<file; read -r -N 4 <&8
given give 'python3 look.py 2 >got' 8 9; cat got
given give-array 'python3 look.py 2 >got' 9 8; cat got
python3 sealed.py give; read -r <ended; cat got
python3 sealed.py give-array; read -r <ended; cat got
)script");
  EXPECT_THAT(result.output, HasSubstr("given\nat 4 of 10 seals 15 mode 0 b'456789'\n"
                                       "at 0 of 10 seals 15 mode 0 b'0123456789'\n"
                                       "given\nat 0 of 10 seals 15 mode 0 b'0123456789'\n"
                                       "at 4 of 10 seals 15 mode 0 b'456789'\n"
                                       "given\nat 7 of 11 seals 15 mode 0 b'text'\n"
                                       "given\nat 7 of 11 seals 15 mode 0 b'text'\n"));
}

TEST(FilesBetweenHosts, WhatCannotTravelFailsTheCallAndTheLogSaysWhy) {
  const RunResult result = run(R"script(
cat >odd.py <<'END'
import os, select, socket, subprocess, sys
listening = socket.socket(socket.AF_UNIX); listening.bind('\0netbinder-' + str(os.getpid())); listening.listen()
unsealed = os.memfd_create('m')
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
epoll = select.epoll()
for fd in listening.fileno(), unsealed, udp.fileno(), epoll.fileno():
  subprocess.run(['binder_probe', 'give', 'e', 'echo never', str(fd)], pass_fds=[fd])
END
echo >file
binder_probe give e 'echo never' 8 8<>file
binder_probe give e 'echo never' 8 8</
binder_probe give e 'echo never' 8 8</dev/zero
binder_probe give e 'echo never' 8 8</proc/uptime
binder_probe give-array e 'echo never' 9 8 8</dev/zero 9<file
python3 odd.py
truncate -s 65M file; binder_probe give e 'echo never' 8 8<file
netbinder log --failed --kernel | sed -n 's/.*ret .*\/\(.*\) l=.*(/\1 (/p'
netbinder log --failed --json | grep -c '"reason": "a device"'
)script");
  EXPECT_THAT(result.output, Not(HasSubstr("never")));
  EXPECT_THAT(result.output, Not(HasSubstr("given")));
  EXPECT_THAT(result.output,
              HasSubstr("BR_FAILED_REPLY EFBIG\n"
                        "-1 (a file open for writing)\n-1 (a directory)\n-1 (a device)\n"
                        "-1 (a file of a file system that makes it when it is read)\n"
                        "-1 (a device)\n-1 (a listening socket)\n-1 (a memfd that is not sealed)\n"
                        "-1 (a socket that is neither a stream nor of AF_UNIX)\n"
                        "-1 (a kind of descriptor that has a meaning on its host only)\n"
                        "-27 (a file larger than max_file_bytes)\n2\n"));
}

TEST(FilesBetweenHosts, ASlowReaderStopsTheWriterAndTheAgentsStaySmall) {
  const RunResult result = run(R"script(
mkfifo go
cat >write.py <<'END'
import os, select
written, stalled = 0, False
block = bytes(65536)
os.set_blocking(1, False)
while written < 20 << 20:
  if not stalled and not select.select([], [1], [], 1)[1]:
    stalled = True
    open('stalled', 'w').write(str(written))
    open('go', 'w').close()
  try: written += os.write(1, block[:(20 << 20) - written])
  except BlockingIOError: select.select([], [1], [], 1)
END
most() { for pid in $(agents); do grep VmHWM /proc/$pid/status; done | tr -dc '0-9\n'; }
before=($(most))
python3 write.py | given give 'read -r <go; md5sum <&3 >got'
after=($(most))
cat got; head -c 20M /dev/zero | md5sum
[ "$(cat stalled)" -le 524288 ] && echo stopped in time
for i in 0 1; do [ $((${after[i]} - ${before[i]})) -lt 4096 ] && echo small; done
)script");
  EXPECT_THAT(result.output,
              HasSubstr("8f4e33f3dc3e414ff94e5fb6905cba8c  -\n8f4e33f3dc3e414ff94e5fb6905cba8c  -\n"
                        "stopped in time\n"));
#ifndef __SANITIZE_ADDRESS__  // which keeps what is freed
  EXPECT_THAT(result.output, HasSubstr("small\nsmall\n"));
#endif
}

TEST(FilesBetweenHosts, TheEndOfEitherSideIsHeardAtTheOther) {
  const RunResult result = run(R"script(
# The reader is killed: who writes gets a broken pipe.
( set +o pipefail; yes | binder_probe give e 'head -c 10 <&3 >/dev/null; kill -KILL $$'; echo "writer ${PIPESTATUS[0]}" )
# The writer is killed: who reads finds the end.
mkfifo hold
sleep 1000 >hold & writer=$!
exec 8<hold
binder_probe give e 'cat <&3 >got; echo >ended' 8
exec 8<&-; kill -KILL $writer; read -r <ended; echo reader ended
# The program that could write there is killed. A reader at home is killed in the same way.
exec 9> >(cat; echo >ended); binder_probe give e 'echo $$ >begun; exec sleep 1000' 9; exec 9>&-
read -r holder <begun; kill -KILL $holder; read -r <ended; echo the other reader ended
)script");
  EXPECT_THAT(result.output, HasSubstr("writer 141\n"));
  EXPECT_THAT(result.output, HasSubstr("reader ended\n"));
  EXPECT_THAT(result.output, HasSubstr("the other reader ended\n"));
}

TEST(FilesBetweenHosts, AnAgentsDeathEndsWhatItRelayed) {
  const RunResult result = run(R"script(
set -- $(agents); before=$(ls /proc/$1/fd | wc -l)
exec 8> >(cat; echo >ended)
binder_probe give e 'echo $$ >begun; exec sleep 1000' 8; exec 8>&-; read -r first <begun
(yes; echo "writer $?" >writer) | binder_probe give e 'echo $$ >begun; exec sleep 1000' & read -r second <begun
kill -KILL $2
read -r <ended; echo reader ended
until [ -s writer ]; do :; done; cat writer
for i in $(seq 3000); do [ "$(ls /proc/$1/fd | wc -l)" -le "$before" ] && break; done
[ "$(ls /proc/$1/fd | wc -l)" -le "$before" ] && echo none left
kill -KILL $first $second
)script");
  // The failed call of the program that gave the second one may be told between these.
  EXPECT_THAT(result.output, HasSubstr("reader ended\n"));
  EXPECT_THAT(result.output, HasSubstr("writer 141\n"));
  EXPECT_THAT(result.output, HasSubstr("none left\n"));
}

TEST(FilesBetweenHosts, OneCanBePassedHomeAgainAndNoneIsLeftOpen) {
  const RunResult result = run(R"script(
binder_probe serve home & netbinder service wait home --timeout 60 >/dev/null
binder_probe fetch e true; binder_probe fetch home true
before=$(open_files); until settled "$before"; do before=$(open_files); done
for i in 1 2 3; do
  printf 'there and back' |
    given give "exec 8<&3; binder_probe give home 'cat <&3 >got; echo >begun' 8 >/dev/null; read -r end <begun"
  cat got; echo
  binder_probe file e >/dev/null
  binder_probe give e true 8 8</dev/null >/dev/null
  given give-array true 8 8<got >/dev/null
done
settled "$before" && echo none left || { echo "$before"; open_files; }
)script");
  EXPECT_THAT(result.output,
              HasSubstr("there and back\ngiven\nthere and back\ngiven\nthere and back\n"));
  EXPECT_THAT(result.output, HasSubstr("none left\n"));
}

}  // namespace
}  // namespace netbinder::testing
