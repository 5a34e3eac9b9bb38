// SPDX-License-Identifier: Apache-2.0
//
// Saying Hello to the agent (channel/hello.h), whatever its purpose. Any thread.
#pragma once

#include <array>

#include "channel/hello.h"

namespace netbinder {

// A descriptor that is closed unless it is released.
class OwnedFd {
 public:
  explicit OwnedFd(int fd = -1) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~OwnedFd() { reset(-1); }

  [[nodiscard]] int get() const { return fd_; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset(int fd);

 private:
  int fd_;
};

struct Answer {
  HelloReply reply;
  std::array<OwnedFd, kHelloDescriptors> descriptors;
  bool answered = false;  // the agent has said what `reply` says
};

// A Hello that has the name, the dialect and the thread's nice value filled in.
Hello make_hello(HelloPurpose purpose, const char* name);

// Connects `socket` to the agent at `path`, sends Hello, with `passed` unless it is -1, and waits
// for the answer. Returns 0 or a negative errno, which is the agent's own if `answer.answered`. If
// there is no agent, it prints one line on stderr, once in a process.
int say_hello(int socket, const char* path, const Hello& hello, int passed, Answer& answer);

// The same, over a connection of its own.
int ask_agent(const char* path, const Hello& hello, int passed, Answer& answer);

}  // namespace netbinder
