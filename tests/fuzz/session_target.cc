// SPDX-License-Identifier: Apache-2.0
//
// One end of a session, greeted and spoken to by a stranger, over links that come and go. The end
// never breaks the order of events that its owner relies on, believes no acknowledgement of what it
// did not send, and with the last link and the time that a session may be without one everything is
// over.
//
// The input: a byte, odd for the end that dials, then steps (Steps::step).
#include "core/base/check.h"
#include "tests/fuzz/expectations.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/seeds.h"
#include "tests/fuzz/some_frames.h"
#include "tests/transport/session_end.h"

namespace netbinder::fuzz {
namespace {

enum Step : std::uint8_t {
  kBytes,  // two numbers: of the message's words and the payload's bytes; then the message
  kHello,
  kWelcome,
  kMessage,
  kAck,
  kLink,  // one comes, or goes
  kTime,
  kSend,
  kGiveUp,
  kTake,  // the link takes a frame
  kSteps,
};

class Steps {
 public:
  Steps(Input input, std::uint32_t host) : input_(input), host_(host), end_(host) {}

  void run() {
    while (!input_.empty()) {
      step();
      close_if_wanted();
      const Session& session = end_.session;
      NB_CHECK(!session.link_up() || session.live());
      NB_CHECK(session.live() == end_.peer().established);
      NB_CHECK(!session.live() || session.id() != SessionId{});
    }
    if (!end_.session.link_down()) end_.disconnect();
    (void)end_.tick(kTiming.timeout_ms);
    (void)end_.tick(0);
    NB_CHECK(!end_.session.live() && !end_.peer().established && !end_.peer().arriving);
    NB_CHECK(end_.session.backlog_bytes() == 0);
  }

 private:
  void step() {
    switch (input_.below(kSteps)) {
      case kBytes:
        bytes();
        return;
      case kHello: {
        const bool resumes = input_.one_in(2);
        frame::Hello hello =
            End::hello(input_.below(8), resumes ? end_.session.id().value() : input_.below(4),
                       input_.below(8), 100 + input_.below(4));
        if (input_.one_in(2)) hello.peer_incarnation = Incarnation(100 + host_);
        arrives(hello, 0);
        return;
      }
      case kWelcome: {
        const bool resumes = input_.one_in(2);
        arrives(End::welcome(resumes ? end_.session.id().value() : input_.below(4), input_.below(8),
                             100 + input_.below(4)),
                0);
        return;
      }
      case kMessage: {
        const std::uint64_t next = end_.session.counters().messages_received + 1;
        const Sequence sequence(input_.one_in(4) ? input_.byte() : next);
        const Sequence received(input_.below(4));
        const std::uint64_t bytes = input_.any_size() % 65536;
        if (input_.one_in(2)) {
          const Received call = numbered_call(1, bytes);
          arrives(frame::Message{sequence, received, call.message}, call.payload.size());
        } else {
          arrives(frame::Message{sequence, received, peer::NodeDied{NodeNumber(1)}}, 0);
        }
        return;
      }
      case kAck:
        arrives(frame::Ack{Sequence(input_.below(8))}, 0);
        return;
      case kLink:
        if (!end_.session.link_down()) {
          end_.disconnect();
        } else if (end_.session.identity().dials()) {
          end_.session.connected(end_.now_ms);
        }
        return;
      case kTime:
        end_.now_ms += input_.any_size() % 10'000;
        return;
      case kSend:
        end_.send(input_.byte());
        return;
      case kGiveUp:
        end_.session.give_up(GoodbyeReason::kGivenUp, "enough");
        return;
      default:
        (void)end_.out();
        return;
    }
  }

  void bytes() {
    const std::size_t words = input_.number<std::uint16_t>();
    const std::uint64_t payload_bytes = input_.number<std::uint16_t>();
    const auto message = input_.take(words * 8);
    auto frame = decode_frame(message, payload_bytes);
    if (frame) {
      arrives(std::move(*frame), payload_bytes);
    } else if (!end_.session.link_down()) {
      end_.disconnect();  // as its owner does
    }
  }

  // As a link hands it over.
  void arrives(Frame frame, std::uint64_t payload_bytes) {
    Session& session = end_.session;
    if (!session.identity().dials()) {
      if (const auto* hello = std::get_if<frame::Hello>(&frame)) {
        if (session.refusal(*hello)) return;
        if (!session.link_down()) end_.disconnect();
        session.accept(*hello, end_.now_ms);
        return;
      }
    }
    if (session.link_down()) return;
    const std::uint64_t before = session.counters().messages_received;
    const auto outcome = session.frame_arrived(std::move(frame), payload_bytes, end_.now_ms);
    if (outcome.next != Next::kPayload) return;
    NB_CHECK(outcome.destination.bytes.empty() ||
             outcome.destination.bytes.size() == payload_bytes);
    NB_CHECK(session.counters().messages_received == before);
    if (input_.one_in(4)) {
      end_.disconnect();  // in the middle
    } else {
      (void)session.payload_arrived(end_.now_ms);
    }
  }

  void close_if_wanted() {
    if (!end_.session.tick(end_.now_ms)) return;
    while (end_.out()) {
    }
    if (!end_.session.link_down()) end_.disconnect();
  }

  Input input_;
  const std::uint32_t host_;
  End end_;
};

// A step that hands over this frame.
void add(Seed& seed, const Frame& frame) {
  std::vector<std::byte> head;
  const std::uint64_t payload_bytes = payload_of(frame);
  NB_CHECK(encode_frame(frame, payload_bytes, head));
  const auto message = std::span(std::as_const(head)).subspan(kFramePrefixBytes);
  seed.byte(kBytes)
      .number(static_cast<std::uint16_t>(message.size() / 8))
      .number(static_cast<std::uint16_t>(payload_bytes))
      .raw(message);
  if (payload_bytes > 0) seed.byte(0);
}

}  // namespace

std::vector<Seed> make_seeds() {
  std::vector<Seed> seeds;
  const auto frames = some_frames();
  const Frame hello = End::hello(1);
  const Frame welcome = End::welcome(7);
  for (const auto& [name, frame] : frames) {
    Seed accepts{.name = "accepts-" + name, .bytes = {0}};
    add(accepts, hello);
    add(accepts, frame);
    seeds.push_back(accepts);
  }
  Seed dials{.name = "dials", .bytes = {1, kLink}};
  add(dials, welcome);
  dials.byte(kSend).byte(1).byte(kTake).byte(kLink).byte(kLink);
  add(dials, End::welcome(7, 1));
  add(dials, frame::Ack{Sequence(1)});
  seeds.push_back(dials);
  Seed refused{.name = "refused", .bytes = {1, kLink}};
  add(refused, frame::Refuse{.reason = RefuseReason::kVersion, .detail = "no"});
  seeds.push_back(refused);
  Seed resumes{.name = "resumes", .bytes = {0}};
  add(resumes, hello);
  resumes.byte(kSend).byte(1).byte(kTake).byte(kTake).byte(kLink);
  add(resumes, End::hello(2, 41, 1));
  add(resumes, frame::Goodbye{.reason = GoodbyeReason::kShutdown, .detail = "bye"});
  resumes.byte(kTime).byte(0x2F);
  seeds.push_back(resumes);
  return seeds;
}

}  // namespace netbinder::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace netbinder::fuzz;
  abort_at_failures();
  if (size == 0) return 0;
  Steps(Input({data + 1, size - 1}), data[0] % 2 == 1 ? 2 : 1).run();
  return 0;
}
