// SPDX-License-Identifier: Apache-2.0
#include "node-agent/agent.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/base/lifetime.h"
#include "host/data_plane.h"
#include "host/name_claim_key.h"
#include "host/node_host.h"
#include "membership/list_change.h"
#include "node-agent/agent_setup.h"
#include "node-agent/agent_surroundings.h"
#include "node-agent/call_following.h"
#include "node-agent/call_recorder.h"
#include "node-agent/channel_acceptor.h"
#include "node-agent/cluster_members.h"
#include "node-agent/debug_files.h"
#include "node-agent/event_loop.h"
#include "node-agent/handshake.h"
#include "node-agent/live_settings.h"
#include "node-agent/log_setup.h"
#include "node-agent/look_window.h"
#include "node-agent/loop_timer.h"
#include "node-agent/peer_links.h"
#include "node-agent/peer_patience.h"
#include "node-agent/process_loads.h"
#include "node-agent/program_channels.h"
#include "node-agent/reconfiguration.h"
#include "node-agent/socket_access.h"
#include "node-agent/travelling_files.h"
#include "transport/log.h"

namespace netbinder {

namespace {

// For an answer of another host's agent.
constexpr std::chrono::seconds kPatience{10};

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

RecordingHost recording_host(const Config& config, Incarnation incarnation) {
  return {.host = HostId{config.self().id},
          .incarnation = incarnation,
          .name = config.host,
          .boot = this_boot()};
}

}  // namespace

// The agent's objects, each made after those that it uses, and what concerns several of them.
class Agent::Parts {
 public:
  Parts(boost::asio::io_context& io_context, Config settings, Incarnation life, Membership& of)
      : io(io_context),
        config(std::move(settings)),
        incarnation(life),
        membership(of),
        look_window(look_ns(config)),
        timer(io, [this] { host->timer_expired(); }),
        files(config.socket, config.limits.max_files_per_user),
        surroundings(HostId{config.self().id}, membership,
                     [this](HostId peer) { peer_lost(peer); }),
        host(std::in_place, node_host_setup(config, incarnation), timer, files, surroundings),
        channels(io, *host, files, look_window),
        debug_files(io, host->driver()),
        loads(io, host->driver(), name_of_process()),
        calls(std::in_place, io, host->driver(), recording_host(config, incarnation),
              name_of_process()),
        handshake(*host, channels, debug_files),
        loop(io, *host, channels, handshake, look_window) {
    surroundings.attach(*host, channels);
    calls->set_latencies(config.metrics.latency);
  }
  ~Parts() {
    // Programs get no more answers; peers still get the messages that the end of the core sends.
    acceptor.reset();
    calls.reset();
    channels.silence();
    host.reset();
    files.end_relaying();
    links.reset();
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  void listen(const SocketAccess& access) {
    acceptor = std::make_unique<ChannelAcceptor>(
        io, config.socket, access,
        [this](const HelloRequest& request, PeerProgram program, ForeignFd socket,
               const ForeignFd& passed) {
          handshake.hello_arrived(request, program, std::move(socket), passed);
        });
    acceptor->start();
  }

  void connect() {
    files.begin_relaying(
        io, FileRelaysSetup{
                .max_file_bytes = config.limits.max_file_bytes,
                .max_waiting_bytes = config.limits.max_backlog_bytes / 2,
                .send =
                    [this](HostId peer, peer::FileMessage message) {
                      host->send_about_file(peer, std::move(message));
                    },
                .waiting_bytes =
                    [this](HostId peer) { return links ? links->unacknowledged_bytes(peer) : 0; },
                .max_held_bytes = config.limits.max_backlog_bytes,
                .held_bytes = {},
            });
    links =
        std::make_unique<PeerLinks>(io, transport_config(config, incarnation), host->peer_events());
    host->attach(links->transport());
    loop.attach(links->transport());
    links->start();
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
    next.hosts = hosts_of(config, members, link_status());
    if (next.hosts == config.hosts) return;
    tell_hosts(config.hosts, next.hosts);
    if (const auto used = use(next); !used)
      log::membership.error("the hosts stay as they were: {}", used.error());
  }

  [[nodiscard]] std::vector<LinkStatus> link_status() const {
    return links ? links->status() : std::vector<LinkStatus>{};
  }

  boost::asio::io_context& io;
  Config config;
  Incarnation incarnation;
  Membership& membership;
  std::vector<Member> members;                // as the membership has told last
  std::map<std::string, ClaimHolder> claims;  // likewise
  LookWindow look_window;
  LoopTimer timer;
  TravellingFiles files;
  AgentSurroundings surroundings;
  std::unique_ptr<PeerLinks> links;  // none on a single host
  std::optional<NodeHost> host;      // always there; it ends before those that are made after it
  ProgramChannels channels;
  DebugFiles debug_files;
  ProcessLoads loads;
  std::optional<CallFollowing> calls;  // always there; it ends before the host
  Handshake handshake;
  EventLoop loop;
  std::unique_ptr<ChannelAcceptor> acceptor;  // none before start()

 private:
  [[nodiscard]] NameOfProcess name_of_process() const {
    return [this](ProcessId process) { return channels.program_of(process); };
  }

  // All of it, or, with the reason, none.
  std::expected<void, std::string> use(const Config& next) {
    const NodeHostSetup setup = node_host_setup(next, incarnation);
    if (links) {
      try {
        links->change(transport_config(next, incarnation));
      } catch (const std::exception& error) {
        return std::unexpected(error.what());
      }
    }
    // Nothing fails from here on.
    configure_log(next);
    calls->set_latencies(next.metrics.latency);
    look_window.set_fixed(look_ns(next));
    files.set_max_files_of_user(next.limits.max_files_per_user);
    change_settings(*host, config, next, setup, claims);
    config = next;
    host->after_event();
    for (const HostSettings& each : config.hosts) {
      const HostId peer{each.id};
      surroundings.host_list_told(peer, host->driver().host_list_of(peer));
    }
    return {};
  }

  // In the middle of an event.
  void peer_lost(HostId peer) {
    const auto is_member = [peer](const Member& member) { return member.id == peer; };
    if (members.empty() || std::ranges::any_of(members, is_member)) return;
    boost::asio::post(io, lifetime_.guard([this] { use_members(); }));
  }

  Lifetime lifetime_;
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

void Agent::run() { parts_->loop.run(); }
void Agent::stop() { parts_->loop.stop(); }

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
  ask_peer_in_time(parts_->io, *parts_->host, host, uid, question, std::move(heard), kPatience);
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
  return parts_->calls->tracing();
}
RecordedCalls& Agent::recorded_calls() {
  NB_ON_DATA_PLANE();
  return parts_->calls->recorded();
}
const CallLatencies* Agent::call_latencies() const { return parts_->calls->latencies(); }
bool Agent::records_calls() const { return parts_->calls->records(); }
DebugFiles& Agent::debug_files() {
  NB_ON_DATA_PLANE();
  return parts_->debug_files;
}
ProcessLoads& Agent::loads() {
  NB_ON_DATA_PLANE();
  return parts_->loads;
}
const Config& Agent::config() const { return parts_->config; }
Incarnation Agent::incarnation() const { return parts_->incarnation; }
std::vector<LinkStatus> Agent::links() const { return parts_->link_status(); }
const ChannelStatistics& Agent::channel_statistics() const { return parts_->channels.statistics(); }
std::size_t Agent::channels() const { return parts_->channels.count(); }
OtherVersions Agent::other_versions() const {
  return parts_->acceptor ? parts_->acceptor->other_versions() : OtherVersions{};
}
std::size_t Agent::connected_peers() const { return parts_->host->connected_peers(); }
const LookWindow& Agent::look_window() const { return parts_->look_window; }
const LoopWaits& Agent::waits() const { return parts_->loop.waits(); }
const LateTurns& Agent::turns() const { return parts_->loop.turns(); }
const HostWork& Agent::work() const { return parts_->host->work(); }
std::int64_t Agent::certificate_end_s() const {
  return parts_->links ? parts_->links->certificate_end_s() : 0;
}
std::size_t Agent::relays() const { return parts_->files.relays(); }
std::size_t Agent::files_of(std::uint32_t uid) const { return parts_->files.files_of(uid); }

}  // namespace netbinder
