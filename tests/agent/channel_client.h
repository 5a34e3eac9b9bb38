// SPDX-License-Identifier: Apache-2.0
//
// A program's end of the channel (channel/layout.h), written by hand: everything it writes can be
// wrong on purpose.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "channel/hello.h"
#include "channel/layout.h"
#include "core/base/uapi.h"

namespace netbinder {
struct Descriptor;
class Stager;
}  // namespace netbinder

namespace netbinder::testing {

// A request that reads, and reads anew.
inline constexpr std::uint32_t kRead = kFlagReads | kFlagFreshRead;

// A connected socket; -1 and a failed test if there is no agent.
int connect_to(const std::string& path);
// Hello as a well-behaved program sends it.
Hello hello_with(const std::string& context = "binder");
// A reply as it came; nothing if the agent hung up or sent nothing in time. Received descriptors go
// to `fds` or are closed.
// Also a reply of version 9, which lacks the last members.
std::optional<HelloReply> receive_hello_reply(int socket,
                                              std::array<int, kHelloDescriptors>* fds = nullptr);
// Whether the agent hangs up, after at most a few messages.
bool is_hung_up(int socket);

class ChannelClient {
 public:
  explicit ChannelClient(const std::string& path, const std::string& context = "binder");
  ~ChannelClient();
  ChannelClient(const ChannelClient&) = delete;
  ChannelClient& operator=(const ChannelClient&) = delete;

  [[nodiscard]] int error() const { return error_; }
  [[nodiscard]] int socket() const { return socket_; }
  [[nodiscard]] int side_socket() const { return fds_[kHelloSideSocket]; }
  [[nodiscard]] ChannelHeader& header() { return header_at(memory_); }
  [[nodiscard]] Mailbox& mailbox(std::uint32_t index) { return mailbox_at(memory_, index); }
  [[nodiscard]] int channel_memory() const { return fds_[kHelloChannelMemory]; }
  void ring(std::uint32_t index);
  void ring_doorbell();
  // Puts the mailbox into a state and rings the agent.
  void set_state(std::uint32_t index, std::uint32_t state);
  // Waits until the agent is done with the mailbox; false after some seconds, or if it hung up.
  bool await(std::uint32_t index);
  [[nodiscard]] bool is_done(std::uint32_t index) {
    return mailbox(index).state.load(std::memory_order_acquire) == kDone;
  }

  // ---- whole ioctls ----
  int map(std::uint64_t bytes = 128 * 1024);
  void begin_write_read(std::uint32_t index, std::uint32_t tid,
                        const std::vector<std::byte>& commands, std::uint32_t flags);
  // Completes one that was begun: returns the error, and puts the bytes read into `read`.
  int end_write_read(std::uint32_t index, std::vector<std::byte>* read = nullptr);
  int write_read(std::uint32_t tid, const std::vector<std::byte>& commands, std::uint32_t flags,
                 std::vector<std::byte>* read = nullptr);
  int control(std::uint32_t tid, std::uint32_t command);
  // Whether poll reports something to read.
  [[nodiscard]] bool readable() const;
  // Does what `response.drain` asks for; end_write_read does it, too.
  void drain(std::uint32_t messages);
  [[nodiscard]] const std::byte* arena() const { return arena_; }

 private:
  // Takes the descriptors that the mailbox's read has brought. They are closed with this object.
  void install(std::uint32_t index);
  std::vector<int> installed_;
  // The descriptor that the shim stages with, and the stager of each mailbox. Threads that have a
  // mailbox each may call at once.
  std::unique_ptr<Descriptor> descriptor_;
  std::vector<std::unique_ptr<Stager>> stagers_;
  int socket_ = -1;
  int error_ = 0;
  std::array<int, kHelloDescriptors> fds_{-1, -1, -1, -1};
  std::byte* memory_ = nullptr;
  std::byte* arena_ = nullptr;
  std::uint64_t arena_bytes_ = 0;
};

}  // namespace netbinder::testing
