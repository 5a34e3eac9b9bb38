// SPDX-License-Identifier: Apache-2.0
//
// Answers the system calls of supervised programs: plays the preload library's part for them.
//
// Thread-safe: workers answer calls of different threads at the same time.
#pragma once

#include <linux/seccomp.h>

#include <map>
#include <mutex>
#include <string>

#include "shim/mailbox_client.h"
#include "shim/path_walk.h"
#include "supervisor/caller.h"
#include "supervisor/channels.h"
#include "supervisor/system_call.h"

namespace netbinder::supervisor {

// The answer to a call.
struct Answered {
  enum class How : std::uint8_t {
    kGoOn,   // the kernel carries it out
    kWith,   // `value`, or the errno
    kDone,   // it has been answered, or its thread is gone
  };
  How how = How::kGoOn;
  std::int64_t value = 0;
  int error = 0;  // an errno

  static Answered go_on() { return {}; }
  static Answered with(std::int64_t value) { return {.how = How::kWith, .value = value}; }
  static Answered failed(int error) { return {.how = How::kWith, .error = error}; }
};

class Calls {
 public:
  explicit Calls(int listener) : listener_(listener) {}

  [[nodiscard]] Answered answer(const seccomp_notif& notification);
  // To be called every second or so: lets go of what belonged to threads and channels that ended.
  void sweep();

 private:
  struct Process {
    int pidfd = -1;
    std::string agent_socket;  // of its environment
  };
  // The thread that asks. False if it is gone.
  bool identify(const seccomp_notif& notification, Caller& caller, std::string& agent_socket);
  Answered open(const Caller& caller, int dir, std::uint64_t path, int flags);
  Answered ioctl(Caller& caller, int fd, std::uint64_t request, std::uint64_t argument);
  Answered mmap(const Caller& caller, int fd, std::uint64_t length, int protection, int flags);
  Answered stat(const Caller& caller, int dir, std::uint64_t path, std::uint64_t into, int flags,
                bool extended);
  Answered access(const Caller& caller, int dir, std::uint64_t path, int mode, int flags);
  Answered readlink(const Caller& caller, int dir, std::uint64_t path, std::uint64_t into,
                    std::uint64_t size);
  // The device path that `path` is for the caller.
  DevicePath find(const Caller& caller, int dir, const char* path, LastLink last);

  // Makes the program's descriptor its socket again, and tells the agent where it has mapped the
  // arena. Both if need be.
  void settle_mapping(const Caller& caller, Channel& channel, int fd);
  void tell_mapping(const Caller& caller, Channel& channel, int fd);
  Answered driver_call(Caller& caller, const std::shared_ptr<Channel>& channel, int fd,
                       std::uint64_t request, std::uint64_t argument);
  void attach(const Caller& caller, Channel& channel, int socket);

  int listener_;
  Channels channels_;
  std::mutex mutex_;
  // Guarded by it:
  std::map<int, int> process_of_;       // by thread
  std::map<int, Process> processes_;    // by process
  std::map<int, ThreadState> threads_;  // by thread, while it is in no call
};

}  // namespace netbinder::supervisor
