// SPDX-License-Identifier: Apache-2.0
//
// A TCP port of 127.0.0.1 for a program that is started later: nobody else is given it in the
// meantime, as could happen to a port that was only found to be free. A socket is bound to it and
// never listens. The kernel lets a socket with SO_REUSEADDR bind to it as well and listen; it gives
// the port neither to a bind() to port 0 nor to a connect(), and refuses a bind() to it without
// SO_REUSEADDR.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "node-agent/unique_fd.h"

namespace netbinder::tools {

class ReservedPort {
 public:
  // Throws std::system_error if there is none.
  ReservedPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (!socket_ || ::setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::system_error(errno, std::generic_category(), "no free port");
    }
    number_ = ntohs(address.sin_port);
  }

  [[nodiscard]] std::uint16_t number() const { return number_; }

 private:
  UniqueFd socket_;
  std::uint16_t number_ = 0;
};

}  // namespace netbinder::tools
