// SPDX-License-Identifier: Apache-2.0
#include <capnp/serialize.h>
#include <kj/array.h>
#include <kj/exception.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "transport/codec.h"
#include "transport/codec_check.h"
#include "transport/limits.h"
#include "transport/plain_messages.h"
#include "transport/protocol.capnp.h"

namespace netbinder {
namespace {

using codec::check;
using codec::Invalid;

// The copy of a message is kept for the next one, if it is not larger than this.
constexpr std::size_t kMaxKeptWords = 65536;

std::uint64_t load_little_endian(const std::byte* at, unsigned bytes) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i) value |= std::to_integer<std::uint64_t>(at[i]) << (8 * i);
  return value;
}

std::string get_text(capnp::Text::Reader reader, std::uint32_t max_bytes, const char* what) {
  check(reader.size() <= max_bytes, what);
  return {reader.begin(), reader.size()};
}

// A name or a reason, which may be logged.
std::string get_line(capnp::Text::Reader reader, std::uint32_t max_bytes, const char* what) {
  std::string line = get_text(reader, max_bytes, what);
  check(std::ranges::all_of(line, printable), "a text with characters that are none");
  return line;
}

std::array<std::uint8_t, 32> get_bytes(capnp::Data::Reader reader) {
  std::array<std::uint8_t, 32> bytes{};
  check(reader.size() == bytes.size(), "a nonce or a proof of an impossible size");
  std::ranges::copy(reader, bytes.begin());
  return bytes;
}

ListNumber get_list(std::uint64_t number) {
  check(number <= limits::kMaxListNumber, "the number of a list of hosts is too large");
  return ListNumber(number);
}

std::string get_context(capnp::Text::Reader reader) {
  return get_text(reader, limits::kMaxContextNameBytes, "context name too long");
}

PayloadShape get(wire::Shape::Reader in) {
  PayloadShape shape{.data_size = in.getDataSize(),
                     .offsets_size = in.getOffsetsSize(),
                     .extra_size = in.getExtraSize()};
  check(shape.valid(), "invalid payload shape");
  return shape;
}

WireNode get(wire::Node::Reader in) {
  return {.node = {.host = HostId(in.getHost()),
                   .incarnation = Incarnation(in.getIncarnation()),
                   .number = NodeNumber(in.getNumber())},
          .strong = in.getStrong(),
          .handoff = HandoffId(in.getHandoff()),
          .dead = in.getDead()};
}

WireObject get(wire::Object::Reader in) {
  WireObject object{.offset = in.getOffset(), .content = {}};
  switch (in.which()) {
    case wire::Object::NODE: {
      const auto node = in.getNode();
      object.content = WireNode{.node = {.host = HostId(node.getHost()),
                                         .incarnation = Incarnation(node.getIncarnation()),
                                         .number = NodeNumber(node.getNumber())},
                                .strong = node.getStrong(),
                                .handoff = HandoffId(node.getHandoff()),
                                .dead = node.getDead()};
      return object;
    }
    case wire::Object::BUFFER: {
      const auto buffer = in.getBuffer();
      object.content = WireBuffer{.extra_offset = buffer.getExtraOffset(),
                                  .length = buffer.getLength(),
                                  .has_parent = buffer.getHasParent(),
                                  .parent_index = buffer.getParentIndex(),
                                  .parent_offset = buffer.getParentOffset()};
      return object;
    }
    case wire::Object::FILE:
      object.content = WireFile{FileNumber(in.getFile().getNumber())};
      return object;
    case wire::Object::FILE_ARRAY: {
      const auto array = in.getFileArray();
      const auto numbers = array.getNumbers();
      check(numbers.size() <= limits::kMaxFilesOfArray, "too many descriptors");
      WireFileArray made{
          .parent_index = array.getInIndex(), .parent_offset = array.getInOffset(), .files = {}};
      made.files.reserve(numbers.size());
      for (const std::uint64_t number : numbers) made.files.emplace_back(number);
      object.content = std::move(made);
      return object;
    }
  }
  throw Invalid{"unknown kind of object"};
}

std::vector<WireObject> get_objects(capnp::List<wire::Object>::Reader in,
                                    const PayloadShape& shape) {
  check(in.size() <= limits::kMaxObjects, "too many objects");
  std::vector<WireObject> objects;
  objects.reserve(in.size());
  for (const auto reader : in) {
    objects.push_back(get(reader));
    const auto count = objects.size();
    check(count < 2 || objects[count - 2].offset < objects[count - 1].offset,
          "objects out of order");
  }
  check(objects.empty() || objects.back().offset < shape.data_size, "object outside the data");
  return objects;
}

peer::Call get(wire::Call::Reader in) {
  peer::Call call{
      .call = CallId(in.getCall()),
      .target = NodeNumber(in.getTarget()),
      .caller = ProcessId(in.getCaller()),
      .code = in.getCode(),
      .flags = in.getFlags(),
      .sender_euid = in.getSenderEuid(),
      .nice = in.getNice(),
      .wants_acceptance = in.getWantsAcceptance(),
      .security_context = get_text(in.getSecurityContext(), limits::kMaxSecurityContextBytes,
                                   "security context too long"),
      .ancestors = {},
      .shape = get(in.getShape()),
      .objects = {},
      .trace = TraceId(in.getTrace()),
      .span = SpanId(in.getSpan())};
  const auto ancestors = in.getAncestors();
  check(ancestors.size() <= limits::kMaxAncestors, "too many ancestors");
  call.ancestors.reserve(ancestors.size());
  for (const auto ancestor : ancestors) {
    call.ancestors.push_back(
        {.host = HostId(ancestor.getHost()), .call = CallId(ancestor.getCall())});
  }
  call.objects = get_objects(in.getObjects(), call.shape);
  return call;
}

peer::Reply get(wire::Reply::Reader in) {
  peer::Reply reply{.call = CallId(in.getCall()),
                    .caller = ProcessId(in.getCaller()),
                    .code = in.getCode(),
                    .flags = in.getFlags(),
                    .sender_euid = in.getSenderEuid(),
                    .shape = get(in.getShape()),
                    .objects = {}};
  reply.objects = get_objects(in.getObjects(), reply.shape);
  return reply;
}

peer::FileMessage get(wire::File::Reader in) {
  peer::FileMessage message{
      .file = FileNumber(in.getNumber()), .of_receiver = in.getOfReceiver(), .content = {}};
  switch (in.which()) {
    case wire::File::OFFER: {
      const auto offer = in.getOffer();
      const auto kind = static_cast<std::uint16_t>(offer.getKind());
      check(kind <= static_cast<std::uint16_t>(peer::FileOffered::Kind::kCounter),
            "unknown kind of descriptor");
      message.content = peer::FileOffered{.kind = static_cast<peer::FileOffered::Kind>(kind),
                                          .readable = offer.getReadable(),
                                          .writable = offer.getWritable(),
                                          .nonblocking = offer.getNonblocking(),
                                          .position = offer.getPosition(),
                                          .size = offer.getSize(),
                                          .same_as = FileNumber(offer.getSameAs()),
                                          .returns = offer.getReturns()};
      return message;
    }
    case wire::File::DATA: {
      const auto data = in.getData();
      check(data.size() <= limits::kMaxFileDataBytes, "too much data of a descriptor");
      const auto* begin = reinterpret_cast<const std::byte*>(data.begin());
      message.content = peer::FileData{{begin, begin + data.size()}};
      return message;
    }
    case wire::File::CREDIT:
      message.content = peer::FileCredit{in.getCredit()};
      return message;
    case wire::File::END: {
      const auto what = static_cast<std::uint16_t>(in.getEnd());
      check(what <= static_cast<std::uint16_t>(peer::FileEnd::What::kClosed), "unknown end");
      message.content = peer::FileEnd{static_cast<peer::FileEnd::What>(what)};
      return message;
    }
  }
  throw Invalid{"unknown message about a descriptor"};
}

PeerMessage get_content(wire::Message::Reader in) {
  switch (in.which()) {
    case wire::Message::CALL:
      return get(in.getCall());
    case wire::Message::REPLY:
      return get(in.getReply());
    case wire::Message::CALL_FAILED: {
      const auto failed = in.getCallFailed();
      return peer::CallFailed{.call = CallId(failed.getCall()),
                              .queued = failed.getQueued(),
                              .command = failed.getCommand(),
                              .error = failed.getError()};
    }
    case wire::Message::CALL_ACCEPTED: {
      const auto accepted = in.getCallAccepted();
      return peer::CallAccepted{.call = CallId(accepted.getCall()),
                                .command = accepted.getCommand()};
    }
    case wire::Message::RELEASE_REFS: {
      const auto release = in.getReleaseRefs();
      return peer::ReleaseRefs{.node = NodeNumber(release.getNode()),
                               .strong = release.getStrong(),
                               .weak = release.getWeak()};
    }
    case wire::Message::NODE_DIED:
      return peer::NodeDied{.node = NodeNumber(in.getNodeDied().getNode())};
    case wire::Message::CLAIM_REF: {
      const auto claim = in.getClaimRef();
      return peer::ClaimRef{.node = NodeNumber(claim.getNode()),
                            .strong = claim.getStrong(),
                            .introducer = HostId(claim.getIntroducer()),
                            .handoff = HandoffId(claim.getHandoff())};
    }
    case wire::Message::CLAIM_RESULT: {
      const auto result = in.getClaimResult();
      return peer::ClaimResult{.node = NodeNumber(result.getNode()),
                               .strong = result.getStrong(),
                               .introducer = HostId(result.getIntroducer()),
                               .handoff = HandoffId(result.getHandoff()),
                               .alive = result.getAlive()};
    }
    case wire::Message::INTRODUCE: {
      const auto introduction = in.getIntroduce();
      return peer::Introduce{.node = NodeNumber(introduction.getNode()),
                             .strong = introduction.getStrong(),
                             .recipient = HostId(introduction.getRecipient()),
                             .handoff = HandoffId(introduction.getHandoff())};
    }
    case wire::Message::RECIPIENT_LOST:
      return peer::RecipientLost{.recipient = HostId(in.getRecipientLost().getRecipient())};
    case wire::Message::ASK_INTRODUCTIONS:
      return peer::AskIntroductions{};
    case wire::Message::INTRODUCTIONS_SENT:
      return peer::IntroductionsSent{};
    case wire::Message::CLAIM_CONTEXT:
      return peer::ClaimContext{.context = get_context(in.getClaimContext().getContext()),
                                .euid = in.getClaimContext().getEuid(),
                                .list = get_list(in.getClaimContext().getList())};
    case wire::Message::CONTEXT_CLAIM_RESULT: {
      const auto result = in.getContextClaimResult();
      return peer::ContextClaimResult{.context = get_context(result.getContext()),
                                      .granted = result.getGranted(),
                                      .forbidden = result.getForbidden(),
                                      .other_list = result.getOtherList()};
    }
    case wire::Message::CONTEXT_RELEASED:
      return peer::ContextReleased{.context = get_context(in.getContextReleased().getContext())};
    case wire::Message::CONTEXT_HOLDER: {
      const auto holder = in.getContextHolder();
      return peer::ContextHolder{.context = get_context(holder.getContext()),
                                 .holder = HostId(holder.getHolder()),
                                 .incarnation = Incarnation(holder.getIncarnation()),
                                 .holds = holder.getHolds()};
    }
    case wire::Message::CONTEXT_MANAGER: {
      const auto manager = in.getContextManager();
      return peer::ContextManager{.context = get_context(manager.getContext()),
                                  .node = get(manager.getNode()),
                                  .euid = manager.getEuid()};
    }
    case wire::Message::SERVICE_MANAGER: {
      const auto manager = in.getServiceManager();
      return peer::ServiceManager{.context = get_context(manager.getContext()),
                                  .node = get(manager.getNode())};
    }
    case wire::Message::WATCH_FREEZE:
      return peer::WatchFreeze{.node = NodeNumber(in.getWatchFreeze().getNode())};
    case wire::Message::FREEZE_STATE: {
      const auto state = in.getFreezeState();
      return peer::FreezeState{.node = NodeNumber(state.getNode()), .frozen = state.getFrozen()};
    }
    case wire::Message::FILE:
      return get(in.getFile());
    case wire::Message::HOST_LIST: {
      const auto list = in.getHostList();
      check(list.getNumber() != 0, "a list of hosts without a number");
      check(list.getNewest() >= list.getNumber(), "a list of hosts newer than the newest");
      return peer::HostList{.number = get_list(list.getNumber()),
                            .newest = get_list(list.getNewest())};
    }
  }
  throw Invalid{"unknown kind of message"};
}

frame::Hello get(wire::Hello::Reader in) {
  // If the version is not spoken here, only its number matters.
  const WireVersion version{in.getProtocolVersion()};
  const bool has_nonce = is_spoken(version);
  return {
      .version = version,
      .cluster = get_line(in.getCluster(), limits::kMaxClusterNameBytes, "cluster name too long"),
      .host = HostId(in.getHost()),
      .host_name = get_line(in.getHostName(), limits::kMaxHostNameBytes, "host name too long"),
      .incarnation = Incarnation(in.getIncarnation()),
      .peer = HostId(in.getPeer()),
      .peer_incarnation = Incarnation(in.getPeerIncarnation()),
      .session = SessionId(in.getSession()),
      .received = Sequence(in.getReceived()),
      .nonce = has_nonce ? get_bytes(in.getNonce()) : Nonce{}};
}

frame::Challenge get(wire::Challenge::Reader in) {
  return {.host = HostId(in.getHost()),
          .host_name = get_line(in.getHostName(), limits::kMaxHostNameBytes, "host name too long"),
          .incarnation = Incarnation(in.getIncarnation()),
          .newest = WireVersion{in.getNewestVersion()},
          .nonce = get_bytes(in.getNonce())};
}

frame::Welcome get(wire::Welcome::Reader in) {
  return {.session = SessionId(in.getSession()),
          .received = Sequence(in.getReceived()),
          .proof = get_bytes(in.getProof())};
}

frame::RdmaOffer get(wire::RdmaOffer::Reader in) {
  frame::RdmaOffer offer{.queue_pair = {.gid = {},
                                        .lid = in.getLid(),
                                        .number = rdma::QueuePairNumber(in.getNumber()),
                                        .first_packet = in.getFirstPacket(),
                                        .mtu_bytes = in.getMtuBytes()},
                         .receives = in.getReceives(),
                         .segment_bytes = in.getSegmentBytes()};
  const auto gid = in.getGid();
  check(gid.size() == offer.queue_pair.gid.size(), "gid of an impossible size");
  std::copy(gid.begin(), gid.end(), offer.queue_pair.gid.begin());
  return offer;
}

frame::LeaseWanted get(wire::LeaseRequest::Reader in) {
  frame::LeaseWanted wanted{.number = in.getNumber(),
                            .request = {.recipient = {},
                                        .bytes = in.getBytes(),
                                        .context_bytes = in.getContextBytes(),
                                        .oneway = in.getOneway(),
                                        .ahead = in.getAhead()}};
  check(wanted.request.bytes <= limits::kMaxPayloadBytes, "lease for an impossible payload");
  check(wanted.request.context_bytes <= limits::kMaxSecurityContextBytes + 1,
        "security context too long");
  const auto recipient = in.getRecipient();
  switch (recipient.which()) {
    case wire::LeaseRequest::Recipient::NODE:
      wanted.request.recipient = NodeNumber(recipient.getNode());
      return wanted;
    case wire::LeaseRequest::Recipient::CALL:
      wanted.request.recipient = CallId(recipient.getCall());
      return wanted;
  }
  throw Invalid{"unknown recipient of a payload"};
}

Frame get_frame(wire::Frame::Reader in) {
  switch (in.which()) {
    case wire::Frame::HELLO:
      return get(in.getHello());
    case wire::Frame::WELCOME:
      return get(in.getWelcome());
    case wire::Frame::REFUSE: {
      const auto refuse = in.getRefuse();
      const auto reason = static_cast<std::uint16_t>(refuse.getReason());
      check(reason < kRefuseReasons, "unknown reason");
      return frame::Refuse{
          .reason = static_cast<RefuseReason>(reason),
          .detail = get_line(refuse.getDetail(), limits::kMaxReasonBytes, "reason too long")};
    }
    case wire::Frame::GOODBYE: {
      const auto goodbye = in.getGoodbye();
      const auto reason = static_cast<std::uint16_t>(goodbye.getReason());
      check(reason < kGoodbyeReasons, "unknown reason");
      return frame::Goodbye{
          .reason = static_cast<GoodbyeReason>(reason),
          .detail = get_line(goodbye.getDetail(), limits::kMaxReasonBytes, "reason too long")};
    }
    case wire::Frame::ACK:
      return frame::Ack{.received = Sequence(in.getAck().getReceived())};
    case wire::Frame::HEARTBEAT:
      return frame::Heartbeat{.received = Sequence(in.getHeartbeat().getReceived()),
                              .clock_ms = in.getHeartbeat().getClockMs()};
    case wire::Frame::MESSAGE: {
      const auto message = in.getMessage();
      return frame::Message{.sequence = Sequence(message.getSequence()),
                            .received = Sequence(message.getReceived()),
                            .content = get_content(message)};
    }
    case wire::Frame::RDMA_OFFER:
      return get(in.getRdmaOffer());
    case wire::Frame::RDMA_REFUSE:
      return frame::RdmaRefuse{
          .reason = get_line(in.getRdmaRefuse(), limits::kMaxReasonBytes, "reason too long")};
    case wire::Frame::RDMA_READY:
      return frame::RdmaReady{};
    case wire::Frame::RDMA_SWITCH:
      return frame::RdmaSwitch{};
    case wire::Frame::LEASE_REQUEST:
      return get(in.getLeaseRequest());
    case wire::Frame::LEASE_GRANT: {
      const auto grant = in.getLeaseGrant();
      return frame::LeaseGranted{.number = grant.getNumber(),
                                 .lease = LeaseId(grant.getLease()),
                                 .process = ProcessId(grant.getProcess()),
                                 .address = grant.getAddress(),
                                 .key = rdma::RemoteKey(grant.getKey()),
                                 .bytes = grant.getBytes()};
    }
    case wire::Frame::LEASE_RETURN:
      return frame::LeaseReturned{.lease = LeaseId(in.getLeaseReturn())};
    case wire::Frame::CHALLENGE:
      return get(in.getChallenge());
    case wire::Frame::ANSWER:
      return frame::Answer{.proof = get_bytes(in.getAnswer().getProof())};
  }
  throw Invalid{"unknown kind of frame"};
}

}  // namespace

std::expected<FramePrefix, std::string> decode_prefix(std::span<const std::byte> bytes,
                                                      std::uint32_t max_message_bytes) {
  if (bytes.size() < kFramePrefixBytes) return std::unexpected("prefix cut short");
  const FramePrefix prefix{
      .message_bytes = static_cast<std::uint32_t>(load_little_endian(bytes.data(), 4)),
      .flags = static_cast<std::uint32_t>(load_little_endian(bytes.data() + 4, 4)),
      .payload_bytes = load_little_endian(bytes.data() + 8, 8)};
  if (prefix.message_bytes == 0 || prefix.message_bytes % 8 != 0) {
    return std::unexpected("not a frame");
  }
  if (prefix.message_bytes > max_message_bytes) return std::unexpected("message too long");
  if (prefix.flags != 0) return std::unexpected("unknown flags");
  if (prefix.payload_bytes > limits::kMaxPayloadBytes) return std::unexpected("payload too long");
  return prefix;
}

std::expected<Frame, std::string> decode_frame(std::span<const std::byte> message,
                                               std::uint64_t payload_bytes) {
  std::expected<Frame, std::string> frame(std::in_place, std::in_place_type<frame::Message>);
  if (!codec::decode_plain(message, payload_bytes, *std::get_if<frame::Message>(&*frame))) {
    frame = codec::decode_any(message, payload_bytes);
  }
  return frame;
}

std::expected<Frame, std::string> codec::decode_any(std::span<const std::byte> message,
                                                    std::uint64_t payload_bytes) {
  if (message.empty() || message.size() % sizeof(capnp::word) != 0 ||
      message.size() > limits::kMaxMessageBytes) {
    return std::unexpected("message of an impossible size");
  }
  // Payloads of any length lie between frames, so the message may start at any address, and Cap'n
  // Proto needs aligned words. Messages are small, so they are copied.
  thread_local kj::Array<capnp::word> kept;
  const std::size_t count = message.size() / sizeof(capnp::word);
  if (kept.size() < count) kept = kj::heapArray<capnp::word>(count);
  const kj::ArrayPtr<const capnp::word> words = kept.slice(0, count);
  std::memcpy(kept.begin(), message.data(), message.size());

  try {
    capnp::ReaderOptions options;
    // Every part of a message is read once, and each pointer to something empty counts as a word.
    options.traversalLimitInWords = 2 * words.size() + 64;
    options.nestingLimit = limits::kMaxNesting;
    capnp::FlatArrayMessageReader reader(words, options);
    check(reader.getEnd() == words.end(), "bytes left over after the message");
    Frame frame = get_frame(reader.getRoot<wire::Frame>());

    std::uint64_t expected_bytes = 0;
    if (const auto* content = std::get_if<frame::Message>(&frame)) {
      expected_bytes = payload_image_bytes(content->content);
    }
    check(payload_bytes == expected_bytes, "payload of another size than announced");
    if (kept.size() > kMaxKeptWords) kept = nullptr;
    return frame;
  } catch (const Invalid& invalid) {
    return std::unexpected(invalid.what);
  } catch (const kj::Exception& exception) {
    return std::unexpected(std::string("malformed message: ") + exception.getDescription().cStr());
  }
}

}  // namespace netbinder
