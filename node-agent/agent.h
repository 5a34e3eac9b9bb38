// SPDX-License-Identifier: Apache-2.0
//
// The agent of one host: the core and everything around it. Carries out the core's effects, feeds
// it events from channels, peers and the clock, and runs the data-plane loop.
//
// Owns the driver, the channels, the transport and the built-in service managers. Thread: the one
// that calls run(); stop() may be called from a signal handler's context of the same event loop.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "cluster-config/config.h"
#include "core/driver.h"
#include "core/model/effects.h"
#include "node-agent/adaptive_wait.h"
#include "node-agent/builtin_manager.h"
#include "node-agent/channel_acceptor.h"
#include "node-agent/client_channel.h"
#include "node-agent/doorbells.h"
#include "node-agent/file_relays.h"
#include "node-agent/file_table.h"
#include "transport/transport.h"

namespace netbinder {

class Agent final : private Effects, private PeerEvents {
 public:
  Agent(boost::asio::io_context& io, Config config, Incarnation incarnation);
  ~Agent() override;
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // Listens for programs and peers. Throws std::runtime_error with what is in the way.
  void start();
  // Serves until stop().
  void run();
  void stop() { stopping_ = true; }

  // ---- views, for the admin socket ----
  [[nodiscard]] const Driver& driver() const { return *driver_; }
  // To be called before one looks at what the driver's debug files tell.
  void take_posted_reads() { driver_->take_posted_reads(); }
  [[nodiscard]] const Config& config() const { return config_; }
  [[nodiscard]] Incarnation incarnation() const { return incarnation_; }
  [[nodiscard]] std::vector<LinkStatus> links() const;
  [[nodiscard]] const ChannelStatistics& channel_statistics() const { return channel_statistics_; }
  [[nodiscard]] std::size_t channels() const { return channels_.size(); }
  [[nodiscard]] std::size_t connected_peers() const { return connected_peers_; }
  [[nodiscard]] std::size_t relays() const { return relays_ ? relays_->relays() : 0; }

 private:
  struct Watched {
    explicit Watched(boost::asio::io_context& io) : socket_watch(io) {}
    // Released, not closed: the channel owns the descriptor.
    ~Watched() { socket_watch.release(); }
    std::unique_ptr<ClientChannel> channel;
    UniqueFd side_there;    // the program's end of the side socket, for processes that attach
    ino_t program_end = 0;  // key in program_ends_, 0 is none
    boost::asio::posix::stream_descriptor socket_watch;
  };

  // ---- channels ----
  // handshake.cc; `passed`: the descriptor that came with the Hello, if any.
  void hello_arrived(const Hello& hello, PeerProgram program, UniqueFd socket, UniqueFd passed);
  void open_channel(const Hello& hello, PeerProgram program, UniqueFd socket,
                    const UniqueFd& passed);
  int watch_channel(Watched& watched);
  ino_t remember_program_end(int passed, ProcessId process);
  void attach(const UniqueFd& passed, int socket);
  void send_debug_file(const std::string& file, int socket);
  int add_device(const std::string& name, const PeerProgram& program);
  // agent.cc
  void watch_socket(ProcessId process);
  void close_channel(ProcessId process);
  void reap_closing();

  // ---- loop (event_loop.cc) ----
  bool serve_hot();
  void make_hot(ClientChannel& channel);
  void park_idle(std::uint64_t now_ns, bool all);
  // Brings to an end what an event of the core began, but for what waits for flush().
  void after_event();
  void run_managers();
  void respond();
  // Once for each turn of the loop: to the network what is for there, then the programs their
  // responses. What travels farther leaves first, as a program that is woken may take the
  // processor.
  void flush();
  // Begins the service managers' looks for clients of lazy services, where there are any.
  void look_for_clients();

  // ---- Effects ----
  int read_memory(ProcessId process, ThreadId thread, std::uint64_t address,
                  std::span<std::byte> into) override;
  std::expected<FileToken, int> take_file(ProcessId process, ThreadId thread, int fd) override;
  void drop_file(FileToken file) override;
  std::expected<FileNumber, FileRefusal> export_file(HostId peer, FileToken file) override;
  void withdraw_file(HostId peer, FileNumber file) override;
  std::expected<FileToken, int> import_file(HostId peer, FileNumber file) override;
  void install_files(ProcessId process, ThreadId thread, std::span<const FileToken> files) override;
  void ioctl_done(ProcessId process, ThreadId thread, const IoctlResult& result) override;
  std::optional<PostedRead> take_posted_read(ProcessId process, ThreadId thread) override;
  void readiness_changed(ProcessId process, bool readable) override;
  Payload new_payload(HostId peer, std::uint64_t bytes) override;
  void send(HostId peer, PeerMessage message, Payload payload) override;
  void give_up_peer(HostId peer, std::string_view reason) override;
  void set_timer(std::uint64_t deadline_ms) override;

  // ---- PeerEvents ----
  void session_established(HostId peer, Incarnation incarnation) override;
  void session_lost(HostId peer) override;
  PayloadDestination payload_arriving(HostId peer, const PeerMessage& message,
                                      std::uint64_t payload_bytes, LeaseId lease) override;
  void payload_abandoned(HostId peer, const PeerMessage& message) override;
  void message_arrived(HostId peer, PeerMessage message) override;
  std::optional<LeasedPlace> lease_wanted(HostId peer, const LeaseRequest& request) override;
  void lease_ended(HostId peer, LeaseId lease) override;

  [[nodiscard]] std::uint64_t waiting_bytes(HostId peer) const;
  [[nodiscard]] ProcessHost* host_of(ProcessId process);
  // Whether it is a program's end of a channel of this agent.
  [[nodiscard]] bool is_channel_socket(int fd) const;

  boost::asio::io_context& io_;
  Config config_;
  Incarnation incarnation_;
  std::unique_ptr<Driver> driver_;
  std::unique_ptr<Transport> transport_;  // none on a single host
  std::unique_ptr<ChannelAcceptor> acceptor_;
  Doorbells doorbells_;
  boost::unordered_flat_map<std::uint64_t, std::shared_ptr<Watched>> channels_;
  // Programs' ends of the channels, by the inode of the socket.
  boost::unordered_flat_map<ino_t, ProcessId> program_ends_;
  std::vector<std::unique_ptr<BuiltinManager>> managers_;
  bool managers_have_work_ = false;
  boost::unordered_flat_map<std::uint64_t, ProcessHost*> hosts_;
  FileTable files_;
  std::optional<FileRelays> relays_;  // none on a single host
  ChannelStatistics channel_statistics_;
  std::map<HostId, std::string> host_names_;
  std::size_t connected_peers_ = 0;

  boost::asio::steady_timer timer_;
  std::optional<std::uint64_t> timer_deadline_ms_;

  boost::asio::steady_timer look_timer_;
  bool looking_ = false;  // look_timer_ runs

  AdaptiveWait wait_;
  std::vector<ClientChannel*> hot_;
  std::vector<Response> responses_;  // to be sent, in order of the events
  bool unsent_ = false;              // something was given to the transport since the last flush()
  std::vector<ProcessId> closing_;
  std::vector<std::pair<HostId, std::string>> to_give_up_;
  bool stopping_ = false;
};

}  // namespace netbinder
