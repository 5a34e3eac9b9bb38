// SPDX-License-Identifier: Apache-2.0
#include "node-agent/file_relay.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "node-agent/uninterrupted.h"
#include "transport/log.h"

namespace netbinder {

namespace {

using What = peer::FileEnd::What;

constexpr std::uint64_t kLargestPacket = limits::kFileWindowBytes - limits::kPacketCost;
static_assert(kLargestPacket <= limits::kMaxFileDataBytes);
static_assert(limits::kMaxStreamDataBytes <= limits::kMaxFileDataBytes);

}  // namespace

FileRelay::FileRelay(Setup setup, Send send)
    : setup_(std::move(setup)),
      send_(std::move(send)),
      sending_(setup_.sends ? Sending::kOpen : Sending::kOver),
      taking_(setup_.takes ? Taking::kOpen : Taking::kOver),
      // The end that offered it sends nothing until a program has it at the other end.
      credit_(setup_.offered_here ? 0 : limits::kFileWindowBytes) {}

bool FileRelay::hung_up() const {
  pollfd now{.fd = fd(), .events = 0, .revents = 0};
  return ::poll(&now, 1, 0) == 1 && (now.revents & (POLLHUP | POLLERR)) != 0;
}

bool FileRelay::nothing_unread() const {
  if (!setup_.takes) return true;
  int unread = 0;
  if (::ioctl(fd(), setup_.socket ? SIOCOUTQ : FIONREAD, &unread) != 0) return false;
  return waiting_.empty() && unread == 0;
}

void FileRelay::ready(std::uint32_t events) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) may_read_ = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) may_write_ = true;
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) may_have_hung_up_ = true;
  run();
}

void FileRelay::end_if_hung_up() {
  // Nobody reads at the other side of this descriptor. In a socket there may still be bytes that
  // were written there; then the end of that direction reports both.
  if (!may_have_hung_up_ || sending_ != Sending::kOver || taking_ == Taking::kOver) return;
  if (!hung_up()) return;
  taking_ = Taking::kOver;
  waiting_.clear();
  tell(What::kClosed);
}

void FileRelay::run() {
  while (taking_ != Taking::kOver && may_write_ && !waiting_.empty()) {
    if (!write_piece()) break;
  }
  if (taking_ == Taking::kEnding && waiting_.empty()) last_piece_written();
  give_credit();
  if (sending_ == Sending::kOpen && may_read_ && credit_ > 0) read_all();
  end_if_hung_up();
}

void FileRelay::read_all() {
  if (setup_.gate && !setup_.gate->begin_reading()) return;
  while (sending_ == Sending::kOpen && may_read_ && credit_ > 0) {
    if (!(setup_.packets ? send_packet() : send_piece())) break;
  }
  if (setup_.gate) setup_.gate->end_reading();
}

// ---- from here to the peer ----

void FileRelay::went_ahead(std::size_t bytes) {
  ahead_ = bytes;
  if (setup_.gate) setup_.gate->set_ahead(true);
}

void FileRelay::take_what_went_ahead() {
  std::vector<std::byte> bytes(std::exchange(ahead_, 0));
  std::size_t left = bytes.size();
  while (left > 0) {
    const ssize_t got = uninterrupted([&] {
      return setup_.socket ? ::recv(fd(), bytes.data(), left, MSG_DONTWAIT)
                           : ::read(fd(), bytes.data(), left);
    });
    if (got <= 0 || setup_.packets) break;  // another reader of the same file was faster
    left -= static_cast<std::size_t>(got);
  }
  if (setup_.gate) setup_.gate->set_ahead(false);
}

bool FileRelay::send_piece() {
  thread_local std::array<std::byte, limits::kMaxStreamDataBytes> piece;
  const std::size_t room = std::min<std::uint64_t>(piece.size(), credit_);
  const ssize_t got = uninterrupted([&] {
    return setup_.socket ? ::recv(fd(), piece.data(), room, MSG_DONTWAIT)
                         : ::read(fd(), piece.data(), room);
  });
  if (got < 0 && errno == EAGAIN) {
    may_read_ = false;
    return false;
  }
  if (got <= 0) {
    end_read();
    return false;
  }
  credit_ -= static_cast<std::uint64_t>(got);
  send_(peer::FileData{{piece.begin(), piece.begin() + got}});
  return true;
}

bool FileRelay::send_packet() {
  const ssize_t size =
      uninterrupted([&] { return ::recv(fd(), nullptr, 0, MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC); });
  if (size < 0 && errno == EAGAIN) {
    may_read_ = false;
    return false;
  }
  pollfd now{.fd = fd(), .events = POLLRDHUP, .revents = 0};
  if (size < 0 || (size == 0 && ::poll(&now, 1, 0) == 1)) {
    end_read();
    return false;
  }
  const auto bytes = static_cast<std::uint64_t>(size);
  if (bytes > kLargestPacket) {
    log::files.error("a packet of {} bytes is too large to be relayed: its socket is closed", bytes);
    close();
    return false;
  }
  if (cost(bytes) > credit_) return false;
  std::vector<std::byte> packet(bytes);
  const ssize_t got =
      uninterrupted([&] { return ::recv(fd(), packet.data(), packet.size(), MSG_DONTWAIT); });
  if (got < 0) return errno == EAGAIN;  // another reader of the same socket was faster
  packet.resize(static_cast<std::size_t>(got));
  credit_ -= cost(packet.size());
  send_(peer::FileData{std::move(packet)});
  return true;
}

void FileRelay::end_read() {
  sending_ = Sending::kOver;
  if (setup_.socket && !hung_up()) {
    tell(What::kNoMoreSent);
    return;
  }
  // It is closed, so nobody reads what is still to be written.
  taking_ = Taking::kOver;
  waiting_.clear();
  tell(What::kClosed);
}

void FileRelay::arrived(const peer::FileCredit& credit) {
  if (ahead_ > 0 && setup_.offered_here) take_what_went_ahead();
  credit_ += credit.bytes;
  run();
}

// ---- from the peer to here ----

void FileRelay::arrived(peer::FileData data) {
  if (taking_ == Taking::kOver) return;  // its end is on its way
  if (!setup_.offered_here && !given_) ahead_ += cost(data.bytes.size());
  waiting_.push_back(std::move(data.bytes));
  run();
}

bool FileRelay::write_piece() {
  const std::vector<std::byte>& piece = waiting_.front();
  const std::byte* const from = piece.data() + written_;
  const std::size_t size = piece.size() - written_;
  const ssize_t put = uninterrupted([&] {
    return setup_.socket ? ::send(fd(), from, size, MSG_DONTWAIT | MSG_NOSIGNAL)
                         : ::write(fd(), from, size);
  });
  if (put < 0 && errno == EAGAIN) {
    may_write_ = false;
    return false;
  }
  if (put < 0) {
    write_failed(errno);
    return false;
  }
  written_ += static_cast<std::size_t>(put);
  const auto owe = [this](std::uint64_t bytes) {
    const std::uint64_t came_ahead = setup_.offered_here ? 0 : std::min(ahead_, bytes);
    ahead_ -= came_ahead;
    owed_ += bytes - came_ahead;
  };
  if (!setup_.packets) owe(static_cast<std::uint64_t>(put));
  if (written_ < piece.size()) return true;
  if (setup_.packets) owe(cost(piece.size()));
  written_ = 0;
  waiting_.pop_front();
  return true;
}

void FileRelay::write_failed(int error) {
  if (error == EMSGSIZE) log::files.error("a packet is too large for a socket: it is closed");
  waiting_.clear();
  taking_ = Taking::kOver;
  if (setup_.socket && sending_ == Sending::kOpen && (error == EPIPE || error == ECONNRESET)) {
    tell(What::kNoMoreTaken);  // what was written there is still to be read
    return;
  }
  sending_ = Sending::kOver;
  tell(What::kClosed);
}

void FileRelay::give_credit() {
  if (taking_ != Taking::kOpen || owed_ == 0) return;
  if (owed_ < limits::kFileWindowBytes / 4 && !waiting_.empty()) return;
  send_(peer::FileCredit{std::exchange(owed_, 0)});
}

void FileRelay::arrived(const peer::FileEnd& end) {
  const bool takes_no_more = end.what != What::kNoMoreSent;
  const bool sends_no_more = end.what != What::kNoMoreTaken;
  closes_ = end.what == What::kClosed;
  if (takes_no_more && sending_ == Sending::kOpen) {
    sending_ = Sending::kOver;
    // Programs that write here must notice it. But if the peer's side was merely closed, the
    // program that offered the descriptor still has its own, and may go on with it.
    if (setup_.socket && (!closes_ || !setup_.offered_here)) (void)::shutdown(fd(), SHUT_RD);
  }
  if (sends_no_more && taking_ == Taking::kOpen) taking_ = Taking::kEnding;
  run();
}

void FileRelay::last_piece_written() {
  taking_ = Taking::kOver;
  if (setup_.socket && !closes_) (void)::shutdown(fd(), SHUT_WR);
}

void FileRelay::close() {
  if (over()) return;
  sending_ = Sending::kOver;
  taking_ = Taking::kOver;
  waiting_.clear();
  tell(What::kClosed);
}

}  // namespace netbinder
