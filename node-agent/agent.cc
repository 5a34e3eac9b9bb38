// SPDX-License-Identifier: Apache-2.0
#include "node-agent/agent.h"

#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "core/base/check.h"
#include "host/data_plane.h"
#include "host/node_host.h"
#include "host/surroundings.h"
#include "node-agent/agent_setup.h"
#include "node-agent/certificate_watch.h"
#include "node-agent/channel_acceptor.h"
#include "node-agent/clock.h"
#include "node-agent/denial_log.h"
#include "node-agent/event_loop.h"
#include "node-agent/handshake.h"
#include "node-agent/look_window.h"
#include "node-agent/loop_timer.h"
#include "node-agent/program_channels.h"
#include "node-agent/travelling_files.h"
#include "transport/frame.h"
#include "transport/log.h"
#include "transport/rdma/ibverbs_device.h"
#include "transport/tcp/tcp_transport.h"

namespace netbinder {

namespace {

std::optional<std::uint64_t> look_ns(const Config& config) {
  if (!config.busy_poll_us) return std::nullopt;
  return std::uint64_t{*config.busy_poll_us} * 1000;
}

// The values by which a change of the files is recognised.
class FilesStamp {
 public:
  FilesStamp() = default;
  template <typename Tls>
  explicit FilesStamp(const Tls& files) {
    for (const std::string& file : {files.certificate, files.key, files.ca, files.crl}) {
      struct stat status {};
      (void)::stat(file.c_str(), &status);
      of_file_.push_back({file, status.st_ino, status.st_size, status.st_mtim.tv_sec,
                          status.st_mtim.tv_nsec});
    }
  }
  friend bool operator==(const FilesStamp&, const FilesStamp&) = default;

 private:
  std::vector<std::tuple<std::string, ino_t, off_t, time_t, long>> of_file_;
};

}  // namespace

class Agent::Parts final : private Surroundings {
 public:
  Parts(boost::asio::io_context& io_context, Config settings, Incarnation life)
      : io(io_context),
        config(std::move(settings)),
        incarnation(life),
        look_window(look_ns(config)),
        timer(io, [this] { host->timer_expired(); }),
        files(config.socket, config.limits.max_files_per_user) {
    Surroundings& surroundings = *this;
    host.emplace(node_host_setup(config, incarnation), timer, files, surroundings);
    channels.emplace(io, *host, files, look_window);
    handshake.emplace(*host, *channels);
    loop.emplace(io, *host, *channels, *handshake, look_window);
  }
  ~Parts() override {
    // Programs get no more answers; peers still get the messages that the end of the core sends.
    acceptor.reset();
    channels->silence();
    host.reset();
    files.end_relaying();
    certificates.reset();
    transport.reset();
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  void listen(const SocketAccess& access) {
    acceptor = std::make_unique<ChannelAcceptor>(
        io, config.socket, access,
        [this](const HelloRequest& request, PeerProgram program, ForeignFd socket,
               const ForeignFd& passed) {
          handshake->hello_arrived(request, program, std::move(socket), passed);
        });
    acceptor->start();
  }

  void connect() {
    files.begin_relaying(io,
                         FileRelaysSetup{
                             .max_file_bytes = config.limits.max_file_bytes,
                             .max_waiting_bytes = config.limits.max_backlog_bytes / 2,
                             .send =
                                 [this](HostId peer, peer::FileMessage message) {
                                   host->send_about_file(peer, std::move(message));
                                 },
                             .waiting_bytes = [this](HostId peer) { return waiting_bytes(peer); },
                             .max_held_bytes = config.limits.max_backlog_bytes,
                             .held_bytes = {},
                         });
    transport = std::make_unique<TcpTransport>(io, transport_config(config, incarnation),
                                               host->peer_events(), rdma::make_ibverbs());
    host->attach(*transport);
    loop->attach(*transport);
    transport->start();
    if (!config.tls.enabled()) return;
    tls_stamp = FilesStamp(config.tls);
    certificates = std::make_unique<CertificateWatch>(
        io, transport_config(config, incarnation).tls,
        CertificateWatch::Calls{.files_changed = [this] { certificates_changed(); },
                                .links = [this] { return links(); }});
  }

  // Throws std::exception, and changes nothing.
  void use_network(const TransportConfig& network) {
    transport->change(network.peers, network.tls);
    if (!network.tls.enabled()) return;
    if (FilesStamp stamp(network.tls); stamp != tls_stamp) {
      tls_stamp = std::move(stamp);
      certificates->set_files(network.tls);
      transport->renew_links();
    }
  }

  void certificates_changed() {
    try {
      use_network(transport_config(config, incarnation));
      log::info("the certificates have changed, and are used from now on");
    } catch (const std::exception& error) {
      log::error("the certificates have changed, but the earlier ones stay: {}", error.what());
    }
  }

  std::expected<Reconfiguration, std::string> reconfigure(const Config& wanted) {
    Reconfiguration plan = plan_reconfiguration(config, wanted);
    const Config& next = plan.config;
    const NodeHostSetup setup = node_host_setup(next, incarnation);
    if (transport) {
      try {
        const TransportConfig network = transport_config(next, incarnation);
        use_network(network);
      } catch (const std::exception& error) {
        return std::unexpected(error.what());
      }
    }
    // Nothing fails from here on.
    log::set_lowest(next.log_level);
    // Rules name hosts, by their numbers.
    if (next.policy != config.policy || next.hosts != config.hosts) host->set_policy(setup.policy);
    look_window.set_fixed(look_ns(next));
    host->driver().change(setup.driver);
    files.set_max_files_of_user(next.limits.max_files_per_user);
    host->set_host_names(setup.host_names);
    for (const ContextSettings& context : next.contexts) {
      if (host->driver().has_context(context.name)) continue;
      const auto made = std::ranges::find(setup.driver.contexts, context.name, &ContextSetup::name);
      NB_CHECK(host->add_context(*made) == 0);
      if (auto manager = manager_setup(next, context)) host->start_manager(std::move(*manager));
    }
    for (const auto& manager : host->managers()) {
      manager->service().set_hosts(host_order(next));
      const auto context =
          std::ranges::find(next.contexts, manager->context(), &ContextSettings::name);
      NB_CHECK(context != next.contexts.end());
      manager->service().set_exchange(exchange_of(next, *context));
    }
    config = next;
    host->after_event();
    return plan;
  }

  [[nodiscard]] std::vector<LinkStatus> links() const {
    return transport ? transport->status() : std::vector<LinkStatus>{};
  }

  boost::asio::io_context& io;
  Config config;
  Incarnation incarnation;
  LookWindow look_window;
  LoopTimer timer;
  TravellingFiles files;
  std::unique_ptr<CertificateWatch> certificates;  // none without TLS
  FilesStamp tls_stamp;
  std::unique_ptr<TcpTransport> transport;  // none on a single host
  std::optional<NodeHost> host;
  std::optional<ProgramChannels> channels;
  std::optional<Handshake> handshake;
  std::optional<EventLoop> loop;
  std::unique_ptr<ChannelAcceptor> acceptor;
  DenialLog denials;

 private:
  [[nodiscard]] std::uint64_t waiting_bytes(HostId peer) const {
    for (const LinkStatus& link : links()) {
      if (link.peer == peer) return link.unacknowledged_bytes;
    }
    return 0;
  }

  // ---- Surroundings ----
  void respond() override {
    if (channels) channels->respond();
  }
  void peer_connected(HostId peer) override {
    log::info("host {} is connected", host->name_of(peer));
  }
  void peer_lost(HostId peer) override { log::warn("host {} is lost", host->name_of(peer)); }
  void access_denied(const Denial& denial) override {
    const bool own = denial.host == HostId{config.self().id};
    const auto line = denials.line(denial, own ? "" : host->name_of(denial.host), monotonic_ms());
    if (line) log::warn("{}", *line);
  }
  void protocol_broken(HostId peer, std::string_view reason) override {
    log::error("host {} broke the protocol: {}", host->name_of(peer), reason);
  }
};

Agent::Agent(boost::asio::io_context& io, Config config, Incarnation incarnation)
    : parts_(std::make_unique<Parts>(io, std::move(config), incarnation)) {}

Agent::~Agent() = default;

void Agent::start(const SocketAccess& access) {
  for (const ContextSettings& context : parts_->config.contexts) {
    if (auto setup = manager_setup(parts_->config, context)) {
      parts_->host->start_manager(std::move(*setup));
    }
  }
  parts_->host->after_event();
  parts_->listen(access);
  if (parts_->config.hosts.size() > 1) parts_->connect();
}

void Agent::run() { parts_->loop->run(); }
void Agent::stop() { parts_->loop->stop(); }

std::expected<Reconfiguration, std::string> Agent::reconfigure(const Config& wanted) {
  NB_ON_DATA_PLANE();
  return parts_->reconfigure(wanted);
}

// ---- views ----

const Driver& Agent::driver() const {
  NB_ON_DATA_PLANE();
  return parts_->host->driver();
}
void Agent::take_posted_reads() {
  NB_ON_DATA_PLANE();
  parts_->host->driver().take_posted_reads();
}
const Config& Agent::config() const { return parts_->config; }
Incarnation Agent::incarnation() const { return parts_->incarnation; }
std::vector<LinkStatus> Agent::links() const { return parts_->links(); }
const ChannelStatistics& Agent::channel_statistics() const {
  return parts_->channels->statistics();
}
std::size_t Agent::channels() const { return parts_->channels->count(); }
std::size_t Agent::connected_peers() const { return parts_->host->connected_peers(); }
const LookWindow& Agent::look_window() const { return parts_->look_window; }
const LoopWaits& Agent::waits() const { return parts_->loop->waits(); }
std::size_t Agent::relays() const { return parts_->files.relays(); }
std::size_t Agent::files_of(std::uint32_t uid) const { return parts_->files.files_of(uid); }

}  // namespace netbinder
