// SPDX-License-Identifier: Apache-2.0
//
// The agent's side of one channel (channel/layout.h): one open of a binder device by a program.
// Owned by ProgramChannels; lives from a successful Hello to the socket's hang-up.
//
// A Slot is the agent's own state of a mailbox; the mailbox itself can be written by the program
// and is never trusted. States of a slot, and their edges:
//   free -> busy              a request: its thread's ioctl is in the core
//   busy -> installing        the program is taking descriptors
//   installing -> busy
//   busy -> free              the ioctl is done
//   busy -> posting           the same, and the thread's next read may be posted
//   posting -> busy           a request has come, or a posted read has been taken
//   posting -> free           no read was there when it was asked for; or the thread has used
//                             another mailbox
//
// If there are many channels, those of a call's processes are not in the cache. So the members that
// a call needs are in few cache lines, and responses that wait to be sent are kept by the agent.
//
// Thread: the data-plane thread.
#pragma once

#include <array>
#include <boost/container/flat_map.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "channel/layout.h"
#include "core/driver.h"
#include "host/process_host.h"
#include "node-agent/shared_memory.h"
#include "node-agent/unique_fd.h"

namespace netbinder {

// The program at the other end, as the kernel identified it when the socket was connected.
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

class ClientChannel;
class TravellingFiles;

// The response that a program is to get in one of its mailboxes.
struct Response {
  ClientChannel* channel = nullptr;
  std::uint32_t mailbox = 0;
  bool installs = false;  // descriptors come first; the ioctl is not done
  MailboxResponse content;
  std::vector<int> close_fds;
};

class ClientChannel final : public ProcessHost {
 public:
  // Adds responses to be sent to `responses`, in order of the core's events. Objects passed by
  // reference must outlive it.
  ClientChannel(Driver& driver, ProcessId process, PeerProgram program, UniqueFd socket,
                UniqueFd side_socket, UniqueFd doorbell, SharedMemory channel,
                std::shared_ptr<SharedMemory> arena, ChannelStatistics& statistics,
                std::vector<Response>& responses, TravellingFiles& files);

  [[nodiscard]] ProcessId process() const { return process_; }
  [[nodiscard]] int socket() const { return socket_.get(); }
  [[nodiscard]] int doorbell() const { return doorbell_.get(); }
  [[nodiscard]] int memory_fd() const { return channel_.program_fd(); }
  [[nodiscard]] const PeerProgram& program() const { return program_; }

  // Handles the requests that are there. Returns whether there were any.
  bool handle_requests();
  // Sends a response that this channel has added; to be called in their order.
  void send(Response& response);

  // Makes the program ring the doorbell for its next request. False if there is one already.
  bool arm();
  void disarm();

  // The program has announced that it is closing its descriptor.
  [[nodiscard]] bool closing() const { return closing_; }

  // ---- ProcessHost ----
  int read_memory(ThreadId thread, std::uint64_t address, std::span<std::byte> into) override;
  std::expected<FileToken, int> take_file(ThreadId thread, int fd) override;
  void install_files(ThreadId thread, std::span<const FileToken> files) override;
  void ioctl_done(ThreadId thread, const IoctlResult& result) override;
  std::optional<PostedRead> take_posted_read(ThreadId thread) override;
  void readiness_changed(bool readable) override;
  [[nodiscard]] std::shared_ptr<void> arena_owner() override { return arena_; }
  [[nodiscard]] std::span<std::byte> arena() const { return arena_->memory(); }

  // The event loop's own bookkeeping.
  bool hot = false;
  std::uint64_t last_request_ns = 0;

 private:
  enum class SlotState : std::uint8_t { kFree, kBusy, kInstalling, kPosting };
  struct Slot {
    SlotState state = SlotState::kFree;
    bool told = false;  // kPosting: the response that says so has been sent
    ThreadId tid;
    std::uint32_t flags = 0;
    std::uint32_t install_count = 0;
    std::uint32_t ranges = 0;
  };
  // Descriptors that came along with a request, by their numbers in the program.
  using PassedFiles = std::vector<std::pair<int, UniqueFd>>;

  [[nodiscard]] Mailbox& mailbox(std::uint32_t index);
  [[nodiscard]] ChannelHeader& header();
  [[nodiscard]] Slot& slot_of(std::uint32_t index);
  void handle_mailbox(std::uint32_t index);
  void begin_request(std::uint32_t index, Slot& slot);
  void begin_write_read(std::uint32_t index, Slot& slot, const MailboxRequest& request);
  void begin_control(std::uint32_t index, Slot& slot, const MailboxRequest& request);
  void finish_install(std::uint32_t index, Slot& slot);
  void end_posting(std::uint32_t index, Slot& slot);
  void respond(std::uint32_t index, int error);
  std::expected<UniqueFd, int> take_descriptor(ThreadId thread, int fd);
  // Sends descriptors for the mailbox over the side socket, in as many messages as needed.
  void send_files(std::uint32_t index, std::span<const int> fds);
  // Takes messages from the side socket until the one for `index` is there.
  void receive_passed_files(std::uint32_t index);
  // Reads `into` if one staged range of the slot covers it all.
  bool read_staged(std::uint32_t index, std::uint32_t ranges, std::uint64_t address,
                   std::span<std::byte> into);
  int read_direct(std::uint64_t address, std::span<std::byte> into) const;

  bool readable_told_ = false;  // a readiness message is in the socket
  bool drain_ = false;          // and is to be taken back with the next response
  bool closing_ = false;
  Driver& driver_;
  ProcessId process_;
  SharedMemory channel_;
  std::vector<Response>& responses_;
  ChannelStatistics& statistics_;
  TravellingFiles& files_;
  boost::container::small_vector<Slot, 2> slots_;  // of the mailboxes that have been used
  // The mailboxes whose slots are not free, by thread.
  boost::container::small_flat_map<std::uint32_t, std::uint32_t, 4> mailbox_of_tid_;

  std::shared_ptr<SharedMemory> arena_;
  PeerProgram program_;
  UniqueFd socket_;
  UniqueFd side_socket_;
  UniqueFd doorbell_;
  boost::unordered_flat_map<std::uint32_t, PassedFiles> passed_files_;  // by mailbox
};

}  // namespace netbinder
