// SPDX-License-Identifier: Apache-2.0
#include "node-agent/epoll_set.h"

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "core/base/check.h"
#include "host/data_plane.h"

namespace netbinder {

namespace {

int make_set() {
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  if (set < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return set;
}

}  // namespace

EpollSet::EpollSet(boost::asio::io_context& io, std::function<void(const epoll_event&)> ready)
    : set_(io, make_set()), ready_(std::move(ready)) {
  watch();
}

int EpollSet::add(int fd, std::uint32_t events, epoll_data_t data) {
  epoll_event event{.events = events, .data = data};
  return ::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

void EpollSet::remove(int fd) {
  NB_CHECK(::epoll_ctl(set_.native_handle(), EPOLL_CTL_DEL, fd, nullptr) == 0 || errno == ENOENT);
}

void EpollSet::watch() {
  set_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                  [this](const boost::system::error_code& error) {
                    if (error) return;
                    take();
                    watch();
                  });
}

bool EpollSet::take_some() {
  NB_ON_DATA_PLANE();
  std::array<epoll_event, 16> events;
  // Further events are left for the next turn: the wait that begins then ends at once.
  const int count = ::epoll_wait(set_.native_handle(), events.data(), events.size(), 0);
  for (int i = 0; i < count; ++i) ready_(events[static_cast<std::size_t>(i)]);
  return count == static_cast<int>(events.size());
}

}  // namespace netbinder
