// SPDX-License-Identifier: Apache-2.0
//
// The agent's side of one channel (shim/channel.h): one open of a binder device by a program.
// Owned by the Agent; lives from a successful Hello to the socket's hang-up.
//
// A Slot is what the agent knows of a mailbox; the mailbox itself is the program's to write and is
// never believed. A slot is free, busy (its thread's ioctl is in the core) or installing (the
// program is taking descriptors).
//
// Thread: the data-plane thread.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/driver.h"
#include "node-agent/process_host.h"
#include "node-agent/shared_memory.h"
#include "node-agent/unique_fd.h"
#include "shim/channel.h"

namespace netbinder {

// Who is at the other end, as the kernel told when the socket was connected.
struct PeerProgram {
  std::int32_t pid = 0;
  std::uint32_t euid = 0;
  UniqueFd pidfd;
  bool readable_memory = false;  // process_vm_readv works
};

struct ChannelStatistics {
  std::uint64_t requests = 0;
  std::uint64_t bytes_read_direct = 0;  // process_vm_readv
  std::uint64_t bytes_read_staged = 0;  // through shared memory
  std::uint64_t wakeups = 0;            // futex calls
  std::uint64_t doorbells = 0;          // eventfd reads
};

class ClientChannel final : public ProcessHost {
 public:
  ClientChannel(Driver& driver, ProcessId process, PeerProgram program, UniqueFd socket,
                UniqueFd side_socket, UniqueFd doorbell, SharedMemory channel,
                std::shared_ptr<SharedMemory> arena, ChannelStatistics& statistics);

  [[nodiscard]] ProcessId process() const { return process_; }
  [[nodiscard]] int socket() const { return socket_.get(); }
  [[nodiscard]] int doorbell() const { return doorbell_.get(); }
  [[nodiscard]] int memory_fd() const { return channel_.program_fd(); }
  [[nodiscard]] const PeerProgram& program() const { return program_; }

  // Handles the requests that are there; whether there were any.
  bool handle_requests();
  // Sends the responses the core has produced since; to be called after every event of the core.
  void send_responses();
  [[nodiscard]] bool has_responses() const { return !responses_.empty(); }

  // Makes the program ring the doorbell for its next request. False: there is one already.
  bool arm();
  void disarm();

  // The program says that it is closing its descriptor.
  [[nodiscard]] bool closing() const { return closing_; }

  // ---- ProcessHost ----
  int read_memory(ThreadId thread, std::uint64_t address, std::span<std::byte> into) override;
  std::expected<UniqueFd, int> take_file(ThreadId thread, int fd) override;
  void install_files(ThreadId thread, std::span<const int> fds) override;
  void ioctl_done(ThreadId thread, const IoctlResult& result) override;
  void readiness_changed(bool readable) override;
  ClientChannel* channel() override { return this; }
  [[nodiscard]] std::shared_ptr<void> arena_owner() override { return arena_; }
  [[nodiscard]] std::span<std::byte> arena() const { return arena_->memory(); }

  // Loop bookkeeping, of the event loop only.
  bool hot = false;
  std::uint64_t last_request_ns = 0;

 private:
  enum class SlotState : std::uint8_t { kFree, kBusy, kInstalling };
  struct Slot {
    SlotState state = SlotState::kFree;
    ThreadId tid;
    std::uint32_t flags = 0;
    std::uint32_t operation = 0;
    std::uint32_t install_count = 0;
    std::uint32_t ranges = 0;
    // Descriptors that came along with the request, by the number they have in the program.
    std::vector<std::pair<int, UniqueFd>> passed_files;
    std::array<StagedRange, kMaxStagedRanges> staged;
    std::array<std::byte, kArgumentBytes> argument;
  };
  struct Response {
    std::uint32_t mailbox = 0;
    bool installs = false;
    MailboxResponse content;
    std::vector<int> close_fds;
  };

  [[nodiscard]] Mailbox& mailbox(std::uint32_t index);
  [[nodiscard]] ChannelHeader& header();
  [[nodiscard]] Slot& slot_of(std::uint32_t index);
  void handle_mailbox(std::uint32_t index);
  void begin_request(std::uint32_t index, Slot& slot);
  void begin_write_read(std::uint32_t index, Slot& slot, const MailboxRequest& request);
  void begin_control(std::uint32_t index, Slot& slot, const MailboxRequest& request);
  void finish_install(std::uint32_t index, Slot& slot);
  void respond(std::uint32_t index, int error);
  // Takes what the program has sent over the side socket, until that for `index` is there.
  void receive_passed_files(std::uint32_t index);
  // Reads `into` if a staged range of the slot has all of it.
  bool read_staged(std::uint32_t index, const Slot& slot, std::uint64_t address,
                   std::span<std::byte> into);
  int read_direct(std::uint64_t address, std::span<std::byte> into) const;
  void wake(Mailbox& mailbox);

  Driver& driver_;
  ProcessId process_;
  PeerProgram program_;
  UniqueFd socket_;
  UniqueFd side_socket_;
  UniqueFd doorbell_;
  SharedMemory channel_;
  std::shared_ptr<SharedMemory> arena_;
  ChannelStatistics& statistics_;

  std::vector<std::unique_ptr<Slot>> slots_;  // of the mailboxes that have been used
  boost::unordered_flat_map<std::uint32_t, std::uint32_t> mailbox_of_tid_;  // busy ones only
  std::vector<Response> responses_;
  std::vector<Response> sending_;
  bool readable_told_ = false;  // a readiness message is in the socket
  bool drain_ = false;          // and is to be taken back with the next response
  bool closing_ = false;
};

}  // namespace netbinder
