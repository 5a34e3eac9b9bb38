// SPDX-License-Identifier: Apache-2.0
#include "supervisor/supervisor.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <utility>

#include "channel/scm_rights.h"
#include "shim/handshake.h"
#include "shim/mailbox_client.h"
#include "shim/process_state.h"
#include "supervisor/calls.h"
#include "supervisor/system_call.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

namespace netbinder::supervisor {

namespace {

constexpr std::chrono::milliseconds kSweepInterval{500};
constexpr int kCannotRun = 127;

// ---- the workers ----

// As many as calls are being answered, and one that waits for the next. A call may wait for as long as
// its program likes.
class Workers {
 public:
  explicit Workers(int listener) : listener_(listener), calls_(listener) {
    idle_.store(1);
    begin();
  }

  // Returns when nobody is supervised any more.
  void run_until_over() {
    pollfd over{.fd = listener_, .events = 0, .revents = 0};
    for (;;) {
      const int got = ::poll(&over, 1, static_cast<int>(kSweepInterval.count()));
      if (got > 0 && (over.revents & POLLHUP) != 0) return;
      calls_.sweep();
    }
  }

 private:
  void begin() {
    std::thread([this] { work(); }).detach();
  }

  void work() {
    seccomp_notif notification{};
    for (;;) {
      std::memset(&notification, 0, sizeof notification);
      if (::ioctl(listener_, SECCOMP_IOCTL_NOTIF_RECV, &notification) != 0) {
        if (errno == EINTR || errno == ENOENT) continue;
        return;
      }
      if (idle_.fetch_sub(1) == 1) {
        idle_.fetch_add(1);
        begin();
      }
      answer(notification);
      // A worker that is not needed any more ends.
      if (idle_.fetch_add(1) >= kMostIdle) {
        idle_.fetch_sub(1);
        return;
      }
    }
  }

  void answer(const seccomp_notif& notification) {
    const Answered answered = calls_.answer(notification);
    seccomp_notif_resp response{};
    response.id = notification.id;
    switch (answered.how) {
      case Answered::How::kDone:
        return;
      case Answered::How::kGoOn:
        response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        break;
      case Answered::How::kWith:
        response.val = answered.value;
        response.error = -answered.error;
        break;
    }
    (void)::ioctl(listener_, SECCOMP_IOCTL_NOTIF_SEND, &response);
  }

  static constexpr int kMostIdle = 4;

  int listener_;
  Calls calls_;
  std::atomic<int> idle_ = 0;
};

bool ask_interrupted() {
  const Caller* const caller = current_caller();
  return caller != nullptr && (!caller->waits() || caller->has_signal());
}

// ---- the program ----

// The exit status of a program as a shell has it.
int status_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void send_descriptor(int socket, int fd) {
  char byte = 0;
  iovec part{.iov_base = &byte, .iov_len = 1};
  RightsBuffer<1> rights;
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  attach_rights(packet, rights.bytes, std::span(&fd, 1));
  (void)::sendmsg(socket, &packet, MSG_NOSIGNAL);
}

OwnedFd receive_descriptor(int socket) {
  char byte = 0;
  RightsMessage<1> message;
  OwnedFd received;
  if (message.receive(socket, &byte, 1, 0) > 0) {
    message.take_rights([&](int fd) { received.reset(fd); });
  }
  return received;
}

// In the program's process: installs the filter, hands its listener over, and executes the program.
[[noreturn]] void become_program(const std::vector<std::string>& command, int socket) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const int listener = install_filter();
  if (listener < 0) {
    std::fprintf(stderr, "netbinder: this kernel does not supervise programs: %s\n",
                 std::strerror(errno));
    ::_exit(kCannotRun);
  }
  send_descriptor(socket, listener);
  ::close(listener);
  ::close(socket);
  ::execvp(arguments[0], arguments.data());
  std::fprintf(stderr, "netbinder: cannot run %s: %s\n", command[0].c_str(), std::strerror(errno));
  ::_exit(kCannotRun);
}

// The process between the one that was started and the program: it supervises, and says how the
// program has ended when it has.
[[noreturn]] void supervise(const std::vector<std::string>& command, int report) {
  // Processes that the program leaves behind stay below this one: it may act only for such ones.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::array<int, 2> sockets{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) ::_exit(kCannotRun);
  const pid_t program = ::fork();
  if (program < 0) ::_exit(kCannotRun);
  if (program == 0) {
    ::close(sockets[0]);
    ::close(report);
    become_program(command, sockets[1]);
  }
  ::close(sockets[1]);
  (void)!::write(report, &program, sizeof program);
  // Signals of the terminal are for the program.
  for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(signal, SIG_IGN);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &files);
  }
  // Outlives this function's frame: the process ends without it.
  static std::atomic<bool> program_has_ended = false;
  std::thread([report, program] {
    for (;;) {
      int status = 0;
      const pid_t ended = ::waitpid(-1, &status, 0);
      if (ended == program) {
        status = status_of(status);
        (void)!::write(report, &status, sizeof status);
        program_has_ended.store(true);
        program_has_ended.notify_all();
      } else if (ended < 0 && errno == ECHILD) {
        return;
      }
    }
  }).detach();
  OwnedFd listener = receive_descriptor(sockets[0]);
  if (listener.get() < 0) {
    for (;;) ::pause();  // it could not be started, and the thread above says so
  }
  const std::uint64_t flags = SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP;
  (void)::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_SET_FLAGS, flags);
  initialize_process_state({.before = [] {}, .settle_in_child = [] {}});
  initialize_mailbox_client();
  is_interrupted = ask_interrupted;
  Workers workers(listener.release());
  workers.run_until_over();
  program_has_ended.wait(false);  // and the thread above has said how
  ::_exit(0);
}

std::atomic<pid_t> program_pid = 0;

void pass_on(int signal) {
  if (const pid_t pid = program_pid.load()) ::kill(pid, signal);
}

bool read_whole(int fd, void* into, std::size_t size) {
  ssize_t got = 0;
  do {
    got = ::read(fd, into, size);
  } while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(size);
}

}  // namespace

int run_supervised(const std::vector<std::string>& command) {
  std::array<int, 2> report{-1, -1};
  if (::pipe2(report.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error(std::string("no pipe: ") + std::strerror(errno));
  }
  const pid_t supervisor = ::fork();
  if (supervisor < 0) throw std::runtime_error(std::string("cannot fork: ") + std::strerror(errno));
  if (supervisor == 0) {
    ::close(report[0]);
    supervise(command, report[1]);
  }
  ::close(report[1]);
  pid_t program = 0;
  if (!read_whole(report[0], &program, sizeof program)) {
    throw std::runtime_error("cannot begin to supervise");
  }
  program_pid.store(program);
  for (const int signal : {SIGTERM, SIGHUP}) {
    struct sigaction action {};
    action.sa_handler = pass_on;
    ::sigaction(signal, &action, nullptr);
  }
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGQUIT, SIG_IGN);
  int status = 0;
  if (!read_whole(report[0], &status, sizeof status)) {
    throw std::runtime_error("the supervisor has ended before the program");
  }
  return status;
}

}  // namespace netbinder::supervisor
