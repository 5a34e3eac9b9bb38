// SPDX-License-Identifier: Apache-2.0
//
// Stream sockets by address: "/path" is a Unix socket, "1.2.3.4:port" is TCP without Nagle's delay.
#pragma once

#include <string>

namespace netbinder::bench {

// Owns a descriptor.
class Socket {
 public:
  // Listens in `folder` if there is no host, else at a port that is free.
  static Socket listen(const std::string& folder, const std::string& host);
  static Socket connect(const std::string& address);

  ~Socket();
  Socket(Socket&& other) noexcept;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  Socket& operator=(Socket&&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  // The address that clients of a listening socket connect to.
  [[nodiscard]] const std::string& address() const { return address_; }
  // The next connection to a listening one.
  [[nodiscard]] Socket accept() const;

 private:
  explicit Socket(int fd, std::string address = {});

  int fd_;
  std::string address_;
};

}  // namespace netbinder::bench
