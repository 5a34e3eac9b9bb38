// SPDX-License-Identifier: Apache-2.0
#include "node-agent/tcp_peer.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "node-agent/unique_fd.h"

namespace netbinder {

namespace {

// The addresses of one end, as sock_diag has them: of IPv4, in the first of four words.
bool put_end(const sockaddr_storage& address, __be16& port, __be32 (&words)[4]) {
  if (address.ss_family == AF_INET) {
    sockaddr_in ip;
    std::memcpy(&ip, &address, sizeof ip);
    port = ip.sin_port;
    words[0] = ip.sin_addr.s_addr;
    return true;
  }
  if (address.ss_family != AF_INET6) return false;
  sockaddr_in6 ip;
  std::memcpy(&ip, &address, sizeof ip);
  port = ip.sin6_port;
  std::memcpy(words, &ip.sin6_addr, sizeof ip.sin6_addr);
  return true;
}

struct Request {
  nlmsghdr header;
  inet_diag_req_v2 wanted;
};

}  // namespace

std::optional<std::uint32_t> user_of_tcp_peer(int socket) {
  sockaddr_storage here{};
  sockaddr_storage there{};
  socklen_t here_size = sizeof here;
  socklen_t there_size = sizeof there;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&here), &here_size) != 0 ||
      ::getpeername(socket, reinterpret_cast<sockaddr*>(&there), &there_size) != 0) {
    return std::nullopt;
  }
  Request request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.wanted.sdiag_family = static_cast<__u8>(there.ss_family);
  request.wanted.sdiag_protocol = IPPROTO_TCP;
  request.wanted.idiag_states = 1U << TCP_ESTABLISHED;
  request.wanted.id.idiag_cookie[0] = request.wanted.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  // The connection as its other end has it.
  if (!put_end(there, request.wanted.id.idiag_sport, request.wanted.id.idiag_src) ||
      !put_end(here, request.wanted.id.idiag_dport, request.wanted.id.idiag_dst)) {
    return std::nullopt;
  }
  const UniqueFd diag(
      ::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG));
  if (!diag || ::send(diag.get(), &request, sizeof request, 0) < 0) return std::nullopt;
  alignas(nlmsghdr) std::array<char, 2048> bytes;
  const ssize_t got = ::recv(diag.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  nlmsghdr header{};
  inet_diag_msg found{};
  if (got < static_cast<ssize_t>(sizeof header + sizeof found)) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  std::memcpy(&found, bytes.data() + NLMSG_HDRLEN, sizeof found);
  // A connection that is being closed has no owner any more, and its uid reads as root's.
  if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY || found.idiag_state != TCP_ESTABLISHED) {
    return std::nullopt;
  }
  return found.idiag_uid;
}

}  // namespace netbinder
