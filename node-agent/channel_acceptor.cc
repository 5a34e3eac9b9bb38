// SPDX-License-Identifier: Apache-2.0
#include "node-agent/channel_acceptor.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include "channel/scm_rights.h"
#include "host/data_plane.h"
#include "node-agent/foreign_message.h"
#include "transport/log.h"

namespace netbinder {

namespace {

// Room for a Hello and one byte more, so that a longer message is recognised.
using HelloPacket = std::array<std::byte, kMaxHelloBytes + 1>;

// The message, as much of it as there is room for. Nothing if there is none. `passed` is the first
// descriptor that came with it.
std::optional<std::span<const std::byte>> receive_hello(int socket, HelloPacket& into,
                                                        ForeignFd& passed) {
  ForeignMessage message;
  const ssize_t got = message.receive(socket, into);
  if (got < 0) return std::nullopt;
  if (!message.files().empty()) passed = std::move(message.files().front());
  if (got == 0) return std::nullopt;  // the program has hung up
  return std::span(into).first(static_cast<std::size_t>(got));
}

}  // namespace

ChannelAcceptor::ChannelAcceptor(boost::asio::io_context& io, std::string path,
                                 const SocketAccess& access, HelloArrived answer_hello)
    : io_(io),
      file_(std::move(path), SOCK_SEQPACKET, access),
      answer_hello_(std::move(answer_hello)),
      listener_(io, file_.release()),
      resume_(io) {}

ChannelAcceptor::~ChannelAcceptor() = default;

void ChannelAcceptor::start() {
  listener_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       lifetime_.guard([this](const boost::system::error_code& error) {
                         if (error) return;
                         if (accept_some()) {
                           start();
                         } else {
                           pause();
                         }
                       }));
}

// The listener stays readable while a connection cannot be accepted, so it is not watched for a
// while.
void ChannelAcceptor::pause() {
  resume_.expires_after(std::chrono::milliseconds(kRetryMs));
  resume_.async_wait(lifetime_.guard([this](const boost::system::error_code& error) {
    if (!error) start();
  }));
}

bool ChannelAcceptor::accept_some() {
  NB_ON_DATA_PLANE();
  for (int i = 0; i < kAcceptedAtOnce; ++i) {
    const int fd =
        ::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      add(fd);
      continue;
    }
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) {
      out_of_descriptors_ = false;
      return true;
    }
    if (!std::exchange(out_of_descriptors_, true)) {
      log::programs.error("programs cannot be served: {}", std::strerror(errno));
    }
    return false;
  }
  return true;
}

void ChannelAcceptor::add(int fd) {
  ForeignFd accepted(fd);
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return;
  std::deque<std::shared_ptr<Pending>>& of_user = pending_[credentials.uid];
  if (of_user.size() >= kMaxPendingOfUser) drop(std::shared_ptr<Pending>(of_user.front()));
  auto pending = std::make_shared<Pending>(
      io_, accepted.release(), PeerProgram{.pid = credentials.pid, .euid = credentials.uid});
  pending_[credentials.uid].push_back(pending);
  pending->deadline.expires_after(std::chrono::milliseconds(kHelloTimeoutMs));
  pending->deadline.async_wait(
      lifetime_.guard([this, pending](const boost::system::error_code& error) {
        if (error || !pending->socket.is_open()) return;
        // On a very busy machine, Hello may be there and have waited for its turn. If not, it is
        // dropped.
        hello_arrived(pending);
      }));
  pending->socket.async_wait(
      boost::asio::posix::stream_descriptor::wait_read,
      lifetime_.guard([this, pending](const boost::system::error_code& error) {
        if (error || !pending->socket.is_open()) return;
        hello_arrived(pending);
      }));
}

void ChannelAcceptor::drop(const std::shared_ptr<Pending>& pending) {
  const auto of_user = pending_.find(pending->program.euid);
  if (of_user != pending_.end()) {
    std::erase(of_user->second, pending);
    if (of_user->second.empty()) pending_.erase(of_user);
  }
  pending->deadline.cancel();
  (void)pending->take_socket();
}

void ChannelAcceptor::hello_arrived(const std::shared_ptr<Pending>& pending) {
  NB_ON_DATA_PLANE();
  const int fd = pending->socket.native_handle();
  HelloPacket packet;
  ForeignFd passed;
  const auto hello = receive_hello(fd, packet, passed);
  if (!hello) {
    drop(pending);
    return;
  }
  const auto request = parse_hello(*hello);
  if (!request) {
    refuse(fd, request.error(), pending->program);
    drop(pending);
    return;
  }
  const PeerProgram program = pending->program;
  ForeignFd socket = pending->take_socket();
  drop(pending);
  answer_hello_(*request, program, std::move(socket), std::move(passed));
}

void ChannelAcceptor::refuse(int socket, const HelloRefusal& refusal, const PeerProgram& program) {
  HelloReply reply;
  reply.error = refusal.error;
  (void)send_hello_reply(socket, reply, {});
  if (!refusal.version) return;
  ++other_versions_.refused;
  other_versions_.last_version = *refusal.version;
  other_versions_.last_pid = program.pid;
  log::programs.warn(
      "pid {} ({}) of uid {} is refused: its shim speaks version {} of the channel, this agent {} "
      "to {}",
      program.pid, ProgramName::of(program.pid).text(), program.euid, *refusal.version,
      kOldestChannelVersion, kChannelVersion);
}

bool send_hello_reply(int socket, const HelloReply& reply, std::span<const int> descriptors) {
  HelloReply message = reply;
  message.descriptors = static_cast<std::uint32_t>(descriptors.size());
  const std::size_t size = reply.version < kChannelVersion ? kHelloReplyBytesOf9 : sizeof message;
  iovec part{.iov_base = &message, .iov_len = size};
  RightsBuffer<kHelloDescriptors> rights;
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  attach_rights(packet, rights.bytes, descriptors);
  return ::sendmsg(socket, &packet, MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(size);
}

}  // namespace netbinder
