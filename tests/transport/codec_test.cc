// SPDX-License-Identifier: Apache-2.0
#include "transport/codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "transport/limits.h"
#include "transport/plain_messages.h"

namespace netbinder {
namespace {

using Bytes = std::vector<std::byte>;

WireNode some_node() {
  return {.node = {HostId(3), Incarnation(0xFEDCBA9876543210), NodeNumber(77)},
          .strong = false,
          .handoff = HandoffId(12),
          .dead = true};
}

peer::Call some_call() {
  return {.call = CallId(5),
          .target = NodeNumber(6),
          .caller = ProcessId(17),
          .code = 7,
          .flags = 0x11,
          .sender_euid = 1000,
          .nice = -20,
          .wants_acceptance = true,
          .security_context = "u:r:system:s0",
          .ancestors = {{HostId(1), CallId(2)}, {HostId(3), CallId(4)}},
          .shape = {.data_size = 101, .offsets_size = 16, .extra_size = 24},
          .objects = {{.offset = 8, .content = some_node()},
                      {.offset = 40,
                       .content = WireBuffer{.extra_offset = 8,
                                             .length = 16,
                                             .has_parent = true,
                                             .parent_index = 1,
                                             .parent_offset = 24}}},
          .trace = TraceId(~0ULL),
          .span = SpanId(18)};
}

peer::Call some_call_with_files() {
  peer::Call call = some_call();
  call.objects = {
      {.offset = 0, .content = WireFile{FileNumber(~0ULL)}},
      {.offset = 24,
       .content =
           WireFileArray{.parent_index = 1, .parent_offset = 2, .files = {FileNumber(3), {}}}},
      {.offset = 56, .content = WireFileArray{}}};
  return call;
}

std::vector<PeerMessage> all_messages() {
  return {
      some_call_with_files(),
      peer::FileMessage{.file = FileNumber(1),
                        .of_receiver = false,
                        .content = peer::FileOffered{.kind = peer::FileOffered::Kind::kContent,
                                                     .readable = true,
                                                     .writable = false,
                                                     .nonblocking = true,
                                                     .position = ~0ULL,
                                                     .size = 5}},
      peer::FileMessage{.file = FileNumber(2),
                        .of_receiver = true,
                        .content = peer::FileData{Bytes(33, std::byte{7})}},
      peer::FileMessage{.file = FileNumber(2), .content = peer::FileData{}},
      peer::FileMessage{.file = FileNumber(3), .content = peer::FileCredit{9}},
      peer::FileMessage{.file = FileNumber(4),
                        .content = peer::FileEnd{peer::FileEnd::What::kNoMoreTaken}},
      some_call(),
      peer::Call{},
      peer::Reply{.call = CallId(1),
                  .caller = ProcessId(18),
                  .code = 2,
                  .flags = 8,
                  .sender_euid = 3,
                  .shape = {.data_size = 8, .offsets_size = 8, .extra_size = 0},
                  .objects = {{.offset = 0, .content = some_node()}}},
      peer::CallFailed{.call = CallId(1), .queued = true, .command = 0x7211, .error = -22},
      peer::CallAccepted{.call = CallId(~0ULL), .command = 0x7206},
      peer::ReleaseRefs{.node = NodeNumber(9), .strong = 1, .weak = ~0ULL},
      peer::NodeDied{.node = NodeNumber(10)},
      peer::ClaimRef{
          .node = NodeNumber(1), .strong = false, .introducer = HostId(2), .handoff = HandoffId(3)},
      peer::ClaimResult{.node = NodeNumber(1),
                        .strong = true,
                        .introducer = HostId(2),
                        .handoff = HandoffId(3),
                        .alive = true},
      peer::Introduce{
          .node = NodeNumber(4), .strong = false, .recipient = HostId(5), .handoff = HandoffId(6)},
      peer::RecipientLost{.recipient = HostId(7)},
      peer::AskIntroductions{},
      peer::IntroductionsSent{},
      peer::ContextHolder{
          .context = "binder", .holder = HostId(3), .incarnation = Incarnation(4), .holds = true},
      peer::ClaimContext{.context = "binder", .euid = 1000},
      peer::ClaimContext{.context = "binder", .list = ListNumber(limits::kMaxListNumber)},
      peer::ContextClaimResult{.context = "binder", .other_list = true},
      peer::HostList{.number = ListNumber(3), .newest = ListNumber(limits::kMaxListNumber)},
      peer::ContextClaimResult{.context = "", .granted = true},
      peer::ContextClaimResult{.context = "binder", .forbidden = true},
      peer::ContextReleased{.context = std::string(limits::kMaxContextNameBytes, 'x')},
      peer::ContextManager{.context = "hwbinder", .node = some_node(), .euid = 4294967294},
      peer::ServiceManager{.context = std::string("with\0NUL", 8), .node = some_node()},
      peer::WatchFreeze{.node = NodeNumber(11)},
      peer::FreezeState{.node = NodeNumber(12), .frozen = true},
  };
}

std::vector<Frame> all_frames() {
  std::vector<Frame> frames{
      frame::Hello{.cluster = "c",
                   .host = HostId(2),
                   .host_name = "beta",
                   .incarnation = Incarnation(~0ULL),
                   .peer = HostId(1),
                   .peer_incarnation = Incarnation(5),
                   .session = SessionId(6),
                   .received = Sequence(7),
                   .nonce = {8, 9}},
      frame::Challenge{.host = HostId(1),
                       .host_name = "alpha",
                       .incarnation = Incarnation(2),
                       .newest = WireVersion{9},
                       .nonce = {3, 4}},
      frame::Answer{.proof = {5, 6}},
      frame::Welcome{.session = SessionId(3), .received = Sequence(4), .proof = {7, 8}},
      frame::Refuse{.reason = RefuseReason::kCertificate, .detail = "because"},
      frame::Goodbye{.reason = GoodbyeReason::kOverflow, .detail = ""},
      frame::Ack{.received = Sequence(9)},
      frame::Heartbeat{.received = Sequence(10)},
      frame::Heartbeat{.received = Sequence(10), .clock_ms = 1'800'000'000'000},
      frame::RdmaOffer{.queue_pair = {.gid = {1, 2, 3, 255},
                                      .lid = 4,
                                      .number = rdma::QueuePairNumber(5),
                                      .first_packet = 0xFFFFFF,
                                      .mtu_bytes = 1024},
                       .receives = 64,
                       .segment_bytes = 8192},
      frame::RdmaRefuse{.reason = "no device"},
      frame::RdmaReady{},
      frame::RdmaSwitch{},
      frame::LeaseWanted{.number = 1,
                         .request = {.recipient = NodeNumber(~0ULL),
                                     .bytes = limits::kMaxPayloadBytes,
                                     .context_bytes = 7,
                                     .oneway = true,
                                     .ahead = false}},
      frame::LeaseWanted{.number = 2,
                         .request = {.recipient = CallId(9),
                                     .bytes = 1,
                                     .context_bytes = 0,
                                     .oneway = false,
                                     .ahead = true}},
      frame::LeaseGranted{.number = 3,
                          .lease = LeaseId(4),
                          .process = ProcessId(5),
                          .address = ~0ULL,
                          .key = rdma::RemoteKey(~0U),
                          .bytes = 6},
      frame::LeaseReturned{.lease = LeaseId(8)},
  };
  for (auto& content : all_messages()) {
    frames.push_back(frame::Message{
        .sequence = Sequence(11), .received = Sequence(12), .content = std::move(content)});
  }
  return frames;
}

std::uint64_t payload_of(const Frame& frame) {
  const auto* message = std::get_if<frame::Message>(&frame);
  return message != nullptr ? payload_image_bytes(message->content) : 0;
}

std::expected<Frame, std::string> decode(std::span<const std::byte> bytes) {
  const auto prefix = decode_prefix(bytes, limits::kMaxMessageBytes);
  if (!prefix) return std::unexpected(prefix.error());
  const auto message = bytes.subspan(kFramePrefixBytes);
  if (message.size() != prefix->message_bytes) return std::unexpected("cut short");
  return decode_frame(message, prefix->payload_bytes);
}

Bytes encode(const Frame& frame) {
  Bytes bytes;
  const auto encoded = encode_frame(frame, payload_of(frame), bytes);
  EXPECT_TRUE(encoded) << encoded.error();
  return bytes;
}

TEST(Codec, EveryFrameComesBackAsItWas) {
  for (const auto& frame : all_frames()) {
    const auto decoded = decode(encode(frame));
    ASSERT_TRUE(decoded) << decoded.error();
    EXPECT_EQ(*decoded, frame);
  }
}

TEST(Codec, AMessageMayLieAtAnyAddress) {
  const Frame frame = all_frames().back();
  const Bytes bytes = encode(frame);
  Bytes shifted(bytes.size() + 8);
  for (std::size_t shift = 0; shift < 8; ++shift) {
    std::ranges::copy(bytes, shifted.begin() + static_cast<std::ptrdiff_t>(shift));
    const auto decoded = decode(std::span(shifted).subspan(shift, bytes.size()));
    ASSERT_TRUE(decoded) << decoded.error();
    EXPECT_EQ(*decoded, frame);
  }
}

TEST(Codec, ThePrefixIsLittleEndian) {
  const Bytes bytes = encode(
      frame::Message{.sequence = Sequence(1), .received = Sequence(0), .content = some_call()});
  EXPECT_EQ(std::to_integer<unsigned>(bytes[0]) + 256 * std::to_integer<unsigned>(bytes[1]),
            bytes.size() - kFramePrefixBytes);
  EXPECT_EQ(std::to_integer<unsigned>(bytes[8]), some_call().shape.image_size());
}

TEST(Codec, AMessageAtTheLimitsFits) {
  peer::Call call = some_call();
  call.security_context.assign(limits::kMaxSecurityContextBytes, 's');
  call.ancestors.assign(limits::kMaxAncestors, {HostId(1), CallId(2)});
  call.shape = {.data_size = PayloadShape::kMaxPartBytes,
                .offsets_size = PayloadShape::kMaxPartBytes,
                .extra_size = PayloadShape::kMaxPartBytes};
  call.objects.clear();
  for (std::uint64_t i = 0; i < limits::kMaxObjects; ++i) {
    call.objects.push_back({.offset = 24 * i, .content = some_node()});
  }
  const Frame frame =
      frame::Message{.sequence = Sequence(1), .received = Sequence(0), .content = call};
  EXPECT_EQ(payload_of(frame), limits::kMaxPayloadBytes);
  const auto decoded = decode(encode(frame));
  ASSERT_TRUE(decoded) << decoded.error();
  EXPECT_EQ(*decoded, frame);
}

// The encoder refuses these, so that a session ends here and not at a peer that refuses them.
TEST(Codec, MessagesOverALimitAreNotEncoded) {
  const auto refused = [](const PeerMessage& message) {
    Bytes bytes;
    return !encode_message(Sequence(1), Sequence(0), message, payload_image_bytes(message), bytes);
  };
  peer::Call call = some_call();
  EXPECT_FALSE(refused(call));
  call.security_context.assign(limits::kMaxSecurityContextBytes + 1, 's');
  EXPECT_TRUE(refused(call));
  call = some_call();
  call.ancestors.resize(limits::kMaxAncestors + 1);
  EXPECT_TRUE(refused(call));
  call = some_call();
  std::swap(call.objects[0], call.objects[1]);
  EXPECT_TRUE(refused(call));
  call = some_call();
  call.objects[1].offset = call.objects[0].offset;
  EXPECT_TRUE(refused(call));
  call = some_call();
  call.objects[1].offset = call.shape.data_size;
  EXPECT_TRUE(refused(call));
  call = some_call();
  call.objects.resize(limits::kMaxObjects + 1);
  EXPECT_TRUE(refused(call));
  call = some_call();
  call.shape.offsets_size = 9;
  EXPECT_TRUE(refused(call));
  EXPECT_TRUE(
      refused(peer::ClaimContext{.context = std::string(limits::kMaxContextNameBytes + 1, 'x')}));
  call = some_call_with_files();
  std::get<WireFileArray>(call.objects[1].content).files.resize(limits::kMaxFilesOfArray + 1);
  EXPECT_TRUE(refused(call));
  const auto data = [](std::size_t bytes) {
    return peer::FileMessage{.file = FileNumber(1), .content = peer::FileData{Bytes(bytes)}};
  };
  EXPECT_FALSE(refused(data(limits::kMaxFileDataBytes)));
  EXPECT_TRUE(refused(data(limits::kMaxFileDataBytes + 1)));
  Bytes bytes;
  EXPECT_FALSE(encode_message(Sequence(1), Sequence(0), some_call(), 1, bytes));
  EXPECT_FALSE(encode_message(Sequence(1), Sequence(0), peer::NodeDied{}, 1, bytes));
  EXPECT_FALSE(encode_frame(frame::Ack{}, 1, bytes));
}

TEST(Codec, NumbersOfListsThatCannotBeAreRefused) {
  constexpr ListNumber kTooLarge{limits::kMaxListNumber + 1};
  const auto refused = [](const PeerMessage& message) {
    Bytes bytes;
    EXPECT_TRUE(encode_message(Sequence(1), Sequence(0), message, 0, bytes));
    return !decode(bytes);
  };
  EXPECT_FALSE(refused(peer::HostList{.number = ListNumber(2), .newest = ListNumber(2)}));
  EXPECT_TRUE(refused(peer::HostList{.number = ListNumber(2), .newest = ListNumber(1)}));
  EXPECT_TRUE(refused(peer::HostList{.number = {}, .newest = ListNumber(1)}));
  EXPECT_TRUE(refused(peer::HostList{.number = ListNumber(2), .newest = kTooLarge}));
  EXPECT_TRUE(refused(peer::ClaimContext{.context = "binder", .list = kTooLarge}));
}

TEST(Codec, AReasonIsCutToItsLimit) {
  const auto decoded = decode(
      encode(frame::Refuse{.reason = RefuseReason::kCluster, .detail = std::string(100000, 'x')}));
  ASSERT_TRUE(decoded) << decoded.error();
  EXPECT_EQ(std::get<frame::Refuse>(*decoded).detail.size(), limits::kMaxReasonBytes);
}

TEST(Codec, BadPrefixesAreRefused) {
  const auto refused = [](std::uint32_t message_bytes, std::uint32_t flags,
                          std::uint64_t payload_bytes) {
    Bytes bytes(kFramePrefixBytes);
    const FramePrefix prefix{message_bytes, flags, payload_bytes};
    std::memcpy(bytes.data(), &prefix, sizeof prefix);
    return !decode_prefix(bytes, 4096);
  };
  EXPECT_FALSE(refused(4096, 0, limits::kMaxPayloadBytes));
  EXPECT_TRUE(refused(0, 0, 0));
  EXPECT_TRUE(refused(12, 0, 0));
  EXPECT_TRUE(refused(4104, 0, 0));
  EXPECT_TRUE(refused(8, 1, 0));
  EXPECT_TRUE(refused(8, 0, limits::kMaxPayloadBytes + 1));
  EXPECT_TRUE(refused(8, 0, ~0ULL));
  EXPECT_FALSE(decode_prefix(Bytes(15), 4096));
}

TEST(Codec, APayloadOfAnotherSizeThanAnnouncedIsRefused) {
  for (const auto& frame : all_frames()) {
    Bytes bytes = encode(frame);
    const auto message = std::span(bytes).subspan(kFramePrefixBytes);
    EXPECT_TRUE(decode_frame(message, payload_of(frame)));
    EXPECT_FALSE(decode_frame(message, payload_of(frame) + 1));
    EXPECT_FALSE(decode_frame(message, payload_of(frame) + 8));
  }
}

TEST(Codec, TruncatedMessagesAreRefused) {
  for (const auto& frame : all_frames()) {
    const Bytes bytes = encode(frame);
    const Bytes message(bytes.begin() + kFramePrefixBytes, bytes.end());
    for (std::size_t size = 0; size < message.size(); ++size) {
      // A copy of just that size, so that reading beyond it is found.
      const Bytes cut(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(decode_frame(cut, payload_of(frame))) << size;
    }
    Bytes longer = message;
    longer.resize(message.size() + 8);
    EXPECT_FALSE(decode_frame(longer, payload_of(frame)));
  }
}

TEST(Codec, FlippedBitsAreRefusedOrMeanSomethingElseThatIsValid) {
  for (const auto& frame : all_frames()) {
    const Bytes bytes = encode(frame);
    Bytes message(bytes.begin() + kFramePrefixBytes, bytes.end());
    for (std::size_t bit = 0; bit < 8 * message.size(); ++bit) {
      message[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      if (const auto decoded = decode_frame(message, payload_of(frame))) {
        EXPECT_EQ(payload_of(*decoded), payload_of(frame));
        Bytes again;
        EXPECT_TRUE(encode_frame(*decoded, payload_of(*decoded), again));
      }
      message[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    }
  }
}

TEST(Codec, RandomBytesInRandomPlacesNeverHurt) {
  std::mt19937_64 random(1);
  std::size_t valid = 0;
  for (const auto& frame : all_frames()) {
    const Bytes bytes = encode(frame);
    for (int round = 0; round < 2000; ++round) {
      Bytes message(bytes.begin() + kFramePrefixBytes, bytes.end());
      const auto changes = 1 + random() % 8;
      for (std::uint64_t i = 0; i < changes; ++i) {
        message[random() % message.size()] = static_cast<std::byte>(random());
      }
      if (decode_frame(message, payload_of(frame))) ++valid;
    }
    Bytes noise(8 * (1 + random() % 64));
    for (int round = 0; round < 500; ++round) {
      for (auto& byte : noise) byte = static_cast<std::byte>(random());
      if (round % 2 != 0) noise[0] = noise[1] = noise[2] = noise[3] = std::byte{0};
      (void)decode_frame(noise, 0);
    }
  }
  EXPECT_GT(valid, 0U);
}

// ---- the messages of plain calls, which have a way of their own ----

std::optional<Frame> decode_plain(std::span<const std::byte> bytes, std::uint64_t payload_bytes) {
  frame::Message message;
  if (!codec::decode_plain(bytes, payload_bytes, message)) return std::nullopt;
  return message;
}

std::vector<PeerMessage> some_plain_messages() {
  std::vector<PeerMessage> messages;
  std::mt19937_64 random(7);
  // Numbers of all lengths: their highest bytes are in places of their own, too.
  const auto number = [&] { return random() >> (random() % 64); };
  const auto shape = [&] {
    return PayloadShape{.data_size = number() % (PayloadShape::kMaxPartBytes + 1),
                        .offsets_size = number() % (PayloadShape::kMaxPartBytes + 1) & ~7ULL,
                        .extra_size = number() % (PayloadShape::kMaxPartBytes + 1) & ~7ULL};
  };
  const auto some_ancestors = [&](int count) {
    CallAncestors ancestors;
    if (count == 1) ancestors = {{HostId(static_cast<std::uint32_t>(number())), CallId(number())}};
    return ancestors;
  };
  for (int i = 0; i < 300; ++i) {
    messages.emplace_back(peer::Call{.call = CallId(number()),
                                     .target = NodeNumber(number()),
                                     .caller = ProcessId(number()),
                                     .code = static_cast<std::uint32_t>(number()),
                                     .flags = static_cast<std::uint32_t>(number()),
                                     .sender_euid = static_cast<std::uint32_t>(number()),
                                     .nice = static_cast<std::int32_t>(number()),
                                     .wants_acceptance = random() % 2 == 0,
                                     .security_context = {},
                                     .ancestors = some_ancestors(i % 2),
                                     .shape = shape(),
                                     .objects = {},
                                     .trace = TraceId(number()),
                                     .span = SpanId(number())});
    messages.emplace_back(peer::Reply{.call = CallId(number()),
                                      .caller = ProcessId(number()),
                                      .code = static_cast<std::uint32_t>(number()),
                                      .flags = static_cast<std::uint32_t>(number()),
                                      .sender_euid = static_cast<std::uint32_t>(number()),
                                      .shape = shape(),
                                      .objects = {}});
  }
  return messages;
}

TEST(PlainMessages, AreTheSameBytesAsTheSchemasEncoderMakes) {
  std::uint64_t sequence = ~0ULL;
  for (const PeerMessage& message : some_plain_messages()) {
    const std::uint64_t payload_bytes = payload_image_bytes(message);
    Bytes plain;
    Bytes any;
    ASSERT_TRUE(codec::encode_plain(Sequence(sequence), Sequence(sequence / 3), message,
                                    payload_bytes, plain));
    ASSERT_TRUE(codec::encode_any(Sequence(sequence), Sequence(sequence / 3), message,
                                  payload_bytes, any));
    ASSERT_EQ(plain, any);
    const auto bytes = std::span(plain).subspan(kFramePrefixBytes);
    const auto decoded = decode_plain(bytes, payload_bytes);
    ASSERT_TRUE(decoded.has_value());
    ASSERT_EQ(*decoded, codec::decode_any(bytes, payload_bytes).value());
    ASSERT_EQ(*decoded, Frame(frame::Message{.sequence = Sequence(sequence),
                                             .received = Sequence(sequence / 3),
                                             .content = message}));
    sequence = sequence / 2 + 11;
  }
}

TEST(PlainMessages, AreOnlyThoseWithoutListsAndTexts) {
  Bytes out = {std::byte{1}};
  for (const PeerMessage& message : all_messages()) {
    const auto* call = std::get_if<peer::Call>(&message);
    const auto* reply = std::get_if<peer::Reply>(&message);
    if (call != nullptr && call->objects.empty() && call->ancestors.size() < 2 &&
        call->security_context.empty()) {
      continue;
    }
    if (reply != nullptr && reply->objects.empty()) continue;
    EXPECT_FALSE(codec::encode_plain(Sequence(1), {}, message, payload_image_bytes(message), out));
  }
  peer::Call call;
  call.security_context = "u";
  EXPECT_FALSE(codec::encode_plain(Sequence(1), {}, call, 0, out));
  call.security_context.clear();
  call.ancestors.resize(2);
  EXPECT_FALSE(codec::encode_plain(Sequence(1), {}, call, 0, out));
  call.ancestors.clear();
  EXPECT_FALSE(codec::encode_plain(Sequence(1), {}, call, 8, out)) << "another size than announced";
  call.shape.offsets_size = 4;
  EXPECT_FALSE(codec::encode_plain(Sequence(1), {}, call, 8, out)) << "an invalid shape";
  EXPECT_EQ(out, Bytes{std::byte{1}}) << "nothing has been written";
}

// Whatever else a peer sends is for the schema's reader: no bit of it is overlooked.
TEST(PlainMessages, BytesThatDifferBesideTheNumbersAreNone) {
  peer::Call call;
  call.call = CallId(1);
  call.ancestors.resize(1);
  Bytes frame;
  ASSERT_TRUE(codec::encode_plain(Sequence(2), Sequence(1), call, 0, frame));
  const Bytes message(frame.begin() + kFramePrefixBytes, frame.end());
  std::size_t numbers = 0;
  for (std::size_t bit = 0; bit < 8 * message.size(); ++bit) {
    Bytes changed = message;
    changed[bit / 8] ^= std::byte{1} << (bit % 8);
    const auto plain = decode_plain(changed, 0);
    const auto any = codec::decode_any(changed, 0);
    if (!plain) continue;
    ++numbers;
    ASSERT_TRUE(any.has_value()) << "bit " << bit << ": " << any.error();
    ASSERT_EQ(*plain, *any) << "bit " << bit;
  }
  // Sequence, received, call, target, caller, trace, span and the ancestor's call; code, flags, euid, nice and
  // the ancestor's host; and a bool. A shape of another size is not the announced one.
  EXPECT_EQ(numbers, 8 * 64U + 5 * 32U + 1U);
  EXPECT_FALSE(decode_plain(std::span(message).first(message.size() - 8), 0).has_value());
  Bytes longer = message;
  longer.resize(longer.size() + 8);
  EXPECT_FALSE(decode_plain(longer, 0).has_value());
  EXPECT_FALSE(decode_plain({}, 0).has_value());
}

}  // namespace
}  // namespace netbinder
