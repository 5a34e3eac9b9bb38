// SPDX-License-Identifier: Apache-2.0
//
// The receiver of what an agent tells the init system that started it.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include "tests/agent/agent_process.h"

namespace netbinder::testing {

inline sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

// The init system's end. Agents that are started while it lives are told of it.
class InitSystem {
 public:
  explicit InitSystem(const Folder& folder)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const std::string path = folder.path("notify");
    const sockaddr_un address = address_of(path);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~InitSystem() {
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
    ::close(socket_);
  }
  InitSystem(const InitSystem&) = delete;
  InitSystem& operator=(const InitSystem&) = delete;

  // The next message; nothing if none comes within the time.
  std::optional<std::string> next(int patience_ms = 60'000) {
    pollfd ready{.fd = socket_, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, patience_ms) != 1) return std::nullopt;
    std::array<char, 1024> text;
    const ssize_t got = ::recv(socket_, text.data(), text.size(), 0);
    return std::string(text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  }
  // Waits for a message that begins so, past those of the watchdog.
  std::string expect(const std::string& beginning) {
    for (;;) {
      const auto message = next();
      if (!message) {
        ADD_FAILURE() << "nothing that begins with " << beginning;
        return "";
      }
      if (message->starts_with(beginning)) return *message;
      EXPECT_EQ(*message, "WATCHDOG=1");
    }
  }

 private:
  int socket_;
};

}  // namespace netbinder::testing
