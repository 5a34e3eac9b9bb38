// SPDX-License-Identifier: Apache-2.0
//
// The agent's end of a channel's side socket (channel/side_socket.h): descriptors that came along
// with requests, descriptors to be installed, and how processes identify themselves.
//
// Owned by a ClientChannel. Thread: the data-plane thread.
#pragma once

#include <sys/types.h>

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "channel/limits.h"
#include "node-agent/foreign_file.h"
#include "node-agent/unique_fd.h"

namespace netbinder {

// The sender of a message, as confirmed by the kernel.
struct ProvenIdentity {
  std::int32_t pid = 0;
  std::uint32_t euid = 0;
};

class SideSocket {
 public:
  // Makes both ends of a new side socket; an errno if that fails.
  static std::expected<SideSocket, int> make();

  // The program's end, for every process that is let into the channel.
  [[nodiscard]] int program_end() const { return program_end_.get(); }

  // Takes the messages that are there; descriptors beyond `room` are closed. Returns the processes
  // that have identified themselves.
  std::vector<ProvenIdentity> receive(std::size_t room);
  // Whether the opener has shown its namespaces since the last call; a pid namespace that is not
  // the agent's may have come along.
  struct ShownNamespaces {
    ForeignFd pid;
  };
  std::optional<ShownNamespaces> take_namespaces() {
    return std::exchange(namespaces_, std::nullopt);
  }
  // Takes a descriptor that came along for the mailbox, by its number in the program. Each can be
  // taken once, in order. -EBADF if there is none.
  std::expected<ForeignFile, int> take(std::uint32_t mailbox, int fd);
  // All that came along for the mailbox, to be looked at, and back again. Meanwhile none can be
  // taken.
  std::vector<ForeignFile> lend(std::uint32_t mailbox);
  void give_back(std::uint32_t mailbox, std::vector<ForeignFile> files);
  // Closes the mailbox's descriptors that no transaction has taken.
  void forget(std::uint32_t mailbox);
  // Sends descriptors to be installed, in as many messages as needed.
  // `twins` as in InstallMessage; there may be fewer of them.
  void send(std::uint32_t mailbox, std::span<const int> fds, std::span<const ino_t> twins);

 private:
  // The most messages in one turn for one channel: only a hostile program has more.
  static constexpr int kMessagesAtOnce = 256;
  static constexpr std::size_t kMaxWaiting = 2 * kMaxPassedFds;

  // The descriptors of a mailbox, in the order in which they are taken.
  struct Passed {
    std::vector<std::pair<int, ForeignFile>> files;
    std::size_t next = 0;
  };

  // False if there is no message.
  bool receive_one(std::vector<ProvenIdentity>& identities, std::size_t room);

  std::optional<ShownNamespaces> namespaces_;
  ForeignFd here_;
  ForeignFd program_end_;
  boost::unordered_flat_map<std::uint32_t, Passed> passed_;  // by mailbox
  std::size_t waiting_ = 0;                                  // descriptors in it
};

}  // namespace netbinder
