// SPDX-License-Identifier: Apache-2.0
//
// A client and a server that behave: the server registers with the built-in service manager; the
// client looks it up, calls it and compares the reply byte by byte.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/agent/channel_client.h"

namespace netbinder::testing {

// A stream of BC_* commands, and a search for BR_* commands in one.
class Stream {
 public:
  Stream& put(std::uint32_t command);
  template <typename T>
  Stream& put(std::uint32_t command, const T& payload) {
    put(command);
    append(&payload, sizeof payload);
    return *this;
  }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  void append(const void* data, std::size_t size);
  std::vector<std::byte> bytes_;
};
// The payload of the first command of that kind, or nothing.
std::optional<std::vector<std::byte>> find_command(const std::vector<std::byte>& read,
                                                   std::uint32_t command);

// A thread of a program that makes calls and waits until they end.
class Caller {
 public:
  Caller(ChannelClient& channel, std::uint32_t tid) : channel_(channel), tid_(tid) {}
  struct Answer {
    std::uint32_t command = 0;  // BR_REPLY, or how it failed
    std::vector<std::byte> data;
    std::vector<std::uint32_t> handles;  // of objects in it; held
  };
  Answer call(std::uint32_t handle, std::uint32_t code, const std::vector<std::byte>& data,
              const std::vector<binder_size_t>& offsets = {});
  // Calls to the classic service manager. 0: there is no such service.
  std::uint32_t find(const std::string& name);
  bool add(const std::string& name, std::uint64_t node);
  // The result of a oneway call with the descriptor: BR_TRANSACTION_COMPLETE, or how it failed. 0 if
  // there is none.
  std::uint32_t send_file(std::uint32_t handle, int fd);

 private:
  ChannelClient& channel_;
  std::uint32_t tid_;
};

// The bytes that a polite call carries and gets back.
std::vector<std::byte> pattern(std::size_t size, std::uint32_t seed);

// A server in a thread of the test. It sends back what it gets until it is stopped.
class EchoServer {
 public:
  EchoServer(const std::string& socket, const std::string& name);
  ~EchoServer();
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;

 private:
  struct State;
  State* state_;
};
// Serves one call after the other with `channel`, until `stopping` or until the agent hangs up.
void serve_echo(ChannelClient& channel, const std::atomic<bool>& stopping);

// Fails the test unless a new client and a new server work as they should.
void expect_polite_programs_work(const std::string& socket);

}  // namespace netbinder::testing
