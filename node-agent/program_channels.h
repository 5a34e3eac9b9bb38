// SPDX-License-Identifier: Apache-2.0
//
// All channels of programs to this agent, each from the Hello that opened it to the hang-up of its
// socket. Looks for requests, sends responses, closes channels.
//
// Owned by the Agent. Thread: the data-plane thread.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/ids.h"
#include "node-agent/client_channel.h"
#include "node-agent/doorbells.h"
#include "node-agent/hot_channels.h"
#include "node-agent/shared_memory.h"
#include "node-agent/unique_fd.h"

namespace netbinder {

class NodeHost;
class TravellingFiles;

// The parts of a channel whose process is open in the driver.
struct ChannelParts {
  ProcessId process;
  PeerProgram program;
  UniqueFd socket;
  UniqueFd side_here;
  UniqueFd side_there;  // the program's end of the side socket, for processes that attach
  UniqueFd doorbell;
  SharedMemory memory;
  std::shared_ptr<SharedMemory> arena;
};

class ProgramChannels {
 public:
  ProgramChannels(boost::asio::io_context& io, NodeHost& host, TravellingFiles& files);
  ~ProgramChannels();
  ProgramChannels(const ProgramChannels&) = delete;
  ProgramChannels& operator=(const ProgramChannels&) = delete;

  // 0, or a negative errno; then it must be closed. `program_end` is the descriptor that the
  // program shows as its end, if any.
  int open(ChannelParts parts, int program_end);
  void close(ProcessId process);
  // Closes the channels whose programs announced that they close, and have done so.
  void reap_closing();
  // Nothing is sent to programs any more. To be called before the NodeHost ends.
  void silence();

  // ---- the loop ----
  // Handles the requests of hot channels. Returns whether there were any.
  bool serve_hot();
  [[nodiscard]] HotChannels& hot() { return hot_; }
  void respond();

  // What to give to a process that shows a program's end of a channel.
  struct Attachment {
    ProcessId process;
    int memory_fd = -1, doorbell = -1, side_socket = -1;
  };
  [[nodiscard]] std::optional<Attachment> attachment(int program_end) const;

  [[nodiscard]] std::size_t count() const { return channels_.size(); }
  [[nodiscard]] const ChannelStatistics& statistics() const { return statistics_; }

 private:
  struct Watched {
    explicit Watched(boost::asio::io_context& io) : socket_watch(io) {}
    // Released, not closed: the channel owns the descriptor.
    ~Watched() { socket_watch.release(); }
    std::unique_ptr<ClientChannel> channel;
    UniqueFd side_there;
    ino_t program_end = 0;  // key in program_ends_, 0 is none
    boost::asio::posix::stream_descriptor socket_watch;
  };

  int watch_channel(Watched& watched);
  void watch_socket(ProcessId process);
  ino_t remember_program_end(int program_end, ProcessId process);

  boost::asio::io_context& io_;
  NodeHost& host_;
  TravellingFiles& files_;
  ChannelStatistics statistics_;
  HotChannels hot_;
  Doorbells doorbells_;
  boost::unordered_flat_map<std::uint64_t, std::shared_ptr<Watched>> channels_;
  // Programs' ends of the channels, by the inode of the socket.
  boost::unordered_flat_map<ino_t, ProcessId> program_ends_;
  std::vector<Response> responses_;  // to be sent, in order of the events
  std::vector<ProcessId> closing_;
};

}  // namespace netbinder
