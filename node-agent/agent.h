// SPDX-License-Identifier: Apache-2.0
//
// The agent of one host: a NodeHost and its connections to the outside: channels to programs, links
// to peers, descriptors, time, and the data-plane loop.
//
// Owned by the daemon's main. Thread: the one that calls run(), which is the data-plane thread;
// stop() may be called from a signal handler's context of the same event loop.
#pragma once

#include <boost/asio/ts/netfwd.hpp>
#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster-config/config.h"
#include "core/base/ids.h"
#include "core/base/stored_claim.h"
#include "host/service-manager/peer_question.h"
#include "membership/membership.h"

namespace netbinder {

class CallLatencies;
class CallTracing;
class DebugFiles;
class Driver;
class LateTurns;
class LookWindow;
class ProcessLoads;
class RecordedCalls;
struct ChannelStatistics;
struct HostWork;
struct LinkStatus;
struct LoopWaits;
struct OtherVersions;
struct Reconfiguration;
struct SocketAccess;

class Agent {
 public:
  // The configuration has the hosts that are there, and this one's id. `membership` outlives this.
  Agent(boost::asio::io_context& io, Config config, Incarnation incarnation, Membership& membership);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // Listens for programs, those that have access, and for peers. Throws std::runtime_error with the
  // obstacle.
  void start(const SocketAccess& access);
  // Serves until stop().
  void run();
  void stop();
  // Takes over the settings that can change while it runs, all of them or, with the reason, none.
  // To be called from a handler of the event loop.
  [[nodiscard]] std::expected<Reconfiguration, std::string> reconfigure(const Config& wanted);

  // ---- what the membership tells (MembershipEvents); from handlers of the event loop ----
  void members_changed(const std::vector<Member>& members);
  void claim_answered(const std::string& claim, ClaimAnswer answer);
  void claim_lost(const std::string& claim);
  void claim_held(const std::string& claim, std::optional<ClaimHolder> holder);

  // ---- questions to other hosts' agents; from handlers of the event loop ----
  void answer_peers(PeerQuestion::AnswerFor answer);
  void ask_peer(const std::string& host, std::uint32_t uid, const std::string& question,
                PeerQuestion::Heard heard);
  // The number that a user of another host has here.
  [[nodiscard]] std::uint32_t user_here(HostId of, std::uint32_t uid) const;

  // ---- views, for the admin socket ----
  [[nodiscard]] const Driver& driver() const;
  [[nodiscard]] DebugFiles& debug_files();
  [[nodiscard]] ProcessLoads& loads();
  [[nodiscard]] CallTracing& call_tracing();
  [[nodiscard]] RecordedCalls& recorded_calls();
  [[nodiscard]] bool records_calls() const;
  // Null: nobody has asked for them ([metrics] latency).
  [[nodiscard]] const CallLatencies* call_latencies() const;
  [[nodiscard]] const Config& config() const;
  [[nodiscard]] Incarnation incarnation() const;
  [[nodiscard]] std::vector<LinkStatus> links() const;
  [[nodiscard]] MembershipStatus membership() const;
  [[nodiscard]] const ChannelStatistics& channel_statistics() const;
  [[nodiscard]] std::size_t channels() const;
  [[nodiscard]] OtherVersions other_versions() const;
  [[nodiscard]] std::size_t connected_peers() const;
  [[nodiscard]] std::size_t relays() const;
  // How long waiters look before they sleep, and what a wake-up costs here.
  [[nodiscard]] const LookWindow& look_window() const;
  [[nodiscard]] const LoopWaits& waits() const;
  [[nodiscard]] const LateTurns& turns() const;
  // The work done since the beginning, for programs and peers.
  [[nodiscard]] const HostWork& work() const;
  // The end of this host's own certificate, since 1970; 0: there is none.
  [[nodiscard]] std::int64_t certificate_end_s() const;
  // Descriptors of that user's programs that are on their way.
  [[nodiscard]] std::size_t files_of(std::uint32_t uid) const;

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace netbinder
