// SPDX-License-Identifier: Apache-2.0
#include "node-agent/admin_connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <span>
#include <utility>
#include <variant>

#include "channel/scm_rights.h"
#include "core/view/viewer.h"
#include "host/data_plane.h"
#include "node-agent/admin_answer.h"
#include "node-agent/clock.h"
#include "node-agent/foreign_message.h"
#include "transport/log.h"

namespace netbinder {

void AdminConnection::begin(boost::asio::io_context& io, ForeignFd socket, std::uint32_t uid,
                            const MetricsPage::Shown& shown,
                            const std::shared_ptr<Shared>& shared) {
  const auto known = shared->connections.find(uid);
  const char* const where = shared->reload != nullptr ? "the admin socket" : "metrics.listen";
  if (known != shared->connections.end() && known->second >= kMaxOfUser) {
    log::agent.debug("uid {} has {} connections to {}, and gets no more", uid, known->second,
                     where);
    return;
  }
  log::agent.debug("uid {} connects to {}", uid, where);
  std::shared_ptr<AdminConnection>(new AdminConnection(io, std::move(socket), uid, shown, shared))
      ->wait_for_request();
}

AdminConnection::AdminConnection(boost::asio::io_context& io, ForeignFd socket, std::uint32_t uid,
                                 const MetricsPage::Shown& shown, std::shared_ptr<Shared> shared)
    : socket_(io, socket.release()),
      timer_(io),
      uid_(uid),
      shown_(shown),
      shared_(std::move(shared)) {
  ++shared_->connections[uid_];
}

AdminConnection::~AdminConnection() {
  if (socket_.is_open()) const ForeignFd closed(socket_.release());
  if (--shared_->connections[uid_] == 0) {
    shared_->connections.erase(uid_);
    shared_->accounts.erase(uid_);
  }
}

void AdminConnection::wait_for_request() {
  expire_after(kIdleMs);
  wait();
}

void AdminConnection::wait() {
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       if (!error) self->read();
                     });
}

void AdminConnection::read() {
  NB_ON_DATA_PLANE();
  std::array<char, 4096> bytes;
  const ssize_t got =
      ForeignMessage().receive(socket_.native_handle(), std::as_writable_bytes(std::span(bytes)));
  if (got < 0 && errno == EAGAIN) return wait();
  if (got <= 0) return;
  received_.append(bytes.data(), static_cast<std::size_t>(got));
  if (spoken_ == Spoken::kUnknown) {
    const bool http = http::begins_request(received_.front()) || shared_->reload == nullptr;
    spoken_ = http ? Spoken::kHttp : Spoken::kLines;
  }
  go_on();
}

void AdminConnection::go_on() {
  if (received_.empty()) return wait();
  spoken_ == Spoken::kHttp ? go_on_with_http() : go_on_with_line();
}

bool AdminConnection::may_take_time() {
  UserAccount& account = shared_->accounts.try_emplace(uid_, uid_).first->second;
  if (account.may_run(0, monotonic_ns())) return true;
  timer_.expires_after(std::chrono::milliseconds(20));
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error) self->go_on();
  });
  return false;
}

void AdminConnection::took_time(std::uint64_t began_ns) {
  const std::uint64_t now_ns = monotonic_ns();
  shared_->accounts.try_emplace(uid_, uid_).first->second.took_long(now_ns - began_ns, now_ns);
}

void AdminConnection::go_on_with_line() {
  const std::size_t end = received_.find('\n');
  if (end == std::string::npos) {
    if (received_.size() <= kMaxRequestBytes) wait();
    return;
  }
  if (!may_take_time()) return;
  const std::uint64_t began_ns = monotonic_ns();
  timer_.cancel();  // the answer takes as long as it takes
  auto now = answer_admin(shared_->agent, *shared_->reload, Asker{.uid = uid_},
                          std::string_view(received_).substr(0, end),
                          [self = shared_from_this()](std::string line) {
                            self->send(std::move(line), http::Then::kKeepOpen);
                          });
  received_.erase(0, end + 1);
  took_time(began_ns);
  if (now) send(std::move(now->line), http::Then::kKeepOpen, now->fd);
}

void AdminConnection::go_on_with_http() {
  if (!may_take_time()) return;
  const std::uint64_t began_ns = monotonic_ns();
  const auto taken = http::take_request(received_);
  if (std::holds_alternative<http::Incomplete>(taken)) return wait();
  timer_.cancel();
  if (const auto* refused = std::get_if<http::Refused>(&taken)) {
    return send(http::to_bytes({.status = refused->status, .body = refused->reason + "\n"}, "GET",
                               http::Then::kClose),
                http::Then::kClose);
  }
  const auto& request = std::get<http::Request>(taken);
  const auto then = request.keep_alive ? http::Then::kKeepOpen : http::Then::kClose;
  shared_->pages.answer(
      request, shown_,
      [self = shared_from_this(), method = request.method, then](const http::Answer& answer) {
        self->send(http::to_bytes(answer, method, then), then);
      });
  took_time(began_ns);
}

void AdminConnection::send(std::string bytes, http::Then then, int fd) {
  reply_ = std::move(bytes);
  expire_after(kIdleMs);
  const std::size_t sent = fd >= 0 ? send_with(fd) : 0;
  if (fd >= 0 && sent == 0) return;  // who does not read is not served
  boost::asio::async_write(
      socket_, boost::asio::buffer(reply_) + sent,
      [self = shared_from_this(), then](const boost::system::error_code& error, std::size_t) {
        if (error || then == http::Then::kClose) return;
        self->reply_ = {};
        self->expire_after(kIdleMs);
        self->go_on();
      });
}

std::size_t AdminConnection::send_with(int fd) {
  RightsBuffer<1> rights;
  iovec part{.iov_base = reply_.data(), .iov_len = reply_.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  attach_rights(message, rights.bytes, {&fd, 1});
  const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent <= 0 ? 0 : static_cast<std::size_t>(sent);
}

void AdminConnection::expire_after(int limit_ms) {
  timer_.expires_after(std::chrono::milliseconds(limit_ms));
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self) self->socket_.cancel();
  });
}

}  // namespace netbinder
