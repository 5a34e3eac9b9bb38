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
#include <string_view>
#include <utility>

#include "channel/scm_rights.h"
#include "tools/installation.h"

namespace netbinder::tools {

namespace {

std::string admin_path(const std::string& agent_socket) {
  // The variable is for the agent that NETBINDER_SOCKET leads to.
  const char* const elsewhere = std::getenv("NETBINDER_ADMIN_SOCKET");
  return elsewhere != nullptr && *elsewhere != '\0' && agent_socket == tools::agent_socket()
             ? std::string(elsewhere)
             : agent_socket + ".admin";
}

UniqueFd connect_to(const std::string& agent_socket, double timeout_s) {
  const std::string path = admin_path(agent_socket);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw std::runtime_error("socket path is too long: " + path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) throw std::runtime_error(std::string("no socket: ") + std::strerror(errno));
  const auto limit_us = static_cast<std::int64_t>(timeout_s * 1e6);
  const timeval limit{.tv_sec = limit_us / 1'000'000, .tv_usec = limit_us % 1'000'000};
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("no agent answers at " + agent_socket + " (" + std::strerror(errno) +
                             ")");
  }
  return fd;
}

void send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (put <= 0) return;  // what is read then says why
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

std::runtime_error not_in_time(const std::string& agent_socket) {
  return std::runtime_error("the agent has not answered in time: " + admin_path(agent_socket));
}

std::runtime_error hung_up(const std::string& agent_socket) {
  return std::runtime_error("the agent hung up: " + admin_path(agent_socket));
}

bool time_is_up() { return errno == EAGAIN || errno == EWOULDBLOCK; }

}  // namespace

nlohmann::json ask_agent(const std::string& agent_socket, const nlohmann::json& request,
                         double timeout_s, UniqueFd* passed) {
  const UniqueFd fd = connect_to(agent_socket, timeout_s);
  send_all(fd.get(), request.dump() + "\n");
  std::string answer;
  std::array<char, 4096> part;
  while (answer.empty() || answer.back() != '\n') {
    RightsMessage<1> message;
    const ssize_t got = message.receive(fd.get(), part.data(), part.size(), 0);
    if (got < 0 && time_is_up()) throw not_in_time(agent_socket);
    message.take_rights([passed](int right) {
      UniqueFd taken(right);
      if (passed != nullptr) *passed = std::move(taken);
    });
    if (got <= 0) break;
    answer.append(part.data(), static_cast<std::size_t>(got));
  }
  nlohmann::json parsed = nlohmann::json::parse(answer, nullptr, false);
  if (parsed.is_discarded()) throw hung_up(agent_socket);
  if (parsed.contains("error")) {
    throw std::runtime_error("the agent refuses: " + parsed["error"].get<std::string>());
  }
  return parsed;
}

std::string ask_agent_for_page(const std::string& agent_socket, const std::string& path,
                               double timeout_s) {
  const UniqueFd fd = connect_to(agent_socket, timeout_s);
  send_all(fd.get(), "GET " + path + " HTTP/1.0\r\n\r\n");
  std::string answer;
  std::array<char, 16384> part;
  for (;;) {
    const ssize_t got = ::recv(fd.get(), part.data(), part.size(), 0);
    if (got < 0 && time_is_up()) throw not_in_time(agent_socket);
    if (got <= 0) break;
    answer.append(part.data(), static_cast<std::size_t>(got));
  }
  const std::size_t head = answer.find("\r\n\r\n");
  if (head == std::string::npos) throw hung_up(agent_socket);
  if (!answer.starts_with("HTTP/1.1 200 ")) {
    throw std::runtime_error("the agent has no page " + path + ": " +
                             answer.substr(0, answer.find('\r')));
  }
  return answer.substr(head + 4);
}

}  // namespace netbinder::tools
