// SPDX-License-Identifier: Apache-2.0
//
// All channels of programs to this agent, each from the Hello that opened it to its end. Looks for
// requests, sends responses, closes channels.
//
// A channel ends with the hang-up of its socket, which is the last close of the binder descriptor.
// Programs can prevent that: a socket in the queue of another one stays open without them. So it
// also ends when all processes that are known to have the descriptor are gone: the opener, those
// that have shown it (kHelloAttach), and those that got it by a fork and identified themselves. The
// opener's end alone takes the mapping with it. A channel that a supervisor has opened for another
// process ends with the supervisor, too.
//
// Owned by the Agent. Thread: the data-plane thread.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "node-agent/channel_events.h"
#include "node-agent/channel_statistics.h"
#include "node-agent/doorbells.h"
#include "node-agent/hot_channels.h"
#include "node-agent/mapping_watch.h"
#include "node-agent/peer_program.h"
#include "node-agent/program_watch.h"
#include "node-agent/shared_memory.h"
#include "node-agent/side_socket.h"
#include "node-agent/unique_fd.h"
#include "node-agent/users.h"

namespace netbinder {

class ClientChannel;
class LookWindow;
class NodeHost;
class TravellingFiles;

// The parts of a channel whose process is open in the driver.
struct ChannelParts {
  ProcessId process;
  PeerProgram program;
  ForeignFd socket;
  SideSocket side;
  UniqueFd doorbell;
  SharedMemory memory;
  std::shared_ptr<SharedMemory> arena;
};

class ProgramChannels final : private ChannelEvents {
 public:
  ProgramChannels(boost::asio::io_context& io, NodeHost& host, TravellingFiles& files,
                  const LookWindow& look_window);
  ~ProgramChannels() override;
  ProgramChannels(const ProgramChannels&) = delete;
  ProgramChannels& operator=(const ProgramChannels&) = delete;

  // 0, or a negative errno; the channel must be closed then. `program_end` is the descriptor that
  // the program shows as its end, if any.
  int open(ChannelParts parts, int program_end);
  void close(ProcessId process);
  // Closes the channels whose programs announced that they would close them and have done so.
  void reap_closing();
  // Sends nothing to programs any more. To be called before the NodeHost ends.
  void silence();

  // ---- the loop ----
  // Handles the requests of hot channels. Returns whether there were any.
  bool serve_hot();
  [[nodiscard]] HotChannels& hot() { return hot_; }
  void respond();
  // Handles rings of doorbells. A request must not wait behind the events of other programs, such
  // as hundreds of opens.
  void take_doorbells() { doorbells_.take(); }

  // The descriptors for a process that shows a program's end of a channel.
  struct Attachment {
    ProcessId process;
    int memory_fd = -1, doorbell = -1, side_socket = -1;
  };
  [[nodiscard]] std::optional<Attachment> attachment(int program_end) const;
  // A process is let into the channel; `socket` is its connection to the agent.
  void attached(ProcessId channel, std::int32_t pid, int socket);

  // The name of the program that opened a channel; empty if it is not known, or there is none.
  [[nodiscard]] std::string_view program_of(ProcessId process) const;
  [[nodiscard]] std::size_t count() const { return channels_.size(); }
  [[nodiscard]] const UserAccounts& users() const { return users_; }
  [[nodiscard]] const ChannelStatistics& statistics() const { return statistics_; }

 private:
  struct Holder {
    enum class Part : std::uint8_t {
      kHolds,       // it has the descriptor
      kSupervises,  // it made the channel for another program, and the channel ends with it
    };
    std::int32_t pid = 0;
    Part part = Part::kHolds;
  };
  struct Watched {
    explicit Watched(boost::asio::io_context& io);
    // Its descriptor is released, not closed: the channel owns it.
    ~Watched();
    std::unique_ptr<ClientChannel> channel;
    ino_t program_end = 0;  // key in program_ends_, 0 is none
    // The processes that are watched for its sake, each of them once.
    std::vector<Holder> holders;
    bool watches_holders = true;  // all that are known to have the descriptor can be watched
    [[nodiscard]] bool held() const;
    boost::asio::posix::stream_descriptor socket_watch;
    boost::asio::steady_timer delay;
  };
  // A process that got the descriptor by a fork may not have said so before its parent ends.
  static constexpr int kGraceMs = 1000;
  static constexpr std::size_t kMaxHolders = 64;
  // Bytes written to the descriptor have no effect, and must not cost much either.
  static constexpr int kStrayPauseMs = 20;
  // Requests handled when a channel ends: only a hostile program has more.
  static constexpr RequestBudget kLastRequests{.requests = 256};

  int watch_channel(Watched& watched);
  void watch_socket(ProcessId process);
  void socket_ready(ProcessId process);
  void after_delay(ProcessId process, int delay_ms, void (ProgramChannels::*then)(ProcessId));

  bool hold(Response& response);

  // ---- who has the descriptor ----
  void identified(ClientChannel& channel, const ProvenIdentity& identity) override;
  void can_go_on(ClientChannel& channel) override { hot_.add(channel); }
  // A process that is one already stays what it is.
  void add_holder(Watched& watched, const Holder& holder, int socket);
  // Takes it out of what is watched for the channel's sake.
  void forget_holder(const Holder& holder, ProcessId process);
  void program_ended(std::int32_t pid);
  void mapping_lost(ProcessId process);
  void end_if_nobody_has_it(ProcessId process);
  ino_t remember_program_end(int program_end, ProcessId process);

  boost::asio::io_context& io_;
  NodeHost& host_;
  TravellingFiles& files_;
  const LookWindow& look_window_;
  ChannelStatistics statistics_;
  UserAccounts users_;
  HotChannels hot_;
  Doorbells doorbells_;
  ProgramWatch programs_;
  MappingWatch mappings_;
  std::uint64_t turn_ = 0;
  boost::unordered_flat_map<std::uint64_t, std::shared_ptr<Watched>> channels_;
  // The channels that a process has opened or is known to have.
  boost::unordered_flat_map<std::int32_t, std::vector<ProcessId>> channels_of_;
  // Programs' ends of the channels, by the inode of the socket.
  boost::unordered_flat_map<ino_t, ProcessId> program_ends_;
  std::vector<Response> responses_;  // to be sent, in order of the events
  std::vector<ProcessId> closing_;
};

}  // namespace netbinder
