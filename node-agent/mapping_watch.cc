// SPDX-License-Identifier: Apache-2.0
#include "node-agent/mapping_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "host/data_plane.h"

namespace netbinder {

MappingWatch::MappingWatch(boost::asio::io_context& io, std::function<void(ProcessId)> lost)
    : inotify_(io), lost_(std::move(lost)) {
  const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "inotify_init1");
  inotify_.assign(fd);
  wait();
}

int MappingWatch::begin(ProcessId process, int program_fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(program_fd);
  const int watch = ::inotify_add_watch(inotify_.native_handle(), path.c_str(), IN_CLOSE_NOWRITE);
  if (watch < 0) return -errno;
  processes_.insert_or_assign(watch, process);
  watches_.insert_or_assign(process.value(), watch);
  return 0;
}

void MappingWatch::end(ProcessId process) {
  const auto found = watches_.find(process.value());
  if (found == watches_.end()) return;
  (void)::inotify_rm_watch(inotify_.native_handle(), found->second);
  processes_.erase(found->second);
  watches_.erase(found);
}

void MappingWatch::wait() {
  inotify_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [this](const boost::system::error_code& error) {
                        if (error) return;
                        take();
                        wait();
                      });
}

void MappingWatch::take() {
  NB_ON_DATA_PLANE();
  // One read; the rest comes in the event loop's next turn.
  alignas(inotify_event) std::array<char, 64 * sizeof(inotify_event)> events{};
  const ssize_t got = ::read(inotify_.native_handle(), events.data(), events.size());
  for (ssize_t at = 0; at + static_cast<ssize_t>(sizeof(inotify_event)) <= got;) {
    inotify_event event{};
    std::memcpy(&event, events.data() + at, sizeof event);
    at += static_cast<ssize_t>(sizeof event + event.len);
    if ((event.mask & IN_CLOSE_NOWRITE) == 0) continue;  // IN_IGNORED follows each end()
    const auto found = processes_.find(event.wd);
    if (found == processes_.end()) continue;
    const ProcessId process = found->second;
    end(process);
    lost_(process);
  }
}

}  // namespace netbinder
