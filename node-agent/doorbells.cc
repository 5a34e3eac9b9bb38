// SPDX-License-Identifier: Apache-2.0
#include "node-agent/doorbells.h"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "core/check.h"
#include "node-agent/client_channel.h"

namespace netbinder {

namespace {

int make_set() {
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  if (set < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return set;
}

}  // namespace

Doorbells::Doorbells(boost::asio::io_context& io, std::function<void(ClientChannel&)> rung)
    : set_(io, make_set()), rung_(std::move(rung)) {
  watch();
}

int Doorbells::add(ClientChannel& channel) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = &channel;
  const int set = set_.native_handle();
  return ::epoll_ctl(set, EPOLL_CTL_ADD, channel.doorbell(), &event) == 0 ? 0 : -errno;
}

void Doorbells::remove(const ClientChannel& channel) {
  // The program has the eventfd, too: it does not leave the set when it is closed here.
  const int set = set_.native_handle();
  NB_CHECK(::epoll_ctl(set, EPOLL_CTL_DEL, channel.doorbell(), nullptr) == 0 || errno == ENOENT);
}

void Doorbells::watch() {
  set_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                  [this](const boost::system::error_code& error) {
                    if (error) return;
                    take();
                    watch();
                  });
}

void Doorbells::take() {
  std::array<epoll_event, 16> events;
  // More of them are left for the next turn: the wait that begins then ends at once.
  const int count = ::epoll_wait(set_.native_handle(), events.data(), events.size(), 0);
  for (int i = 0; i < count; ++i) {
    rung_(*static_cast<ClientChannel*>(events[static_cast<std::size_t>(i)].data.ptr));
  }
}

}  // namespace netbinder
