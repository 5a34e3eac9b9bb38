// SPDX-License-Identifier: Apache-2.0
#include "node-agent/agent.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "core/base/check.h"
#include "transport/frame.h"
#include "transport/rdma/ibverbs_device.h"
#include "transport/tcp/tcp_transport.h"

namespace netbinder {

namespace {

DriverSetup driver_setup(const Config& config, Incarnation incarnation) {
  DriverSetup setup;
  setup.host = HostId{config.self().id};
  setup.host_name = config.host;
  setup.incarnation = incarnation;
  setup.arbiter = HostId{config.hosts.front().id};
  for (const ContextSettings& context : config.contexts) {
    setup.contexts.push_back(
        {.name = context.name, .cluster_wide = context.scope == ContextScope::kCluster});
  }
  setup.max_processes = config.limits.max_processes;
  setup.max_threads_per_process = config.limits.max_threads_per_process;
  setup.max_nodes_per_process = config.limits.max_nodes_per_process;
  setup.max_message_bytes = config.limits.max_message_bytes;
  return setup;
}

RdmaUse rdma_use(TransportKind kind) {
  switch (kind) {
    case TransportKind::kAuto:
      return RdmaUse::kIfPossible;
    case TransportKind::kTcp:
      return RdmaUse::kNever;
    case TransportKind::kRdma:
      return RdmaUse::kRequired;
  }
  NB_UNREACHABLE();
}

TransportConfig transport_config(const Config& config, Incarnation incarnation) {
  TransportConfig transport;
  transport.host = HostId{config.self().id};
  transport.host_name = config.host;
  transport.incarnation = incarnation;
  transport.cluster = config.cluster;
  transport.listen_address = config.listen;
  for (const HostSettings& host : config.hosts) {
    if (host.name == config.host) continue;
    transport.peers.push_back({.id = HostId{host.id}, .name = host.name, .address = host.address});
  }
  transport.timing.timeout_ms = config.session.timeout_ms;
  transport.timing.heartbeat_ms = config.session.heartbeat_ms;
  transport.timing.suspect_ms = config.session.suspect_ms;
  transport.limits.backlog_bytes = config.limits.max_backlog_bytes;
  transport.insecure = config.insecure;
  transport.rdma = {.use = rdma_use(config.transport),
                    .device = config.rdma.device,
                    .port = config.rdma.port,
                    .gid_index = config.rdma.gid_index,
                    .staging_bytes = config.rdma.staging_bytes,
                    .max_registered_bytes = config.rdma.max_registered_bytes};
  transport.tls = {
      .certificate = config.tls.certificate, .key = config.tls.key, .ca = config.tls.ca};
  return transport;
}

}  // namespace

Agent::Agent(boost::asio::io_context& io, Config config, Incarnation incarnation)
    : io_(io),
      config_(std::move(config)),
      incarnation_(incarnation),
      doorbells_(io,
                 [this](ClientChannel& channel) {
                   ++channel_statistics_.doorbells;
                   make_hot(channel);
                 }),
      timer_(io),
      look_timer_(io),
      wait_(std::uint64_t{config_.busy_poll_us} * 1000) {
  Effects& effects = *this;
  driver_ = std::make_unique<Driver>(driver_setup(config_, incarnation_), effects);
  driver_->set_time(monotonic_ms());
  for (const HostSettings& host : config_.hosts) host_names_[HostId{host.id}] = host.name;
}

Agent::~Agent() {
  // Programs hear nothing any more; peers hear what the end of the core tells them.
  acceptor_.reset();
  responses_.clear();
  hot_.clear();
  hosts_.clear();
  managers_.clear();
  driver_.reset();
  relays_.reset();
  transport_.reset();
  channels_.clear();
}

void Agent::start() {
  for (const ContextSettings& context : config_.contexts) {
    if (context.service_manager == ServiceManagerKind::kNone) continue;
    ServiceManagerSetup setup;
    setup.context = context.name;
    setup.dialect = std::string(to_string(context.dialect));
    setup.host = HostId{config_.self().id};
    for (const HostSettings& host : config_.hosts) {
      setup.hosts.emplace_back(HostId{host.id}, host.name);
    }
    auto manager = std::make_unique<BuiltinManager>(*driver_, context.name, std::move(setup),
                                                    managers_have_work_);
    hosts_[manager->id().value()] = &manager->host();
    manager->start();
    managers_.push_back(std::move(manager));
  }
  after_event();
  acceptor_ = std::make_unique<ChannelAcceptor>(
      io_, config_.socket,
      [this](const Hello& hello, PeerProgram program, UniqueFd socket, UniqueFd passed) {
        hello_arrived(hello, std::move(program), std::move(socket), std::move(passed));
      });
  acceptor_->start();
  if (config_.hosts.size() > 1) {
    relays_.emplace(
        io_, FileRelaysSetup{
                 .max_file_bytes = config_.limits.max_file_bytes,
                 .max_waiting_bytes = config_.limits.max_backlog_bytes / 2,
                 .send = [this](HostId peer,
                                peer::FileMessage message) { send(peer, std::move(message), {}); },
                 .waiting_bytes = [this](HostId peer) { return waiting_bytes(peer); },
                 .max_held_bytes = config_.limits.max_backlog_bytes,
                 .held_bytes = [this] { return files_.content_bytes(); },
             });
    PeerEvents& events = *this;
    transport_ = std::make_unique<TcpTransport>(io_, transport_config(config_, incarnation_),
                                                events, rdma::make_ibverbs());
    transport_->start();
  }
}

// ---- channels ----

void Agent::watch_socket(ProcessId process) {
  auto watched = channels_.at(process.value());
  watched->socket_watch.async_wait(
      boost::asio::posix::stream_descriptor::wait_read,
      [this, process](const boost::system::error_code& error) {
        if (error || !channels_.contains(process.value())) return;
        std::array<char, 64> bytes;
        const ssize_t got = ::recv(channels_.at(process.value())->channel->socket(), bytes.data(),
                                   bytes.size(), MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
          watch_socket(process);
          return;
        }
        if (got > 0) {
          spdlog::warn("pid {} wrote to its binder descriptor: disconnected",
                       driver_->pid_of(process));
        }
        close_channel(process);
      });
}

void Agent::close_channel(ProcessId process) {
  const auto found = channels_.find(process.value());
  if (found == channels_.end()) return;
  const std::shared_ptr<Watched> watched = found->second;
  ClientChannel* channel = watched->channel.get();
  // What it asked for before it went away is still done, as by a driver.
  channel->handle_requests();
  after_event();
  respond();
  driver_->set_time(monotonic_ms());
  driver_->close(process);
  if (transport_) transport_->memory_ends(channel->arena());
  doorbells_.remove(*channel);
  hosts_.erase(process.value());
  program_ends_.erase(watched->program_end);
  channels_.erase(process.value());
  std::erase(hot_, channel);
  std::erase_if(responses_, [=](const Response& each) { return each.channel == channel; });
  std::erase(closing_, process);
  const std::int32_t pid = channel->program().pid;
  const bool more = std::any_of(channels_.begin(), channels_.end(), [pid](const auto& other) {
    return other.second->channel->program().pid == pid;
  });
  if (!more) {
    for (auto& manager : managers_) manager->service().forget_program(pid);
  }
  after_event();
}

void Agent::reap_closing() {
  for (const ProcessId process : std::vector<ProcessId>(closing_)) {
    const auto found = channels_.find(process.value());
    if (found == channels_.end()) continue;
    char byte = 0;
    // The program closes right after saying so, but others may have the descriptor too.
    if (::recv(found->second->channel->socket(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0) {
      close_channel(process);
    }
  }
}

ProcessHost* Agent::host_of(ProcessId process) {
  const auto found = hosts_.find(process.value());
  return found == hosts_.end() ? nullptr : found->second;
}

bool Agent::is_channel_socket(int fd) const {
  sockaddr_un peer{};
  socklen_t size = sizeof peer;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return false;
  return peer.sun_family == AF_UNIX && size > offsetof(sockaddr_un, sun_path) &&
         config_.socket ==
             std::string_view(peer.sun_path, ::strnlen(peer.sun_path, sizeof peer.sun_path));
}

// ---- effects ----

int Agent::read_memory(ProcessId process, ThreadId thread, std::uint64_t address,
                       std::span<std::byte> into) {
  ProcessHost* host = host_of(process);
  return host == nullptr ? -EFAULT : host->read_memory(thread, address, into);
}

std::expected<FileToken, int> Agent::take_file(ProcessId process, ThreadId thread, int fd) {
  ProcessHost* host = host_of(process);
  if (host == nullptr) return std::unexpected(-EBADF);
  auto file = host->take_file(thread, fd);
  if (!file) return std::unexpected(file.error());
  // A binder descriptor on its way to itself would keep its process alive for ever. It is of no
  // use elsewhere anyway: the channel's memory does not travel with it.
  if (is_channel_socket(file->get())) return std::unexpected(-EPERM);
  return files_.insert({.fd = std::move(*file)});
}

void Agent::drop_file(FileToken file) { (void)files_.take(file); }

std::expected<FileNumber, FileRefusal> Agent::export_file(HostId peer, FileToken file) {
  return relays_->export_file(peer, std::move(files_.take(file).fd));
}

void Agent::withdraw_file(HostId peer, FileNumber file) { relays_->withdraw_file(peer, file); }

std::expected<FileToken, int> Agent::import_file(HostId peer, FileNumber file) {
  auto imported = relays_->import_file(peer, file);
  if (!imported) return std::unexpected(imported.error());
  return files_.insert({.fd = std::move(imported->fd),
                        .relay = imported->relay,
                        .content_bytes = imported->content_bytes});
}

void Agent::install_files(ProcessId process, ThreadId thread, std::span<const FileToken> files) {
  std::vector<FileInFlight> owned;
  std::vector<int> fds;
  for (const FileToken file : files) {
    owned.push_back(files_.take(file));
    fds.push_back(owned.back().fd.get());
  }
  ProcessHost* host = host_of(process);
  if (host == nullptr) return;
  host->install_files(thread, fds);
  for (const FileInFlight& file : owned) {
    if (file.relay != RelayId{}) relays_->program_has_it(file.relay);
  }
}

void Agent::ioctl_done(ProcessId process, ThreadId thread, const IoctlResult& result) {
  ProcessHost* host = host_of(process);
  if (host == nullptr) return;
  host->ioctl_done(thread, result);
}

std::optional<PostedRead> Agent::take_posted_read(ProcessId process, ThreadId thread) {
  ProcessHost* host = host_of(process);
  return host == nullptr ? std::nullopt : host->take_posted_read(thread);
}

void Agent::readiness_changed(ProcessId process, bool readable) {
  if (ProcessHost* host = host_of(process)) host->readiness_changed(readable);
}

Payload Agent::new_payload(HostId peer, std::uint64_t bytes) {
  return transport_->new_payload(peer, bytes);
}

void Agent::send(HostId peer, PeerMessage message, Payload payload) {
  NB_CHECK(transport_ != nullptr);
  if (has_payload(message)) relays_->send_offers(peer);
  unsent_ = true;
  transport_->send(peer, std::move(message), std::move(payload));
}

void Agent::give_up_peer(HostId peer, std::string_view reason) {
  spdlog::error("host {} broke the protocol: {}", host_names_[peer], reason);
  to_give_up_.emplace_back(peer, std::string(reason));
}

void Agent::set_timer(std::uint64_t deadline_ms) {
  if (timer_deadline_ms_ && *timer_deadline_ms_ <= deadline_ms) return;
  timer_deadline_ms_ = deadline_ms;
  const std::uint64_t now = monotonic_ms();
  timer_.expires_after(std::chrono::milliseconds(deadline_ms > now ? deadline_ms - now : 0));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    timer_deadline_ms_.reset();
    driver_->set_time(monotonic_ms());
    driver_->timer_expired();
    after_event();
  });
}

void Agent::look_for_clients() {
  const bool wanted = std::any_of(managers_.begin(), managers_.end(), [](const auto& manager) {
    return manager->service().looks_for_clients();
  });
  if (looking_ || !wanted) return;
  looking_ = true;
  look_timer_.expires_after(std::chrono::milliseconds(ServiceManager::kLookIntervalMs));
  look_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    looking_ = false;
    driver_->set_time(monotonic_ms());
    for (auto& manager : managers_) manager->service().look_for_clients();
    after_event();
    look_for_clients();
  });
}

// ---- peers ----

void Agent::session_established(HostId peer, Incarnation incarnation) {
  spdlog::info("host {} is connected", host_names_[peer]);
  ++connected_peers_;
  driver_->peer_connected(peer, incarnation, host_names_[peer]);
  after_event();
}

void Agent::session_lost(HostId peer) {
  spdlog::warn("host {} is lost", host_names_[peer]);
  --connected_peers_;
  driver_->peer_lost(peer);
  relays_->peer_lost(peer);
  after_event();
}

PayloadDestination Agent::payload_arriving(HostId peer, const PeerMessage& message,
                                           std::uint64_t payload_bytes, LeaseId lease) {
  const PayloadPlace place = driver_->payload_arriving(peer, message, lease);
  ProcessHost* host = host_of(place.process);
  if (host == nullptr || place.bytes.size() != payload_bytes) return {};
  return {.bytes = place.bytes, .owner = host->arena_owner()};
}

void Agent::payload_abandoned(HostId peer, const PeerMessage& /*message*/) {
  driver_->payload_abandoned(peer);
  after_event();
}

void Agent::message_arrived(HostId peer, PeerMessage message) {
  if (auto* about_file = std::get_if<peer::FileMessage>(&message)) {
    if (const char* broken = relays_->message_arrived(peer, std::move(*about_file))) {
      give_up_peer(peer, broken);
    }
  } else {
    const bool may_name_files = has_payload(message);
    driver_->message_arrived(peer, std::move(message));
    if (may_name_files) relays_->drop_offers(peer);
  }
  after_event();
}

std::optional<LeasedPlace> Agent::lease_wanted(HostId peer, const LeaseRequest& request) {
  const auto lease = driver_->lease(peer, request);
  if (!lease) return std::nullopt;
  ProcessHost* host = host_of(lease->process);
  NB_CHECK(host != nullptr);
  return LeasedPlace{.id = lease->id,
                     .process = lease->process,
                     .place = {.bytes = lease->bytes, .owner = host->arena_owner()},
                     .arena = lease->arena};
}

void Agent::lease_ended(HostId peer, LeaseId lease) {
  driver_->end_lease(peer, lease);
  after_event();
}

std::uint64_t Agent::waiting_bytes(HostId peer) const {
  for (const LinkStatus& link : links()) {
    if (link.peer == peer) return link.unacknowledged_bytes;
  }
  return 0;
}

std::vector<LinkStatus> Agent::links() const {
  return transport_ ? transport_->status() : std::vector<LinkStatus>{};
}

}  // namespace netbinder
