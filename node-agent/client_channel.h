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
//   posting -> free           no read was there when the core asked for it; or the thread has used
//                             another mailbox
//
// If there are many channels, those of a call's processes are not in the cache. So the members that
// a call needs are in few cache lines, and the agent keeps the responses that wait to be sent.
//
// Thread: the data-plane thread.
#pragma once

#include <array>
#include <boost/container/flat_map.hpp>
#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "channel/layout.h"
#include "core/driver.h"
#include "host/process_host.h"
#include "node-agent/channel_events.h"
#include "node-agent/channel_statistics.h"
#include "node-agent/file_relays.h"
#include "node-agent/file_table.h"
#include "node-agent/namespaces.h"
#include "node-agent/peer_program.h"
#include "node-agent/readiness.h"
#include "node-agent/shared_memory.h"
#include "node-agent/side_socket.h"
#include "node-agent/staged_memory.h"
#include "node-agent/unique_fd.h"
#include "node-agent/users.h"

namespace netbinder {

class TravellingFiles;

class ClientChannel final : public ProcessHost {
 public:
  // Adds responses to be sent to `responses`, in order of the core's events. Objects passed by
  // reference must outlive it.
  ClientChannel(Driver& driver, ProcessId process, PeerProgram program, ForeignFd socket,
                SideSocket side_socket, UniqueFd doorbell, SharedMemory channel,
                std::shared_ptr<SharedMemory> arena, ChannelStatistics& statistics,
                std::vector<Response>& responses, TravellingFiles& files, ChannelEvents& events,
                UserAccount& user);

  [[nodiscard]] ProcessId process() const { return process_; }
  [[nodiscard]] int socket() const { return socket_.get(); }
  [[nodiscard]] int doorbell() const { return doorbell_.get(); }
  [[nodiscard]] int memory_fd() const { return channel_.program_fd(); }
  [[nodiscard]] const PeerProgram& program() const { return program_; }
  [[nodiscard]] UserAccount& user() { return user_; }

  // Handles the requests that are there, and continues long ones. Returns whether there were any.
  bool handle_requests(RequestBudget budget);
  // The channel is about to end: requests that wait for descriptors wait no more.
  void wait_for_nothing();
  // Whether requests were left over: then the channel must not be parked.
  [[nodiscard]] bool has_left_over() const { return !waiting_.empty(); }
  void receive_side_messages();
  // The descriptor that a process let into the channel gets beside the memory.
  [[nodiscard]] int program_side_socket() const { return side_socket_.program_end(); }
  // Sends a response that this channel has added; to be called in their order.
  void send(Response& response);
  // Expires when the channel ends.
  [[nodiscard]] std::weak_ptr<const bool> life() const { return life_; }

  // Makes the program ring the doorbell for its next request. False if a request is there already.
  bool arm();
  void disarm();
  // Sets the longest time that the program's threads look for their responses.
  void set_look_window(std::uint64_t ns);

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
  // Commands that are not in the mailbox are carried out in slices, with turns of other channels
  // between them: a write buffer can hold a hundred thousand commands. For the core each slice is
  // an ioctl of its own, of which only the last one reads.
  static constexpr std::size_t kSliceBytes = 4096;
  struct LargeWrite {
    WriteReadRequest request;
    std::vector<std::byte> commands;
    std::uint64_t done = 0;
    std::uint64_t slice = 0;      // the length of the current one
    bool between_slices = false;  // the next one is to begin
    // The next slice goes to another host, and all that must be done before it is done.
    bool prepared = false;
    std::vector<int> close_fds;
    std::optional<std::int32_t> nice;
  };
  struct Slot {
    SlotState state = SlotState::kFree;
    bool told = false;  // kPosting: the response that allows it has been sent
    // A response waits to be sent. Until it is, the mailbox shows the request that it answers,
    // which must not be taken for a new one: a posted read may be marked as well.
    bool answered = false;
    ThreadId tid;
    std::uint32_t flags = 0;
    std::uint32_t install_count = 0;
    StagedMemory::Cursor staged;
    bool held = false;  // kInstalling: the program is not told yet
    std::vector<RelayId> relays_of_twins;  // kInstalling: the program decides whether it needs them
    std::unique_ptr<LargeWrite> large;  // none if the commands were in the mailbox
  };

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
  void run_slice(std::uint32_t index, Slot& slot);
  // A call or reply to another host goes after what its user's programs have written to travelling
  // descriptors, and its own descriptors have to be looked at: true if that is under way.
  bool prepare(std::uint32_t index, Slot& slot, std::span<const std::byte> commands);
  // Tells the program of descriptors; those that are on this host already are opened again first.
  void install(std::uint32_t index, std::vector<FileInFlight> files);
  // True if it was the last one.
  bool slice_done(std::uint32_t index, Slot& slot, const IoctlResult& result);
  std::shared_ptr<const bool> life_ = std::make_shared<const bool>(true);
  Readiness readiness_;
  bool closing_ = false;
  Driver& driver_;
  ProcessId process_;
  SharedMemory channel_;
  std::vector<Response>& responses_;
  ChannelStatistics& statistics_;
  StagedMemory staged_{channel_, statistics_.staged};
  TravellingFiles& files_;
  ChannelEvents& events_;
  UserAccount& user_;
  std::vector<std::uint32_t> waiting_;  // mailboxes that were left for the next turn
  boost::container::small_vector<Slot, 2> slots_;  // of the mailboxes that have been used
  // The mailboxes whose slots are not free, by thread.
  boost::container::small_flat_map<std::uint32_t, std::uint32_t, 4> mailbox_of_tid_;

  std::shared_ptr<SharedMemory> arena_;
  PeerProgram program_;
  ForeignFd socket_;
  SideSocket side_socket_;
  UniqueFd doorbell_;
  std::optional<ReceiversView> view_;  // none if the program sees senders as the agent does
};

}  // namespace netbinder
