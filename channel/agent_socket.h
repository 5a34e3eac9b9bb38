// SPDX-License-Identifier: Apache-2.0
//
// The place at which programs and tools look for the agent: $NETBINDER_SOCKET; else, for a user who
// is not root, an agent of his own in $XDG_RUNTIME_DIR, if one is there; else the host's.
#pragma once

#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace netbinder {

inline constexpr const char* kDefaultAgentSocket = "/run/netbinder/agent.sock";
// Appended to $XDG_RUNTIME_DIR.
inline constexpr const char* kUserAgentSocket = "/netbinder/agent.sock";

class AgentSocket {
 public:
  // `exists(path)` tells whether there is such a file.
  template <typename Exists>
  explicit AgentSocket(const Exists& exists) {
    const char* const wanted = std::getenv("NETBINDER_SOCKET");
    if (wanted != nullptr && wanted[0] != '\0') {
      configured_ = true;
      append(wanted);
      return;
    }
    const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
    if (runtime != nullptr && runtime[0] == '/' && ::geteuid() != 0) {
      append(runtime);
      append(kUserAgentSocket);
      configured_ = exists(path());
      if (configured_) return;
      size_ = 0;
    }
    append(kDefaultAgentSocket);
    configured_ = exists(path());
  }

  // A socket whose path is known.
  static AgentSocket at(const char* path) {
    AgentSocket socket;
    socket.append(path);
    socket.configured_ = true;
    return socket;
  }

  // A path that is too long for a socket's address is cut off, and then leads nowhere.
  [[nodiscard]] const char* path() const { return path_.data(); }
  // Whether there is reason to expect an agent there.
  [[nodiscard]] bool configured() const { return configured_; }

 private:
  AgentSocket() = default;

  void append(const char* text) {
    const std::size_t room = path_.size() - 1 - size_;
    const std::size_t bytes = std::strlen(text) < room ? std::strlen(text) : room;
    std::memcpy(path_.data() + size_, text, bytes);
    size_ += bytes;
    path_[size_] = '\0';
  }

  std::array<char, sizeof(sockaddr_un::sun_path) + 1> path_{};
  std::size_t size_ = 0;
  bool configured_ = false;
};

}  // namespace netbinder
