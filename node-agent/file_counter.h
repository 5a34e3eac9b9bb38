// SPDX-License-Identifier: Apache-2.0
//
// One end of an eventfd that has travelled to another host; the other end is a FileCounter of that
// host's agent. Each host has an eventfd, which its programs share with the agent, and the two counts are
// kept equal: each end checks its own after every change and tells the other by how much it
// changed. So a value written on one host can be read on either, and is gone from both once it is
// read. Two programs that read on different hosts at the same time may both get the same count.
//
// There is no event when the last program closes an eventfd. Its relay ends with the session, or
// when others need its place (FileRelays).
//
// Thread: as a FileRelay: the data plane's until a program has it, then a FileWorker's. It calls back
// only through `send`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "core/wire/peer_message.h"
#include "node-agent/file_relay.h"
#include "node-agent/unique_fd.h"

namespace netbinder {

// The state of an eventfd as /proc shows it.
struct EventfdState {
  std::uint64_t count = 0;
  std::uint64_t id = 0;  // of the open file; 0 before Linux 5.2
  bool semaphore = false;
};
// Nothing if `fd` is no eventfd.
[[nodiscard]] std::optional<EventfdState> eventfd_state(int fd);

class FileCounter {
 public:
  struct Setup {
    std::shared_ptr<const ForeignFd> fd;  // also for the data plane, which duplicates it
    bool semaphore = false;
    bool offered_here = false;
    std::uint64_t count = 0;  // the count at the other end
  };

  FileCounter(Setup setup, FileRelay::Send send);

  void set_send(FileRelay::Send send) { send_ = std::move(send); }

  [[nodiscard]] int fd() const { return setup_.fd->get(); }
  [[nodiscard]] bool over() const { return over_; }

  // Sends a change of the count to the peer, if there is one.
  void look();
  // Takes messages of the peer.
  void arrived(const peer::FileData& data);
  void arrived(const peer::FileCredit& credit);
  void arrived(const peer::FileEnd& end);
  // Reports to the peer that this end is closed.
  void close();

 private:
  void add(std::uint64_t count);
  void take(std::uint64_t count);

  Setup setup_;
  FileRelay::Send send_;
  std::uint64_t known_;  // the count that both ends have, as far as this one knows
  std::uint64_t credit_;
  bool over_ = false;
};

}  // namespace netbinder
