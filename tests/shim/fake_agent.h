// SPDX-License-Identifier: Apache-2.0
//
// The agent's side of a channel (channel/layout.h) for tests: a thread of its own accepts programs
// and hands their requests to the test. Owned by the test; NETBINDER_SOCKET names it while it
// lives.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "channel/hello.h"
#include "channel/layout.h"

namespace netbinder {

class FakeChannel {
 public:
  FakeChannel(int socket, const Hello& hello);
  ~FakeChannel();
  FakeChannel(const FakeChannel&) = delete;
  FakeChannel& operator=(const FakeChannel&) = delete;

  [[nodiscard]] int socket() const { return socket_; }
  [[nodiscard]] const Hello& hello() const { return hello_; }
  [[nodiscard]] ChannelHeader& header() const;
  [[nodiscard]] Mailbox& mailbox(std::uint32_t index) const;
  // From a mailbox's large staging area.
  [[nodiscard]] std::string staged_large(std::uint32_t index, const StagedRange& range) const;

  void respond(std::uint32_t index, const MailboxResponse& response);
  void change_state(std::uint32_t index, MailboxState state);
  // The program is to take copies of these: its mailbox goes to kInstall.
  void install(std::uint32_t index, const std::vector<int>& fds);
  void send_descriptors(std::uint32_t index, const std::vector<int>& fds);
  void send_readiness();

 private:
  friend class FakeAgent;
  int socket_;
  Hello hello_;
  int memory_fd_ = -1;
  int doorbell_ = -1;
  int side_socket_ = -1;
  int arena_ = -1;
  std::byte* memory_ = nullptr;
};

class FakeAgent {
 public:
  // Called on the agent's thread whenever a program has rung about a mailbox.
  using Handler = std::function<void(FakeChannel& channel, std::uint32_t index)>;

  // How every Hello is answered, with no channel.
  struct Refusal {
    HelloReply reply;
    std::size_t bytes = sizeof(HelloReply);
  };
  explicit FakeAgent(Handler handler, std::optional<Refusal> refusal = {});
  ~FakeAgent();
  FakeAgent(const FakeAgent&) = delete;
  FakeAgent& operator=(const FakeAgent&) = delete;

  // Ends as if it had been killed: everything is closed, nothing is answered.
  void stop();
  [[nodiscard]] int hang_ups() const { return hang_ups_.load(); }
  // IdentityMessages that have come.
  [[nodiscard]] int identities() const { return identities_.load(); }
  [[nodiscard]] int doorbells() const { return doorbells_.load(); }

 private:
  void run();
  void accept_program();
  bool serve(FakeChannel& channel);

  Handler handler_;
  std::optional<Refusal> refusal_;
  std::string directory_;
  int listener_ = -1;
  std::vector<std::unique_ptr<FakeChannel>> channels_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> hang_ups_ = 0;
  std::atomic<int> doorbells_ = 0;
  std::atomic<int> identities_ = 0;
  std::thread thread_;
};

// Answers BINDER_VERSION, kOpMap, kOpFlush and WRITE_READs without reading; leaves the others.
void answer_simple(FakeChannel& channel, std::uint32_t index);

}  // namespace netbinder
