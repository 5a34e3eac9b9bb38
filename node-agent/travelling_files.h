// SPDX-License-Identifier: Apache-2.0
//
// The agent's descriptors in flight: those between programs of this host, which are kept in a table
// under their tokens, and those to and from other hosts, which are relayed or copied (FileRelays).
//
// Owned by the Agent. Thread: the data-plane thread.
#pragma once

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "host/files.h"
#include "node-agent/file_relays.h"
#include "node-agent/file_table.h"
#include "node-agent/unique_fd.h"

namespace netbinder {

class TravellingFiles final : public Files {
 public:
  // `channel_socket` is the path where programs find the agent.
  TravellingFiles(std::string channel_socket, std::size_t max_files_of_user)
      : channel_socket_(std::move(channel_socket)), max_files_of_user_(max_files_of_user) {}

  void set_max_files_of_user(std::size_t limit) { max_files_of_user_ = limit; }
  // To be called if there are other hosts. The setup's `held_bytes` is set by this object.
  void begin_relaying(boost::asio::io_context& io, FileRelaysSetup setup);
  void end_relaying() { relays_.reset(); }
  [[nodiscard]] std::size_t relays() const { return relays_ ? relays_->relays() : 0; }

  // Whether it is a program's end of a channel to this agent.
  [[nodiscard]] bool is_channel_socket(int fd) const;

  // ---- for channels ----
  // A descriptor of that user's program begins to travel. -EPERM if it may not, -EMFILE if the user
  // has too many in flight.
  std::expected<FileToken, int> take_in(ForeignFile file, std::uint32_t sender);
  [[nodiscard]] std::size_t files_of(std::uint32_t uid) const { return table_.of_user(uid); }
  // How many more the user may have in flight.
  [[nodiscard]] std::size_t room_for(std::uint32_t uid) const {
    const std::size_t limit = uid == 0 ? SIZE_MAX : max_files_of_user_;
    return limit - std::min(limit, table_.of_user(uid));
  }
  // Takes the descriptors out of flight.
  std::vector<FileInFlight> take_out(std::span<const FileToken> files);
  // A program of that user is about to be sent them.
  void program_gets(std::span<const FileInFlight> files, std::uint32_t uid);
  // As FileRelays::open_again, for a file that is another descriptor of one that is here already;
  // false if it is none. With what was opened, replace() follows.
  bool open_again(FileInFlight& file, std::uint32_t uid,
                  std::move_only_function<void(UniqueFd)> opened);
  void replace(FileInFlight& file, UniqueFd fd);
  // A program has been sent the descriptors that were taken out.
  void program_has(std::span<const FileInFlight> files);
  // For files with twins: a program was sent them, and has installed them or their twins.
  void program_has_or_twins(std::span<const RelayId> relays);

  // ---- what programs wait for; each is false on a host without relays ----
  // Whether a call of that user's program to another host waits for FileRelays::
  // look_and_bring_up_to_date.
  [[nodiscard]] bool holds_calls(std::uint32_t uid, bool passes_files) const {
    return relays_ && (passes_files || (relays_->relays() > 0 && relays_->has_relays(uid)));
  }
  // Whether what a program of that user reads waits for FileRelays::when_written.
  [[nodiscard]] bool holds_responses(std::uint32_t uid) const {
    return relays_ && relays_->relays() > 0 && relays_->has_unwritten(uid);
  }
  [[nodiscard]] FileRelays& relayed() { return *relays_; }

  // ---- Files ----
  void drop(FileToken file) override;
  std::expected<FileNumber, FileRefusal> export_file(HostId peer, FileToken file) override;
  void withdraw(HostId peer, FileNumber file) override;
  std::expected<FileToken, int> import_file(HostId peer, FileNumber file) override;
  void send_offers(HostId peer) override;
  void drop_offers(HostId peer) override;
  const char* message_arrived(HostId peer, peer::FileMessage message) override;
  void peer_lost(HostId peer) override;

 private:
  std::string channel_socket_;
  std::size_t max_files_of_user_;
  FileTable table_;
  std::unique_ptr<FileRelays> relays_;  // none on a single host
};

}  // namespace netbinder
