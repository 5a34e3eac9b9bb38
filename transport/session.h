// SPDX-License-Identifier: Apache-2.0
//
// One end of a session between two agents: ordered, exactly-once messages that survive the loss of
// the link (see transport/protocol.capnp for the concepts). Does no I/O and reads no clock: frames
// and the time are handed in, frames are taken out, and the owner of the link acts on the results.
// One object for each configured peer lives as long as the transport, and goes through many
// sessions.
//
// Thread: the data-plane thread. PeerEvents are called only from the functions marked [events], and
// may in turn call only send() and give_up() of this object.
//
// States. The session and the link are two machines:
//
//   session  None ── handshake of a new session ──────────────→ Live     (session_established)
//            Live ── timeout without a link, Goodbye, give_up, violation of the protocol,
//                    overflow, handshake of a new session ─────→ None     (session_lost)
//
//   link     Down ── connected() (the dialer; sends Hello) ────→ Greeting
//            Down ── accept() (the acceptor; sends Welcome) ───→ Up
//            Greeting ── Challenge (sends Answer) ─────────────→ Greeting
//            Greeting ── Welcome ──────────────────────────────→ Up
//            Greeting, Up ── disconnected() ───────────────────→ Down
//
// Link Up implies session Live. A session without a link Up is suspended; then only its age or a
// handshake can end it. A session that was given up is Live and `ending_` until its link is Down:
// it ignores what arrives and says only Goodbye, tick() has the link closed, and disconnected()
// carries out the rest. So send() and give_up() call nobody, and a session is lost only when no
// link can be writing to a payload's destination any more.
//
// Versions. The dialer proposes the session's version in its Hello: that of the session to resume, or
// the newest that it speaks; if that is refused, the one before in the next Hello. If the acceptor's
// Challenge says that it is another agent than the session's, and speaks a newer version than was
// proposed, the dialer proposes the newer one on another link.
//
// Stalls. An end that did not run itself (a stopped process, a suspended machine) does not suspect
// its peer because of the silence in that time.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "transport/cluster_key.h"
#include "transport/config.h"
#include "transport/frame.h"
#include "transport/send_window.h"
#include "transport/transport.h"

namespace netbinder {

// The identity of an end, and the peer it expects at the other one.
struct SessionIdentity {
  static SessionIdentity of(const TransportConfig& config, const PeerConfig& peer);

  std::string cluster;
  HostId host;
  std::string host_name;
  Incarnation incarnation;
  HostId peer;
  std::string peer_name;
  ClusterKey key;
  WireVersion newest = kNewestVersion;  // that this end speaks

  // Whether this end dials. Both ends know it without asking.
  [[nodiscard]] bool dials() const { return host > peer; }
};

// The next step of the link's owner after it has handed in a frame.
struct FrameOutcome {
  enum class Next {
    kReadOn,   // the next frame
    kPayload,  // the payload into `destination` (nowhere if that is empty), payload_arrived(), then
               // the next frame
    kStop,     // nothing more is read: tick() says why
  };
  Next next = Next::kReadOn;
  PayloadDestination destination;
};

struct SessionCounters {
  std::uint64_t messages_sent = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t established = 0;
  std::uint64_t resumed = 0;  // links after the first of a session
  std::uint64_t lost = 0;
};

class Session {
 public:
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  // `random` gives random numbers, never 0.
  Session(SessionIdentity identity, const SessionTiming& timing, const SessionLimits& limits,
          PeerEvents& events, std::function<std::uint64_t()> random);

  // The clock on the wall, in ms since 1970, which heartbeats tell; without one they tell nothing.
  void set_wall_clock(std::function<std::uint64_t()> wall_clock_ms) {
    wall_clock_ms_ = std::move(wall_clock_ms);
  }
  // By how much the peer's was ahead of it when the last heartbeat came, less the time that it was on
  // its way; nothing: none has told.
  [[nodiscard]] std::optional<std::int64_t> clock_ahead_ms() const { return clock_ahead_ms_; }

  // --- The link. The dialer's is open: says Hello.
  void connected(std::uint64_t now_ms);
  // Why the acceptor refuses this Hello; nothing if it does not. Changes nothing.
  [[nodiscard]] std::optional<frame::Refuse> refusal(const frame::Hello& hello) const;
  // For the acceptor (see Acceptance): a challenge for a connection, and whether that is the answer.
  [[nodiscard]] frame::Challenge challenge() const;
  [[nodiscard]] bool proves(const frame::Hello& hello, const frame::Challenge& challenge,
                            const frame::Answer& answer) const;
  // How many links it has accepted.
  [[nodiscard]] std::uint64_t links_accepted() const { return links_accepted_; }
  // The acceptor's link is open, with a Hello that was not refused, and the challenge to it was
  // answered. An earlier link is disconnected first. [events]
  void accept(const frame::Hello& hello, const frame::Challenge& challenge, std::uint64_t now_ms);
  // Every other frame, when its message has arrived and its payload has not. With a `lease`, the
  // payload is in its place already. [events]
  FrameOutcome frame_arrived(Frame frame, std::uint64_t payload_bytes, std::uint64_t now_ms,
                             LeaseId lease = {});
  // The payload of the last frame is complete. [events]
  FrameOutcome payload_arrived(std::uint64_t now_ms);
  // Something was read, even if only part of a frame.
  void heard(std::uint64_t now_ms) { last_heard_ms_ = now_ms; }
  // The link is gone. Nobody writes to a payload destination any more. [events]
  void disconnected(std::uint64_t now_ms);

  // --- Outgoing. Queues a message; without a session it is dropped.
  void send(const PeerMessage& message, Payload payload);
  // The next frame to write on the link, or null. Frames other than Messages go first; a link may
  // send them another way than the Messages.
  std::shared_ptr<const OutgoingFrame> next_frame(std::uint64_t now_ms);
  std::shared_ptr<const OutgoingFrame> next_control(std::uint64_t now_ms);
  std::shared_ptr<const OutgoingFrame> next_message(std::uint64_t now_ms);
  [[nodiscard]] bool has_frame() const;

  // --- Time. Ends the session, for a reason of this host; takes effect in tick().
  void give_up(GoodbyeReason reason, std::string detail);
  // Does what is due. If it returns a reason, the owner writes what next_frame() still has if it
  // can at once, closes the link and calls disconnected(). [events]
  std::optional<std::string> tick(std::uint64_t now_ms);
  // When tick() is due at the latest.
  [[nodiscard]] std::uint64_t next_tick_ms() const;

  // --- Looking.
  // The part of a link's status that its session knows.
  [[nodiscard]] LinkStatus status(const PeerConfig& peer) const;
  [[nodiscard]] bool live() const { return std::holds_alternative<Live>(session_); }
  // The id that both ends use; 0 without a session.
  [[nodiscard]] SessionId id() const;
  [[nodiscard]] bool link_up() const { return std::holds_alternative<Up>(link_); }
  [[nodiscard]] bool link_down() const { return std::holds_alternative<Down>(link_); }
  [[nodiscard]] bool ending() const { return ending_.has_value(); }
  [[nodiscard]] const SessionIdentity& identity() const { return identity_; }
  [[nodiscard]] const SessionCounters& counters() const { return counters_; }
  // Why the last lost session was lost.
  [[nodiscard]] const std::string& loss_reason() const { return loss_reason_; }
  [[nodiscard]] std::uint64_t backlog_bytes() const;

 private:
  // A message whose payload is still arriving.
  struct Arriving {
    Sequence sequence;
    PeerMessage content;
    std::uint64_t bytes = 0;
  };
  struct Duplicate {};  // its payload is read and forgotten

  struct None {};
  struct Live {
    SessionId id;
    Incarnation peer_incarnation;
    WireVersion version;
    SendWindow window;
    std::uint64_t received = 0;      // last complete sequence
    std::uint64_t told = 0;          // the highest acknowledgement that was handed to the link
    std::uint64_t untold_bytes = 0;  // received since
    std::uint64_t suspended_ms = 0;  // since when there is no link
    std::variant<std::monostate, Arriving, Duplicate> payload;
  };

  struct Down {};
  struct Greeting {
    std::uint64_t since_ms = 0;
    frame::Hello hello;
    std::optional<frame::Challenge> challenge;  // the last one, which was answered
  };
  struct Up {};

  // The session is over, but its end has not been carried out yet.
  struct Ending {
    GoodbyeReason reason = GoodbyeReason::kGivenUp;
    std::string detail;
  };

  void establish(SessionId id, Incarnation peer_incarnation, WireVersion version,
                 std::uint64_t now_ms);
  [[nodiscard]] bool speaks(WireVersion version) const {
    return version >= kOldestVersion && version <= identity_.newest;
  }
  FrameOutcome refused(const frame::Refuse& refuse);
  void lose(std::string reason);
  bool expired(std::uint64_t now_ms) const;
  void abandon_payload(Live& live);
  FrameOutcome violation(std::string detail);     // ends the session
  FrameOutcome useless_link(std::string detail);  // ends the link only
  FrameOutcome greeted(const Frame& frame, std::uint64_t now_ms);
  FrameOutcome challenged(Greeting& greeting, const frame::Challenge& challenge);
  FrameOutcome welcome_arrived(const frame::Welcome& welcome, std::uint64_t now_ms);
  FrameOutcome message_arrived(frame::Message message, std::uint64_t payload_bytes, LeaseId lease,
                               std::uint64_t now_ms);
  FrameOutcome deliver(Sequence sequence, PeerMessage content, std::uint64_t bytes,
                       std::uint64_t now_ms);
  bool acknowledged(Sequence received);
  void owe_acknowledgement(std::uint64_t now_ms);
  [[nodiscard]] Nonce nonce() const;
  void queue(const Frame& frame, Sequence received = Sequence(0));
  void told(const OutgoingFrame& frame);

  const SessionIdentity identity_;
  const SessionTiming timing_;
  const SessionLimits limits_;
  PeerEvents& events_;
  const std::function<std::uint64_t()> random_;
  std::function<std::uint64_t()> wall_clock_ms_;

  std::variant<None, Live> session_;
  std::variant<Down, Greeting, Up> link_;
  std::optional<Ending> ending_;             // only while Live
  std::optional<std::string> close_reason_;  // for tick(): the link is of no use any more
  std::deque<std::shared_ptr<const OutgoingFrame>> control_;  // goes before messages

  WireVersion proposed_;  // in the next Hello
  std::uint64_t links_accepted_ = 0;
  std::uint64_t last_sent_ms_ = 0;
  std::uint64_t last_heard_ms_ = 0;
  std::uint64_t last_tick_ms_ = 0;
  std::uint64_t ack_due_ms_ = kNever;
  bool ack_wanted_ = false;  // goes with the next frames
  std::optional<std::int64_t> clock_ahead_ms_;
  SessionCounters counters_;
  std::string loss_reason_;
};

}  // namespace netbinder
