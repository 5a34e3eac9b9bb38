// SPDX-License-Identifier: Apache-2.0
#include "tools/reserved_port.h"

#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <list>

namespace netbinder::tools {
namespace {

constexpr std::size_t kPorts = 4;  // that the namespace has for those who ask for any
constexpr std::uint16_t kFirstPort = 40'000;

void require(bool is_so, const char* what) {
  if (is_so) return;
  std::cerr << what << ": " << std::strerror(errno) << '\n';
  std::_Exit(1);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

enum class Reuse : int { kNo, kYes };

struct Bound {
  UniqueFd socket;
  int error = 0;
};

Bound bind_to(std::uint16_t port, Reuse reuse) {
  Bound made{.socket = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))};
  const int value = static_cast<int>(reuse);
  require(::setsockopt(made.socket.get(), SOL_SOCKET, SO_REUSEADDR, &value, sizeof value) == 0,
          "SO_REUSEADDR");
  const sockaddr_in address = loopback(port);
  if (::bind(made.socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    made.error = errno;
  }
  return made;
}

int error_of_connecting_to(std::uint16_t port) {
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  return ::connect(client.get(), to, sizeof address) == 0 ? 0 : errno;
}

// This process has the ports of a network namespace of its own to itself, and there are few.
void enter_namespace_of_few_ports() {
  const int own_user = ::geteuid() == 0 ? 0 : CLONE_NEWUSER;
  require(::unshare(CLONE_NEWNET | own_user) == 0, "a network namespace");
  const UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq loopback_device{};
  std::strcpy(loopback_device.ifr_name, "lo");
  loopback_device.ifr_flags = IFF_UP;
  require(::ioctl(any.get(), SIOCSIFFLAGS, &loopback_device) == 0, "the loopback device");
  std::ofstream range("/proc/sys/net/ipv4/ip_local_port_range");
  range << kFirstPort << ' ' << kFirstPort + kPorts - 1 << std::flush;
  require(range.good(), "the range of ports");
}

[[noreturn]] void reserve_all_ports() {
  enter_namespace_of_few_ports();
  const Bound server = bind_to(1'000, Reuse::kYes);
  require(server.error == 0 && ::listen(server.socket.get(), 8) == 0, "a server");
  std::list<ReservedPort> ports(kPorts);
  // Nobody is given one, neither who asks for any nor who connects; nor can it be taken by number.
  require(bind_to(0, Reuse::kNo).error == EADDRINUSE, "any port");
  require(bind_to(0, Reuse::kYes).error == EADDRINUSE, "any port, reused");
  require(error_of_connecting_to(1'000) == EADDRNOTAVAIL, "a connection");
  require(bind_to(ports.front().number(), Reuse::kNo).error == EADDRINUSE, "its number");
  // The program that it is for listens there, and after it its successor.
  for (int start = 0; start < 2; ++start) {
    const Bound listener = bind_to(ports.front().number(), Reuse::kYes);
    require(listener.error == 0 && ::listen(listener.socket.get(), 1) == 0, "listening");
    require(bind_to(ports.front().number(), Reuse::kYes).error == EADDRINUSE, "two of them");
  }
  // What was given back is free.
  ports.pop_back();
  require(error_of_connecting_to(1'000) == 0, "a connection from a port given back");
  std::_Exit(0);
}

TEST(ReservedPort, IsForTheProgramThatIsStartedAtItAndForNobodyElse) {
  EXPECT_EXIT(reserve_all_ports(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace netbinder::tools
