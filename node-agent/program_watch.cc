// SPDX-License-Identifier: Apache-2.0
#include "node-agent/program_watch.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <utility>

namespace netbinder {

namespace {

#ifdef SO_PEERPIDFD
constexpr int kPeerPidfd = SO_PEERPIDFD;
#else
constexpr int kPeerPidfd = 77;  // since Linux 6.5
#endif

int open_pidfd(std::int32_t pid, int socket) {
  int fd = -1;
  socklen_t size = sizeof fd;
  if (socket >= 0 && ::getsockopt(socket, SOL_SOCKET, kPeerPidfd, &fd, &size) == 0) return fd;
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

}  // namespace

ProgramWatch::ProgramWatch(boost::asio::io_context& io, std::function<void(std::int32_t)> ended)
    : set_(io, [this, ended = std::move(ended)](const epoll_event& event) {
        const auto pid = static_cast<std::int32_t>(event.data.u64);
        if (watched_.contains(pid)) ended(pid);
      }) {}

ProgramWatch::Begun ProgramWatch::begin(std::int32_t pid, int socket) {
  // 0: of a pid namespace that cannot be seen from here.
  if (pid <= 0) return Begun::kImpossible;
  const auto found = watched_.find(pid);
  if (found != watched_.end()) {
    pollfd now{.fd = found->second.pidfd.get(), .events = POLLIN, .revents = 0};
    if (::poll(&now, 1, 0) == 0) {
      ++found->second.count;
      return Begun::kWatched;
    }
    // Either it has just ended, which the event loop reports soon, or its pid is another's already.
    return Begun::kGone;
  }
  UniqueFd pidfd(open_pidfd(pid, socket));
  if (!pidfd) return errno == ESRCH ? Begun::kGone : Begun::kImpossible;
  pollfd now{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  if (::poll(&now, 1, 0) != 0) return Begun::kGone;
  if (set_.add(pidfd.get(), EPOLLIN | EPOLLONESHOT, {.u64 = static_cast<std::uint64_t>(pid)}) != 0) {
    return Begun::kImpossible;
  }
  watched_.emplace(pid, Watched{.pidfd = std::move(pidfd), .count = 1});
  return Begun::kWatched;
}

void ProgramWatch::end(std::int32_t pid) {
  const auto found = watched_.find(pid);
  if (found == watched_.end() || --found->second.count > 0) return;
  set_.remove(found->second.pidfd.get());
  watched_.erase(found);
}

}  // namespace netbinder
