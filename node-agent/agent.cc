// SPDX-License-Identifier: Apache-2.0
#include "node-agent/agent.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/check.h"
#include "host/call_listeners.h"
#include "host/data_plane.h"
#include "host/name_claim_key.h"
#include "host/node_host.h"
#include "host/surroundings.h"
#include "membership/list_change.h"
#include "node-agent/agent_setup.h"
#include "node-agent/call_latencies.h"
#include "node-agent/call_tracing.h"
#include "node-agent/certificate_watch.h"
#include "node-agent/channel_acceptor.h"
#include "node-agent/clock.h"
#include "node-agent/cluster_members.h"
#include "node-agent/debug_files.h"
#include "node-agent/denial_log.h"
#include "node-agent/event_loop.h"
#include "node-agent/handshake.h"
#include "node-agent/list_differences.h"
#include "node-agent/log_setup.h"
#include "node-agent/look_window.h"
#include "node-agent/loop_timer.h"
#include "node-agent/process_loads.h"
#include "node-agent/program_channels.h"
#include "node-agent/reconfiguration.h"
#include "node-agent/recorded_calls.h"
#include "node-agent/socket_access.h"
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

// Clocks of two agents are the same if this is.
std::string this_boot() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

class Agent::Parts final : private Surroundings {
 public:
  Parts(boost::asio::io_context& io_context, Config settings, Incarnation life, Membership& of)
      : io(io_context),
        config(std::move(settings)),
        incarnation(life),
        membership(of),
        look_window(look_ns(config)),
        timer(io, [this] { host->timer_expired(); }),
        files(config.socket, config.limits.max_files_per_user) {
    Surroundings& surroundings = *this;
    host.emplace(node_host_setup(config, incarnation), timer, files, surroundings);
    channels.emplace(io, *host, files, look_window);
    debug_files.emplace(io, host->driver());
    const auto name_of = [this](ProcessId process) { return channels->program_of(process); };
    loads.emplace(io, host->driver(), name_of);
    calls.emplace(host->driver(), &monotonic_ns);
    tracing.emplace(io, *calls,
                    RecordingHost{.host = HostId{config.self().id},
                                  .incarnation = incarnation,
                                  .name = config.host,
                                  .boot = boot},
                    name_of);
    recorded_calls.emplace(io, *tracing);
    follow_latencies(config.metrics.latency);
    handshake.emplace(*host, *channels, *debug_files);
    loop.emplace(io, *host, *channels, *handshake, look_window);
  }
  ~Parts() override {
    // Programs get no more answers; peers still get the messages that the end of the core sends.
    acceptor.reset();
    recorded_calls.reset();
    tracing.reset();
    calls.reset();
    channels->silence();
    host.reset();
    files.end_relaying();
    certificates.reset();
    transport.reset();
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  // Counts begin anew when they are asked for again.
  void follow_latencies(bool wanted) {
    if (wanted == (latencies != nullptr)) return;
    if (wanted) {
      latencies = std::make_unique<CallLatencies>();
      calls->add(*latencies);
    } else {
      calls->remove(*latencies);
      latencies.reset();
    }
  }

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
    certificates = std::make_unique<CertificateWatch>(
        io, transport_config(config, incarnation).tls,
        CertificateWatch::Calls{.files_changed = [this] { certificates_changed(); },
                                .links = [this] { return links(); }});
  }

  // Throws std::exception, and changes nothing.
  void use_network(const TransportConfig& network) {
    transport->change(network.peers, network.tls);
    if (!network.tls.enabled()) return;
    if (certificates->set_files(network.tls)) transport->renew_links();
  }

  void certificates_changed() {
    try {
      use_network(transport_config(config, incarnation));
      log::transport.info("the certificates have changed, and are used from now on");
    } catch (const std::exception& error) {
      log::transport.error("the certificates have changed, but the earlier ones stay: {}", error.what());
    }
  }

  std::expected<Reconfiguration, std::string> reconfigure(const Config& wanted) {
    if (auto list = check_list_change(config, wanted); !list) return std::unexpected(list.error());
    Reconfiguration plan = plan_reconfiguration(config, wanted);
    if (auto used = use(plan.config); !used) return std::unexpected(used.error());
    membership.change(config);
    return plan;
  }

  // Hosts that have left stay for as long as there is a session with them: etcd may have lost them
  // where this host has not.
  void use_members() {
    Config next = config;
    next.hosts = hosts_of(config, members, links());
    if (next.hosts == config.hosts) return;
    tell_hosts(config.hosts, next.hosts);
    if (const auto used = use(next); !used) log::membership.error("the hosts stay as they were: {}", used.error());
  }

  // All of it, or, with the reason, none.
  std::expected<void, std::string> use(const Config& next) {
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
    configure_log(next);
    follow_latencies(next.metrics.latency);
    // Rules name hosts, by their numbers.
    if (next.policy != config.policy || next.hosts != config.hosts) {
      host->set_policy(setup.policy);
      log::policy.debug("the policy has {} rules now", next.policy.size());
    }
    look_window.set_fixed(look_ns(next));
    host->driver().change(setup.driver);
    files.set_max_files_of_user(next.limits.max_files_per_user);
    host->set_host_names(setup.host_names);
    for (const ContextSettings& context : next.contexts) {
      if (host->driver().has_context(context.name)) continue;
      const auto made = std::ranges::find(setup.driver.contexts, context.name, &ContextSetup::name);
      NB_CHECK(host->add_context(*made) == 0);
      const auto claim = claims.find(context.name);
      if (claim != claims.end()) host->driver().claim_held(context.name, claim->second);
      if (auto manager = manager_setup(next, context)) host->start_manager(std::move(*manager));
    }
    for (const auto& manager : host->managers()) {
      manager->service().set_hosts(host_order(next));
      const auto context =
          std::ranges::find(next.contexts, manager->context(), &ContextSettings::name);
      NB_CHECK(context != next.contexts.end());
      manager->service().set_exchange(exchange_of(next, *context));
      manager->service().unique_names().set_names(NameGlobs(context->unique));
    }
    config = next;
    host->after_event();
    for (const HostSettings& each : config.hosts) tell_list_of(HostId{each.id});
    return {};
  }

  // Logs that a peer's list of hosts is another one, if it is.
  void tell_list_of(HostId peer) {
    const Driver& driver = host->driver();
    const auto line =
        lists.line(peer, host->name_of(peer), driver.host_list(), driver.host_list_of(peer));
    if (line) log::membership.warn("{}", *line);
  }

  [[nodiscard]] std::vector<LinkStatus> links() const {
    return transport ? transport->status() : std::vector<LinkStatus>{};
  }

  boost::asio::io_context& io;
  Config config;
  Incarnation incarnation;
  Membership& membership;
  std::vector<Member> members;                // as the membership has told last
  std::map<std::string, ClaimHolder> claims;  // likewise
  std::map<HostId, std::uint64_t> unreachable_told_ms;
  LookWindow look_window;
  LoopTimer timer;
  TravellingFiles files;
  std::unique_ptr<CertificateWatch> certificates;  // none without TLS
  std::unique_ptr<TcpTransport> transport;         // none on a single host
  std::optional<NodeHost> host;
  std::optional<ProgramChannels> channels;
  std::optional<DebugFiles> debug_files;
  std::optional<ProcessLoads> loads;
  const std::string boot = this_boot();
  std::unique_ptr<CallLatencies> latencies;  // null: nobody has asked for them
  std::optional<CallListeners> calls;
  std::optional<CallTracing> tracing;
  std::optional<RecordedCalls> recorded_calls;
  std::optional<Handshake> handshake;
  std::optional<EventLoop> loop;
  std::unique_ptr<ChannelAcceptor> acceptor;
  DenialLog denials;
  ListDifferences lists;

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
    log::transport.info("host {} is connected", host->name_of(peer));
  }
  void peer_lost(HostId peer) override {
    log::transport.warn("host {} is lost", host->name_of(peer));
    const auto is_member = [peer](const Member& member) { return member.id == peer; };
    if (members.empty() || std::ranges::any_of(members, is_member)) return;
    boost::asio::post(io, [this] { use_members(); });
  }
  // By an agent that has joined later, or from whom a link is broken. Once in a while is enough.
  void home_unreachable(HostId home, HostId passed_on_by) override {
    constexpr std::uint64_t kPauseMs = 10'000;
    const std::uint64_t now_ms = monotonic_ms();
    const std::string_view name = host->name_of(home);
    // A peer may name any number; hosts that nobody knows share a place.
    std::uint64_t& last_ms = unreachable_told_ms[name.empty() ? HostId{} : home];
    if (last_ms != 0 && now_ms - last_ms < kPauseMs) return;
    last_ms = now_ms;
    if (name.empty()) {
      log::references.warn("host {} has passed on a handle of host {}, which is not known here: it is dead here",
                host->name_of(passed_on_by), home.value());
    } else {
      log::references.warn(
          "host {} has passed on a handle of host {}, which has not connected in time: it is dead "
          "here",
          host->name_of(passed_on_by), name);
    }
  }
  void ask_for_claim(std::string_view claim) override {
    log::claims.debug("the claim {} is asked for at the store", claim);
    membership.ask_for_claim(std::string(claim));
  }
  void release_claim(std::string_view claim) override {
    log::claims.debug("the claim {} is given back at the store", claim);
    membership.release_claim(std::string(claim));
  }
  void host_list_told(HostId peer, ListNumber /*number*/) override { tell_list_of(peer); }
  void access_denied(const Denial& denial) override {
    log::policy.trace("rule {} denies uid {} of host {} (pid {}) to {} \"{}\" in context {}",
                      denial.rule, denial.uid, denial.host.value(), denial.pid, denial.action,
                      denial.object, denial.context);
    const bool own = denial.host == HostId{config.self().id};
    const auto line = denials.line(denial, own ? "" : host->name_of(denial.host), monotonic_ms());
    if (line) log::policy.warn("{}", *line);
  }
  void protocol_broken(HostId peer, std::string_view reason) override {
    log::transport.error("host {} broke the protocol: {}", host->name_of(peer), reason);
  }
};

Agent::Agent(boost::asio::io_context& io, Config config, Incarnation incarnation,
             Membership& membership)
    : parts_(std::make_unique<Parts>(io, std::move(config), incarnation, membership)) {}

Agent::~Agent() = default;

void Agent::start(const SocketAccess& access) {
  for (const ContextSettings& context : parts_->config.contexts) {
    if (auto setup = manager_setup(parts_->config, context)) {
      parts_->host->start_manager(std::move(*setup));
    }
  }
  parts_->host->after_event();
  parts_->listen(access);
  const bool joins = parts_->config.membership.kind == MembershipKind::kEtcd;
  if (joins || parts_->config.hosts.size() > 1) parts_->connect();
}

void Agent::run() { parts_->loop->run(); }
void Agent::stop() { parts_->loop->stop(); }

std::expected<Reconfiguration, std::string> Agent::reconfigure(const Config& wanted) {
  NB_ON_DATA_PLANE();
  return parts_->reconfigure(wanted);
}

// ---- the membership ----

void Agent::members_changed(const std::vector<Member>& members) {
  NB_ON_DATA_PLANE();
  parts_->members = members;
  parts_->use_members();
}

void Agent::claim_answered(const std::string& claim, ClaimAnswer answer) {
  NB_ON_DATA_PLANE();
  log::claims.debug("the store has answered about the claim {}", claim);
  parts_->host->claim_answered(claim, answer);
  parts_->host->after_event();
}

void Agent::claim_lost(const std::string& claim) {
  NB_ON_DATA_PLANE();
  if (const auto name = NameClaimKey::of(claim)) {
    log::claims.warn(
        "{} in context {}, a name that is unique in the cluster, is withdrawn until its claim is "
        "granted again",
        name->name, name->context);
  } else {
    log::claims.debug("the claim of context {} holds no more: its manager here is deposed", claim);
  }
  parts_->host->claim_lost(claim);
  parts_->host->after_event();
}

void Agent::claim_held(const std::string& claim, std::optional<ClaimHolder> holder) {
  NB_ON_DATA_PLANE();
  if (NameClaimKey::of(claim)) return;  // a unique name is published by its holder
  if (holder) {
    parts_->claims[claim] = *holder;
  } else {
    parts_->claims.erase(claim);
  }
  parts_->host->driver().claim_held(claim, holder);
  parts_->host->after_event();
}

// ---- questions to other hosts' agents ----

void Agent::answer_peers(PeerQuestion::AnswerFor answer) {
  NB_ON_DATA_PLANE();
  parts_->host->answer_peers(std::move(answer));
}

void Agent::ask_peer(const std::string& host, std::uint32_t uid, const std::string& question,
                     PeerQuestion::Heard heard) {
  NB_ON_DATA_PLANE();
  // An agent of an older version never answers, and who has asked waits for that alone.
  constexpr std::chrono::seconds kPatience{10};
  struct Waiting {
    PeerQuestion::Heard heard;
    boost::asio::steady_timer limit;
    void end(std::expected<std::string, std::string> how) {
      limit.cancel();
      if (const auto hears = std::exchange(heard, {})) hears(std::move(how));
    }
  };
  const auto waiting = std::make_shared<Waiting>(
      Waiting{.heard = std::move(heard), .limit = boost::asio::steady_timer(parts_->io)});
  waiting->limit.expires_after(kPatience);
  waiting->limit.async_wait([waiting](const boost::system::error_code& error) {
    if (!error) waiting->end(std::unexpected("it has not answered in time"));
  });
  parts_->host->ask_peer(host, uid, question,
                         [waiting](std::expected<std::string, std::string> answer) {
                           waiting->end(std::move(answer));
                         });
}

std::uint32_t Agent::user_here(HostId of, std::uint32_t uid) const {
  const auto host = std::ranges::find(parts_->config.hosts, of.value(), &HostSettings::id);
  return host == parts_->config.hosts.end() ? kNobody : users_of(*host).here(uid);
}

// ---- views ----

MembershipStatus Agent::membership() const { return parts_->membership.status(); }
const Driver& Agent::driver() const {
  NB_ON_DATA_PLANE();
  return parts_->host->driver();
}
CallTracing& Agent::call_tracing() {
  NB_ON_DATA_PLANE();
  return *parts_->tracing;
}
RecordedCalls& Agent::recorded_calls() {
  NB_ON_DATA_PLANE();
  return *parts_->recorded_calls;
}
const CallLatencies* Agent::call_latencies() const { return parts_->latencies.get(); }
bool Agent::records_calls() const { return parts_->tracing->records(); }
DebugFiles& Agent::debug_files() {
  NB_ON_DATA_PLANE();
  return *parts_->debug_files;
}
ProcessLoads& Agent::loads() {
  NB_ON_DATA_PLANE();
  return *parts_->loads;
}
const Config& Agent::config() const { return parts_->config; }
Incarnation Agent::incarnation() const { return parts_->incarnation; }
std::vector<LinkStatus> Agent::links() const { return parts_->links(); }
const ChannelStatistics& Agent::channel_statistics() const {
  return parts_->channels->statistics();
}
std::size_t Agent::channels() const { return parts_->channels->count(); }
OtherVersions Agent::other_versions() const {
  return parts_->acceptor ? parts_->acceptor->other_versions() : OtherVersions{};
}
std::size_t Agent::connected_peers() const { return parts_->host->connected_peers(); }
const LookWindow& Agent::look_window() const { return parts_->look_window; }
const LoopWaits& Agent::waits() const { return parts_->loop->waits(); }
const LateTurns& Agent::turns() const { return parts_->loop->turns(); }
const HostWork& Agent::work() const { return parts_->host->work(); }
std::int64_t Agent::certificate_end_s() const {
  return parts_->certificates ? parts_->certificates->own_end_s() : 0;
}
std::size_t Agent::relays() const { return parts_->files.relays(); }
std::size_t Agent::files_of(std::uint32_t uid) const { return parts_->files.files_of(uid); }

}  // namespace netbinder
