// SPDX-License-Identifier: Apache-2.0
//
// Two real sessions over a link in memory that delays, delivers in pieces, breaks and falls silent,
// by a seed. An oracle compares what came with what was sent:
//   - within a session, the messages of the peer, in order, each once, whole;
//   - sessions pair up: the messages of one session at one end are a prefix of what the other end
//     sent in that session, and nothing of one session is ever seen in another;
//   - an end that hears of a new session has heard of the end of the old one;
//   - when the link stays up for long enough, everything arrives, and both ends see the same
//   session.
// A failure prints its seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

#include "tests/transport/recorder.h"
#include "transport/acceptance.h"
#include "transport/codec.h"
#include "transport/session.h"

namespace netbinder {
namespace {

constexpr SessionTiming kPairTiming{
    .timeout_ms = 300, .heartbeat_ms = 20, .suspect_ms = 60, .handshake_ms = 80, .ack_delay_ms = 5};

class Pair {
 public:
  explicit Pair(std::uint64_t seed) : random_(seed) {
    for (std::uint32_t host : {1U, 2U}) {
      ends_[host - 1] = std::make_unique<End>(*this, host);
    }
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step(true);
      if (::testing::Test::HasFailure()) return;
    }
    // Peace: what was sent in the present session arrives.
    silent_ = false;
    for (int i = 0; i < 2000; ++i) step(false);
    for (auto& end : ends_) end->send();
    for (int i = 0; i < 2000; ++i) step(false);
    for (auto& end : ends_) {
      EXPECT_TRUE(end->session->live());
      EXPECT_EQ(end->session->backlog_bytes(), 0U);
      EXPECT_EQ(end->seen.size(), other(*end).sent.size());
    }
    EXPECT_EQ(ends_[0]->tag_of_peer, ends_[1]->tag);
    EXPECT_EQ(ends_[1]->tag_of_peer, ends_[0]->tag);
  }

  struct Totals {
    std::uint64_t delivered = 0, breaks = 0, abandoned = 0, resumed = 0, lost = 0, restarts = 0;
  };
  Totals totals;

 private:
  struct End : PeerEvents {
    End(Pair& owner, std::uint32_t number) : pair(owner), host(number) { boot(); }

    void boot() {
      ++life;
      session = std::make_unique<Session>(
          SessionIdentity{.cluster = "test",
                          .host = HostId(host),
                          .host_name = "host" + std::to_string(host),
                          .incarnation = Incarnation(1000 * host + life),
                          .peer = HostId(3 - host),
                          .peer_name = "host" + std::to_string(3 - host),
                          .key = ClusterKey("pair")},
          kPairTiming, SessionLimits{}, *this, [this] { return pair.random_() | 1; });
      established = false;
    }

    // Every session of an end has a tag, which is in all its messages: (host, counter).
    void session_established(HostId, Incarnation incarnation, WireVersion) override {
      EXPECT_FALSE(established) << "no end of the session before";
      EXPECT_EQ(incarnation, Incarnation(1000 * (3 - host) + pair.other(*this).life));
      established = true;
      tag = (std::uint64_t{host} << 32) | ++tags;
      tag_of_peer.reset();
      sent.clear();
      seen.clear();
    }
    void session_lost(HostId) override {
      EXPECT_TRUE(established);
      EXPECT_FALSE(place) << "lost with a payload arriving";
      established = false;
      if (tag_of_peer) dead_tags.push_back(*tag_of_peer);
      ++pair.totals.lost;
    }
    PayloadDestination payload_arriving(HostId, const PeerMessage&, std::uint64_t bytes,
                                        LeaseId) override {
      EXPECT_TRUE(established);
      EXPECT_FALSE(place);
      place = std::make_shared<std::vector<std::byte>>(bytes);
      return {.bytes = std::span(*place), .owner = place};
    }
    void payload_abandoned(HostId, const PeerMessage&) override {
      EXPECT_TRUE(place);
      place.reset();
      ++pair.totals.abandoned;
    }
    void message_arrived(HostId, PeerMessage message) override {
      ASSERT_TRUE(established);
      const auto& call = std::get<peer::Call>(message);
      const auto sender = call.target.value();
      if (!tag_of_peer) tag_of_peer = sender;
      EXPECT_EQ(sender, *tag_of_peer) << "a message of another session";
      EXPECT_EQ(std::ranges::count(dead_tags, sender), 0) << "a message of a session given up";
      EXPECT_EQ(call.call.value(), seen.size() + 1) << "lost, repeated or out of order";
      ASSERT_TRUE(place);
      EXPECT_EQ(*place, payload(call.call.value(), place->size()));
      place.reset();
      seen.push_back(call.call.value());
      ++pair.totals.delivered;
      if (pair.random_() % 4 == 0) send();  // answers from inside the event
    }

    static std::vector<std::byte> payload(std::uint64_t number, std::size_t size) {
      return std::vector<std::byte>(size, static_cast<std::byte>(number * 37));
    }

    void send() {
      if (!established || sent.size() > 5000) return;
      const std::uint64_t number = sent.size() + 1;
      const std::size_t size = pair.random_() % 4 == 0 ? 0 : 8 * (pair.random_() % 40);
      sent.push_back(number);
      session->send(peer::Call{.call = CallId(number),
                               .target = NodeNumber(tag),
                               .caller = ProcessId(17),
                               .security_context = "",
                               .ancestors = {},
                               .shape = {.data_size = size},
                               .objects = {}},
                    payload(number, size));
    }

    Pair& pair;
    const std::uint32_t host;
    std::uint64_t life = 0;
    std::unique_ptr<Session> session;
    bool established = false;
    std::uint64_t tag = 0;
    std::uint64_t tags = 0;
    std::optional<std::uint64_t> tag_of_peer;
    std::vector<std::uint64_t> dead_tags;
    std::vector<std::uint64_t> sent;
    std::vector<std::uint64_t> seen;
    std::shared_ptr<std::vector<std::byte>> place;

    // The link: what this end wrote and the other has not read, by the time it may read it.
    struct InFlight {
      std::uint64_t due_ms;
      std::shared_ptr<const OutgoingFrame> frame;
    };
    bool linked = false;  // this end believes there is a link
    std::deque<InFlight> outbox;
    // The frame being read: its payload is to come.
    std::optional<PayloadDestination> destination;
    std::shared_ptr<const OutgoingFrame> reading;
  };

  End& other(const End& end) { return *ends_[2 - end.host]; }

  void step(bool hostile) {
    now_ms_ += random_() % 3;
    const auto dice = random_() % 10000;
    if (hostile) {
      if (dice < 60) {
        break_link();
      } else if (dice < 80) {
        silent_ = true;  // half open: both write, nothing comes
      } else if (dice < 85) {
        End& end = *ends_[random_() % 2];
        end.session->give_up(GoodbyeReason::kGivenUp, "by chance");
      } else if (dice < 88) {
        restart(*ends_[random_() % 2]);
      } else if (dice < 92) {
        now_ms_ += kPairTiming.timeout_ms;  // nobody ran
      } else if (dice < 2500) {
        ends_[dice % 2]->send();
      }
      if (silent_ && random_() % 100 == 0) silent_ = false;
      if (outage_until_ms_ <= now_ms_ && random_() % 2000 == 0) {
        break_link();
        outage_until_ms_ = now_ms_ + random_() % (2 * kPairTiming.timeout_ms);
      }
    } else if (outage_until_ms_ > now_ms_) {
      outage_until_ms_ = now_ms_;
    }
    for (auto& end : ends_) settle(*end);
    End& dialer = *ends_[1];
    if (!dialer.linked && !dialer.session->ending() && now_ms_ >= outage_until_ms_ &&
        random_() % 20 == 0) {
      dialer.linked = true;
      dialer.session->connected(now_ms_);
    }
    for (auto& end : ends_) {
      write(*end);
      read(*end);
    }
  }

  void write(End& end) {
    if (!end.linked) return;
    std::uint64_t due = end.outbox.empty() ? now_ms_ : end.outbox.back().due_ms;
    while (auto frame = end.session->next_frame(now_ms_)) {
      due = std::max(due, now_ms_) + random_() % 3;
      if (!silent_) end.outbox.push_back({due, std::move(frame)});
      if (silent_) lost_bytes_ = true;
    }
  }

  // Takes what has come for this end, a few frames at most, and perhaps only part of one.
  void read(End& end) {
    End& from = other(end);
    if (silent_) return;
    if (lost_bytes_) {
      // A real stream cannot go on where bytes are missing.
      break_link();
      return;
    }
    if (end.reading) {
      if (random_() % 3 != 0) finish_payload(end);
      return;
    }
    while (!from.outbox.empty() && from.outbox.front().due_ms <= now_ms_) {
      const auto out = from.outbox.front().frame;
      from.outbox.pop_front();
      auto frame =
          decode_frame(std::span(out->head).subspan(kFramePrefixBytes), out->payload.size());
      ASSERT_TRUE(frame) << frame.error();
      if (!end.linked) {
        if (!shake_hands(end, *frame)) {
          ++refusals_;
          break_link();
          return;
        }
        continue;
      }
      auto outcome = end.session->frame_arrived(std::move(*frame), out->payload.size(), now_ms_);
      if (outcome.next == FrameOutcome::Next::kStop) {
        settle(end);
        return;
      }
      if (outcome.next == FrameOutcome::Next::kPayload) {
        end.destination = std::move(outcome.destination);
        end.reading = out;
        if (random_() % 2 == 0) return;  // the payload comes later, or never
        finish_payload(end);
        if (!end.linked) return;
      }
    }
  }

  // The acceptor's side of it. False: it refuses.
  bool shake_hands(End& end, const Frame& frame) {
    Acceptance::Step step;
    if (const auto* hello = std::get_if<frame::Hello>(&frame)) {
      acceptance_.emplace();
      step = acceptance_->greeted(*end.session, *hello);
    } else {
      const auto* answer = std::get_if<frame::Answer>(&frame);
      EXPECT_TRUE(answer && acceptance_) << "neither a hello nor an answer";
      if (answer == nullptr || !acceptance_) return false;
      step = acceptance_->answered(*end.session, *answer);
    }
    if (const auto* challenge = std::get_if<frame::Challenge>(&step)) {
      end.outbox.push_back({now_ms_ + random_() % 3, make_control_frame(*challenge)});
    } else if (std::holds_alternative<frame::Refuse>(step)) {
      return false;
    } else {
      end.linked = true;
      end.session->accept(acceptance_->hello(), acceptance_->challenge(), now_ms_);
      acceptance_.reset();
    }
    return true;
  }

  void finish_payload(End& end) {
    if (!end.destination->bytes.empty()) {
      std::ranges::copy(end.reading->payload.bytes(), end.destination->bytes.begin());
    }
    end.destination.reset();
    end.reading.reset();
    if (end.session->payload_arrived(now_ms_).next == FrameOutcome::Next::kStop) settle(end);
  }

  void settle(End& end) {
    if (!end.session->tick(now_ms_)) return;
    if (!end.linked) return;
    write(end);  // a goodbye, perhaps
    unlink(end);
    // The other end reads what was written, and then the end of the stream.
    if (!closing_ && random_() % 2 == 0) {
      closing_ = true;
      read(other(end));
      closing_ = false;
    }
    break_link();
  }

  void unlink(End& end) {
    if (!end.linked) return;
    end.linked = false;
    end.destination.reset();
    end.reading.reset();
    end.session->disconnected(now_ms_);
  }

  void break_link() {
    ++totals.breaks;
    lost_bytes_ = false;
    acceptance_.reset();
    for (auto& end : ends_) {
      unlink(*end);
      end->outbox.clear();
    }
  }

  void restart(End& end) {
    ++totals.restarts;
    break_link();
    totals.resumed += end.session->counters().resumed;
    if (end.tag_of_peer) end.dead_tags.push_back(*end.tag_of_peer);
    end.boot();
  }

  std::mt19937_64 random_;
  std::array<std::unique_ptr<End>, 2> ends_;
  std::uint64_t now_ms_ = 1000;
  bool silent_ = false;
  bool closing_ = false;  // one end is gone already
  bool lost_bytes_ = false;
  std::uint64_t outage_until_ms_ = 0;
  std::optional<Acceptance> acceptance_;  // of the present link
  std::uint64_t refusals_ = 0;

 public:
  std::uint64_t resumed() const {
    return totals.resumed + ends_[0]->session->counters().resumed +
           ends_[1]->session->counters().resumed;
  }
};

TEST(SessionPair, NothingIsLostRepeatedOrReorderedAndBothEndsAgree) {
  Pair::Totals sum;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Pair pair(seed);
    pair.run(5000);
    sum.delivered += pair.totals.delivered;
    sum.breaks += pair.totals.breaks;
    sum.abandoned += pair.totals.abandoned;
    sum.lost += pair.totals.lost;
    sum.restarts += pair.totals.restarts;
    sum.resumed += pair.resumed();
    if (HasFailure()) return;
  }
  // The weather was what this test is about.
  EXPECT_GT(sum.delivered, 10000U);
  EXPECT_GT(sum.breaks, 1000U);
  EXPECT_GT(sum.abandoned, 50U);
  EXPECT_GT(sum.lost, 100U);
  EXPECT_GT(sum.restarts, 20U);
  EXPECT_GT(sum.resumed, 200U);
  RecordProperty("delivered", static_cast<int>(sum.delivered));
  RecordProperty("resumed", static_cast<int>(sum.resumed));
  RecordProperty("abandoned", static_cast<int>(sum.abandoned));
  RecordProperty("lost", static_cast<int>(sum.lost));
}

}  // namespace
}  // namespace netbinder
