// SPDX-License-Identifier: Apache-2.0
#include "tools/admin_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "channel/scm_rights.h"
#include "tools/installation.h"

namespace netbinder::tools {

nlohmann::json ask_agent(const std::string& agent_socket, const nlohmann::json& request,
                         double timeout_s, UniqueFd* passed) {
  // The variable is for the agent that NETBINDER_SOCKET leads to.
  const char* const elsewhere = std::getenv("NETBINDER_ADMIN_SOCKET");
  const std::string path = elsewhere != nullptr && *elsewhere != '\0' &&
                                   agent_socket == tools::agent_socket()
                               ? std::string(elsewhere)
                               : agent_socket + ".admin";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw std::runtime_error("socket path is too long: " + path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::runtime_error(std::string("no socket: ") + std::strerror(errno));
  const auto limit_us = static_cast<std::int64_t>(timeout_s * 1e6);
  const timeval limit{.tv_sec = limit_us / 1'000'000, .tv_usec = limit_us % 1'000'000};
  (void)::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  (void)::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  std::string answer;
  bool in_time = true;
  const bool connected =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const int error = errno;
  if (connected) {
    const std::string line = request.dump() + "\n";
    std::size_t sent = 0;
    while (sent < line.size()) {
      const ssize_t put = ::send(fd, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
      if (put <= 0) break;
      sent += static_cast<std::size_t>(put);
    }
    std::array<char, 4096> part;
    while (answer.empty() || answer.back() != '\n') {
      RightsMessage<1> message;
      const ssize_t got = message.receive(fd, part.data(), part.size(), 0);
      in_time = got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
      message.take_rights([passed](int right) {
        UniqueFd taken(right);
        if (passed != nullptr) *passed = std::move(taken);
      });
      if (got <= 0) break;
      answer.append(part.data(), static_cast<std::size_t>(got));
    }
  }
  ::close(fd);
  if (!connected) {
    throw std::runtime_error("no agent answers at " + agent_socket + " (" + std::strerror(error) +
                             ")");
  }
  if (!in_time) throw std::runtime_error("the agent has not answered in time: " + path);
  nlohmann::json parsed = nlohmann::json::parse(answer, nullptr, false);
  if (parsed.is_discarded()) throw std::runtime_error("the agent hung up: " + path);
  if (parsed.contains("error")) {
    throw std::runtime_error("the agent refuses: " + parsed["error"].get<std::string>());
  }
  return parsed;
}

}  // namespace netbinder::tools
