// SPDX-License-Identifier: Apache-2.0
#include "shim/handshake.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "channel/scm_rights.h"
#include "shim/health_checks.h"
#include "shim/libbinder_symbols.h"
#include "shim/nice.h"
#include "shim/real_calls.h"

namespace netbinder {
namespace {

// Prints a line on stderr, the first time that this is called in a process.
__attribute__((format(printf, 1, 2))) void complain_once(const char* format, ...) {
  static constinit std::atomic<bool> complained = false;
  const char* const quiet = std::getenv("NETBINDER_QUIET");
  if ((quiet != nullptr && std::strcmp(quiet, "1") == 0) || complained.exchange(true)) return;
  char line[512];
  va_list values;
  va_start(values, format);
  const int size = std::vsnprintf(line, sizeof line, format, values);
  va_end(values);
  if (size > 0) {
    (void)!real::write(STDERR_FILENO, line, std::min(static_cast<std::size_t>(size), sizeof line - 1));
  }
}

// The versions of an agent. Before version 10, a reply says no more than its own version.
struct SpokenVersions {
  std::uint32_t newest = 0;
  std::uint32_t oldest = 0;
};

SpokenVersions spoken_by(const HelloReply& reply, std::size_t reply_bytes) {
  if (reply_bytes < sizeof reply) return {.newest = reply.version, .oldest = reply.version};
  return {.newest = reply.newest_version, .oldest = reply.oldest_version};
}

// The agent has refused the Hello because there is no version that both speak.
bool misses_version(const HelloReply& reply, const SpokenVersions& agent) {
  const bool mine = reply.version >= kOldestChannelVersion && reply.version <= kChannelVersion;
  return !mine || (reply.error == -EPROTO &&
                   (agent.newest < kChannelVersion || agent.oldest > kChannelVersion));
}

// Each returns 0 or a negative errno.
int connect_to_agent(int fd, const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
  std::strcpy(address.sun_path, path);
  const timeval limit{.tv_sec = kHandshakeSeconds, .tv_usec = 0};
  (void)::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  (void)::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  while (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno != EINTR) return -errno;
  }
  return 0;
}

int send_hello(int fd, const Hello& hello, int passed) {
  iovec part{.iov_base = const_cast<Hello*>(&hello), .iov_len = sizeof hello};
  RightsBuffer<1> rights;
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  if (passed >= 0) attach_rights(packet, rights.bytes, std::span(&passed, 1));
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(fd, &packet, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == sizeof hello ? 0 : sent < 0 ? -errno : -EPROTO;
}

int receive_reply(int fd, const char* path, Answer& answer) {
  HelloReply& reply = answer.reply;
  RightsMessage<kHelloDescriptors> message;
  const ssize_t got = message.receive(fd, &reply, sizeof reply, 0);
  if (got < 0) return errno == EAGAIN ? -ETIMEDOUT : -errno;
  std::size_t count = 0;
  message.take_rights([&](int received) { answer.descriptors[count++].reset(received); });
  if (got == 0) return -ECONNRESET;
  if (got < static_cast<ssize_t>(kHelloReplyBytesOf9) || reply.magic != kChannelMagic) {
    return -EPROTO;
  }
  const SpokenVersions agent = spoken_by(reply, static_cast<std::size_t>(got));
  if (misses_version(reply, agent)) {
    complain_once(
        "netbinder: the agent at %s speaks versions %u to %u of the channel, this "
        "program's shim %u to %u: install the same netbinder for both\n",
        path, agent.oldest, agent.newest, kOldestChannelVersion, kChannelVersion);
    return -EPROTO;
  }
  answer.answered = true;
  if (reply.error != 0) return reply.error < 0 ? reply.error : -EPROTO;
  if (message.lacks_rights()) return -EMFILE;
  return count == reply.descriptors ? 0 : -EPROTO;
}

}  // namespace

void OwnedFd::reset(int fd) {
  if (fd_ >= 0) real::syscall(SYS_close, fd_);
  fd_ = fd;
}

Hello make_hello(HelloPurpose purpose, const char* name) {
  Hello hello;
  hello.purpose = purpose;
  std::memcpy(hello.name, name, ::strnlen(name, sizeof hello.name - 1));
  const char* const dialect = std::getenv("NETBINDER_DIALECT");
  if (dialect != nullptr && *dialect != '\0') {
    std::memcpy(hello.dialect, dialect, ::strnlen(dialect, sizeof hello.dialect - 1));
  } else if (purpose == kHelloOpen) {
    const char* const detected = dialect_of_libbinder();
    std::memcpy(hello.dialect, detected, std::strlen(detected));
    if (*detected != '\0') hello.flags |= kHelloDialectDetected;
  }
  hello.nice = current_nice();
  return hello;
}

int say_hello(int socket, const char* path, const Hello& hello, int passed, Answer& answer) {
  int error = connect_to_agent(socket, path);
  if (error == 0) error = send_hello(socket, hello, passed);
  if (error == 0) error = receive_reply(socket, path, answer);
  const bool out_of_room = error == -EMFILE || error == -ENFILE || error == -ENOMEM;
  if (error != 0 && !answer.answered && !out_of_room) {
    complain_once(
        "netbinder: cannot reach the agent at %s: %s (is netbinderd running, is "
        "NETBINDER_SOCKET right?)\n",
        path, std::strerror(-error));
  }
  return error;
}

int ask_agent(const char* path, const Hello& hello, int passed, Answer& answer) {
  const OwnedFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return -errno;
  return say_hello(socket.get(), path, hello, passed, answer);
}

}  // namespace netbinder
