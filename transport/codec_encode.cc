// SPDX-License-Identifier: Apache-2.0
#include <capnp/message.h>

#include <algorithm>
#include <cstring>

#include "core/base/check.h"
#include "transport/codec.h"
#include "transport/codec_check.h"
#include "transport/limits.h"
#include "transport/plain_messages.h"
#include "transport/protocol.capnp.h"

namespace netbinder {
namespace {

using codec::check;
using codec::Invalid;

// The first segment of every builder of this thread, so that small messages never allocate. It is
// zeroed while no builder uses it.
constexpr std::size_t kScratchWords = 1024;
thread_local capnp::word scratch[kScratchWords];

// As others may put it into a log: one line, and not too long.
std::string cut(const std::string& reason) {
  std::string cut = reason.substr(0, limits::kMaxReasonBytes);
  std::ranges::replace_if(cut, [](char c) { return !printable(c); }, '?');
  return cut;
}

capnp::Text::Reader text(std::string_view value, std::uint32_t max_bytes, const char* what) {
  check(value.size() <= max_bytes, what);
  return {value.data(), value.size()};
}

// Cap'n Proto wants strings that end with a NUL, which part of a longer string does not.
template <typename Init>
void put_text(Init init, std::string_view value) {
  auto builder = init(static_cast<unsigned>(value.size()));
  if (!value.empty()) std::memcpy(builder.begin(), value.data(), value.size());
}

void put(wire::Shape::Builder out, const PayloadShape& shape) {
  check(shape.valid(), "invalid payload shape");
  out.setDataSize(shape.data_size);
  out.setOffsetsSize(shape.offsets_size);
  out.setExtraSize(shape.extra_size);
}

void put(wire::Node::Builder out, const WireNode& node) {
  out.setHost(node.node.host.value());
  out.setIncarnation(node.node.incarnation.value());
  out.setNumber(node.node.number.value());
  out.setStrong(node.strong);
  out.setHandoff(node.handoff.value());
  out.setDead(node.dead);
}

void put(wire::Object::Builder out, const WireObject& object) {
  out.setOffset(object.offset);
  if (const auto* node = std::get_if<WireNode>(&object.content)) {
    auto group = out.initNode();
    group.setHost(node->node.host.value());
    group.setIncarnation(node->node.incarnation.value());
    group.setNumber(node->node.number.value());
    group.setStrong(node->strong);
    group.setHandoff(node->handoff.value());
    group.setDead(node->dead);
  } else if (const auto* buffer = std::get_if<WireBuffer>(&object.content)) {
    auto group = out.initBuffer();
    group.setExtraOffset(buffer->extra_offset);
    group.setLength(buffer->length);
    group.setHasParent(buffer->has_parent);
    group.setParentIndex(buffer->parent_index);
    group.setParentOffset(buffer->parent_offset);
  } else if (const auto* file = std::get_if<WireFile>(&object.content)) {
    out.initFile().setNumber(file->file.value());
  } else {
    const auto& array = std::get<WireFileArray>(object.content);
    check(array.files.size() <= limits::kMaxFilesOfArray, "too many descriptors");
    auto group = out.initFileArray();
    group.setInIndex(array.parent_index);
    group.setInOffset(array.parent_offset);
    auto numbers = group.initNumbers(static_cast<unsigned>(array.files.size()));
    for (unsigned i = 0; i < numbers.size(); ++i) numbers.set(i, array.files[i].value());
  }
}

template <typename Builder>
void put_objects(Builder out, const std::vector<WireObject>& objects, const PayloadShape& shape) {
  if (objects.empty()) return;
  check(objects.size() <= limits::kMaxObjects, "too many objects");
  check(objects.back().offset < shape.data_size, "object outside the data");
  auto list = out.initObjects(static_cast<unsigned>(objects.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    check(i == 0 || objects[i - 1].offset < objects[i].offset, "objects out of order");
    put(list[i], objects[i]);
  }
}

void put(wire::Message::Builder message, const peer::Call& call) {
  auto out = message.initCall();
  out.setCall(call.call.value());
  out.setTarget(call.target.value());
  out.setCode(call.code);
  out.setFlags(call.flags);
  out.setSenderEuid(call.sender_euid);
  out.setNice(call.nice);
  out.setCaller(call.caller.value());
  out.setWantsAcceptance(call.wants_acceptance);
  out.setTrace(call.trace.value());
  out.setSpan(call.span.value());
  if (!call.security_context.empty()) {
    out.setSecurityContext(
        text(call.security_context, limits::kMaxSecurityContextBytes, "security context too long"));
  }
  if (!call.ancestors.empty()) {
    check(call.ancestors.size() <= limits::kMaxAncestors, "too many ancestors");
    auto list = out.initAncestors(static_cast<unsigned>(call.ancestors.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setHost(call.ancestors[i].host.value());
      list[i].setCall(call.ancestors[i].call.value());
    }
  }
  put(out.initShape(), call.shape);
  put_objects(out, call.objects, call.shape);
}

void put(wire::Message::Builder message, const peer::Reply& reply) {
  auto out = message.initReply();
  out.setCall(reply.call.value());
  out.setCode(reply.code);
  out.setFlags(reply.flags);
  out.setSenderEuid(reply.sender_euid);
  out.setCaller(reply.caller.value());
  put(out.initShape(), reply.shape);
  put_objects(out, reply.objects, reply.shape);
}

void put(wire::Message::Builder message, const peer::CallFailed& failed) {
  auto out = message.initCallFailed();
  out.setCall(failed.call.value());
  out.setCommand(failed.command);
  out.setError(failed.error);
  out.setQueued(failed.queued);
}

void put(wire::Message::Builder message, const peer::CallAccepted& accepted) {
  auto out = message.initCallAccepted();
  out.setCall(accepted.call.value());
  out.setCommand(accepted.command);
}

void put(wire::Message::Builder message, const peer::ReleaseRefs& release) {
  auto out = message.initReleaseRefs();
  out.setNode(release.node.value());
  out.setStrong(release.strong);
  out.setWeak(release.weak);
}

void put(wire::Message::Builder message, const peer::NodeDied& died) {
  message.initNodeDied().setNode(died.node.value());
}

void put(wire::Message::Builder message, const peer::ClaimRef& claim) {
  auto out = message.initClaimRef();
  out.setNode(claim.node.value());
  out.setStrong(claim.strong);
  out.setIntroducer(claim.introducer.value());
  out.setHandoff(claim.handoff.value());
}

void put(wire::Message::Builder message, const peer::ClaimResult& result) {
  auto out = message.initClaimResult();
  out.setNode(result.node.value());
  out.setStrong(result.strong);
  out.setIntroducer(result.introducer.value());
  out.setHandoff(result.handoff.value());
  out.setAlive(result.alive);
}

void put(wire::Message::Builder message, const peer::Introduce& introduction) {
  auto out = message.initIntroduce();
  out.setNode(introduction.node.value());
  out.setStrong(introduction.strong);
  out.setRecipient(introduction.recipient.value());
  out.setHandoff(introduction.handoff.value());
}

void put(wire::Message::Builder message, const peer::RecipientLost& lost) {
  message.initRecipientLost().setRecipient(lost.recipient.value());
}

void put(wire::Message::Builder message, const peer::AskIntroductions& /*none*/) {
  message.setAskIntroductions();
}

void put(wire::Message::Builder message, const peer::IntroductionsSent& /*none*/) {
  message.setIntroductionsSent();
}

capnp::Text::Reader context_name(const std::string& name) {
  return text(name, limits::kMaxContextNameBytes, "context name too long");
}

void put(wire::Message::Builder message, const peer::ClaimContext& claim) {
  auto out = message.initClaimContext();
  out.setContext(context_name(claim.context));
  out.setEuid(claim.euid);
  out.setList(claim.list.value());
}

void put(wire::Message::Builder message, const peer::ContextClaimResult& result) {
  auto out = message.initContextClaimResult();
  out.setContext(context_name(result.context));
  out.setGranted(result.granted);
  out.setForbidden(result.forbidden);
  out.setOtherList(result.other_list);
}

void put(wire::Message::Builder message, const peer::ContextReleased& released) {
  message.initContextReleased().setContext(context_name(released.context));
}

void put(wire::Message::Builder message, const peer::ContextHolder& holder) {
  auto out = message.initContextHolder();
  out.setContext(context_name(holder.context));
  out.setHolder(holder.holder.value());
  out.setIncarnation(holder.incarnation.value());
  out.setHolds(holder.holds);
}

void put(wire::Message::Builder message, const peer::ContextManager& manager) {
  auto out = message.initContextManager();
  out.setEuid(manager.euid);
  out.setContext(context_name(manager.context));
  put(out.initNode(), manager.node);
}

void put(wire::Message::Builder message, const peer::ServiceManager& manager) {
  auto out = message.initServiceManager();
  out.setContext(context_name(manager.context));
  put(out.initNode(), manager.node);
}

void put(wire::Message::Builder message, const peer::HostList& list) {
  auto out = message.initHostList();
  out.setNumber(list.number.value());
  out.setNewest(list.newest.value());
}

void put(wire::Message::Builder message, const peer::WatchFreeze& watch) {
  message.initWatchFreeze().setNode(watch.node.value());
}

void put(wire::Message::Builder message, const peer::FreezeState& state) {
  auto out = message.initFreezeState();
  out.setNode(state.node.value());
  out.setFrozen(state.frozen);
}

void put(wire::Message::Builder message, const peer::FileMessage& about) {
  auto out = message.initFile();
  out.setNumber(about.file.value());
  out.setOfReceiver(about.of_receiver);
  if (const auto* offered = std::get_if<peer::FileOffered>(&about.content)) {
    auto offer = out.initOffer();
    offer.setKind(static_cast<wire::File::Kind>(offered->kind));
    offer.setReadable(offered->readable);
    offer.setWritable(offered->writable);
    offer.setNonblocking(offered->nonblocking);
    offer.setPosition(offered->position);
    offer.setSize(offered->size);
    offer.setSameAs(offered->same_as.value());
    offer.setReturns(offered->returns);
  } else if (const auto* data = std::get_if<peer::FileData>(&about.content)) {
    check(data->bytes.size() <= limits::kMaxFileDataBytes, "too much data of a descriptor");
    out.setData(
        kj::arrayPtr(reinterpret_cast<const kj::byte*>(data->bytes.data()), data->bytes.size()));
  } else if (const auto* credit = std::get_if<peer::FileCredit>(&about.content)) {
    out.setCredit(credit->bytes);
  } else {
    out.setEnd(static_cast<wire::File::End>(std::get<peer::FileEnd>(about.content).what));
  }
}

void put(wire::Frame::Builder out, const frame::Hello& hello) {
  auto builder = out.initHello();
  builder.setProtocolVersion(hello.version.value());
  builder.setCluster(text(hello.cluster, limits::kMaxClusterNameBytes, "cluster name too long"));
  builder.setHost(hello.host.value());
  builder.setHostName(text(hello.host_name, limits::kMaxHostNameBytes, "host name too long"));
  builder.setIncarnation(hello.incarnation.value());
  builder.setPeer(hello.peer.value());
  builder.setPeerIncarnation(hello.peer_incarnation.value());
  builder.setSession(hello.session.value());
  builder.setReceived(hello.received.value());
  builder.setNonce(kj::arrayPtr(hello.nonce.data(), hello.nonce.size()));
}

void put(wire::Frame::Builder out, const frame::Challenge& challenge) {
  auto builder = out.initChallenge();
  builder.setHost(challenge.host.value());
  builder.setHostName(text(challenge.host_name, limits::kMaxHostNameBytes, "host name too long"));
  builder.setIncarnation(challenge.incarnation.value());
  builder.setNewestVersion(challenge.newest.value());
  builder.setNonce(kj::arrayPtr(challenge.nonce.data(), challenge.nonce.size()));
}

void put(wire::Frame::Builder out, const frame::Answer& answer) {
  out.initAnswer().setProof(kj::arrayPtr(answer.proof.data(), answer.proof.size()));
}

void put(wire::Frame::Builder out, const frame::Welcome& welcome) {
  auto builder = out.initWelcome();
  builder.setSession(welcome.session.value());
  builder.setReceived(welcome.received.value());
  builder.setProof(kj::arrayPtr(welcome.proof.data(), welcome.proof.size()));
}

void put(wire::Frame::Builder out, const frame::Refuse& refuse) {
  auto builder = out.initRefuse();
  builder.setReason(static_cast<wire::Refuse::Reason>(refuse.reason));
  put_text([&](unsigned n) { return builder.initDetail(n); }, cut(refuse.detail));
}

void put(wire::Frame::Builder out, const frame::Goodbye& goodbye) {
  auto builder = out.initGoodbye();
  builder.setReason(static_cast<wire::Goodbye::Reason>(goodbye.reason));
  put_text([&](unsigned n) { return builder.initDetail(n); }, cut(goodbye.detail));
}

void put(wire::Frame::Builder out, const frame::Ack& ack) {
  out.initAck().setReceived(ack.received.value());
}

void put(wire::Frame::Builder out, const frame::Heartbeat& heartbeat) {
  auto beat = out.initHeartbeat();
  beat.setReceived(heartbeat.received.value());
  beat.setClockMs(heartbeat.clock_ms);
}

void put(wire::Frame::Builder out, const frame::RdmaOffer& offer) {
  auto builder = out.initRdmaOffer();
  const auto& queue_pair = offer.queue_pair;
  builder.setGid(kj::arrayPtr(queue_pair.gid.data(), queue_pair.gid.size()));
  builder.setLid(queue_pair.lid);
  builder.setNumber(queue_pair.number.value());
  builder.setFirstPacket(queue_pair.first_packet);
  builder.setMtuBytes(queue_pair.mtu_bytes);
  builder.setReceives(offer.receives);
  builder.setSegmentBytes(offer.segment_bytes);
}

void put(wire::Frame::Builder out, const frame::RdmaRefuse& refuse) {
  put_text([&](unsigned n) { return out.initRdmaRefuse(n); }, cut(refuse.reason));
}

void put(wire::Frame::Builder out, const frame::RdmaReady& /*ready*/) { out.setRdmaReady(); }

void put(wire::Frame::Builder out, const frame::RdmaSwitch& /*now*/) { out.setRdmaSwitch(); }

void put(wire::Frame::Builder out, const frame::LeaseWanted& wanted) {
  auto builder = out.initLeaseRequest();
  const auto& request = wanted.request;
  builder.setNumber(wanted.number);
  auto recipient = builder.initRecipient();
  if (const auto* node = std::get_if<NodeNumber>(&request.recipient)) {
    recipient.setNode(node->value());
  } else {
    recipient.setCall(std::get<CallId>(request.recipient).value());
  }
  builder.setBytes(request.bytes);
  builder.setContextBytes(request.context_bytes);
  builder.setOneway(request.oneway);
  builder.setAhead(request.ahead);
}

void put(wire::Frame::Builder out, const frame::LeaseGranted& granted) {
  auto builder = out.initLeaseGrant();
  builder.setNumber(granted.number);
  builder.setLease(granted.lease.value());
  builder.setProcess(granted.process.value());
  builder.setAddress(granted.address);
  builder.setKey(granted.key.value());
  builder.setBytes(granted.bytes);
}

void put(wire::Frame::Builder out, const frame::LeaseReturned& returned) {
  out.setLeaseReturn(returned.lease.value());
}

void put_message(wire::Frame::Builder out, Sequence sequence, Sequence received,
                 const PeerMessage& content) {
  auto message = out.initMessage();
  message.setSequence(sequence.value());
  message.setReceived(received.value());
  std::visit([&](const auto& alternative) { put(message, alternative); }, content);
}

void store_little_endian(std::byte* at, std::uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) at[i] = static_cast<std::byte>(value >> (8 * i));
}

// Writes prefix, segment table and segments into the one buffer.
void flatten(capnp::MessageBuilder& builder, std::uint64_t payload_bytes,
             std::vector<std::byte>& out) {
  const auto segments = builder.getSegmentsForOutput();
  const std::size_t table_bytes = (segments.size() / 2 + 1) * 8;
  std::size_t message_bytes = table_bytes;
  for (const auto& segment : segments) message_bytes += segment.size() * sizeof(capnp::word);
  check(message_bytes <= limits::kMaxMessageBytes, "message too long");

  out.clear();
  out.resize(kFramePrefixBytes + message_bytes);
  std::byte* at = out.data();
  store_little_endian(at, message_bytes, 4);
  store_little_endian(at + 4, 0, 4);
  store_little_endian(at + 8, payload_bytes, 8);
  at += kFramePrefixBytes;
  store_little_endian(at, segments.size() - 1, 4);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    store_little_endian(at + 4 + 4 * i, segments[i].size(), 4);
  }
  at += table_bytes;
  for (const auto& segment : segments) {
    const std::size_t bytes = segment.size() * sizeof(capnp::word);
    std::memcpy(at, segment.begin(), bytes);
    at += bytes;
  }
}

template <typename Fill>
std::expected<void, std::string> encode(std::uint64_t payload_bytes, std::vector<std::byte>& out,
                                        Fill fill) {
  // The builder's destructor leaves the scratch segment zeroed for the next one.
  capnp::MallocMessageBuilder builder(kj::arrayPtr(scratch, kScratchWords));
  try {
    fill(builder.initRoot<wire::Frame>());
    flatten(builder, payload_bytes, out);
  } catch (const Invalid& invalid) {
    return std::unexpected(invalid.what);
  }
  return {};
}

}  // namespace

std::expected<void, std::string> encode_message(Sequence sequence, Sequence received,
                                                const PeerMessage& content,
                                                std::uint64_t payload_bytes,
                                                std::vector<std::byte>& out) {
  if (codec::encode_plain(sequence, received, content, payload_bytes, out)) return {};
  return codec::encode_any(sequence, received, content, payload_bytes, out);
}

std::expected<void, std::string> codec::encode_any(Sequence sequence, Sequence received,
                                                   const PeerMessage& content,
                                                   std::uint64_t payload_bytes,
                                                   std::vector<std::byte>& out) {
  return encode(payload_bytes, out, [&](wire::Frame::Builder root) {
    put_message(root, sequence, received, content);
    check(payload_bytes == payload_image_bytes(content), "payload of another size than announced");
  });
}

std::expected<void, std::string> encode_frame(const Frame& frame, std::uint64_t payload_bytes,
                                              std::vector<std::byte>& out) {
  if (const auto* message = std::get_if<frame::Message>(&frame)) {
    return encode_message(message->sequence, message->received, message->content, payload_bytes,
                          out);
  }
  return encode(payload_bytes, out, [&](wire::Frame::Builder root) {
    check(payload_bytes == 0, "payload of another size than announced");
    std::visit(
        [&]<typename T>(const T& alternative) {
          if constexpr (!std::is_same_v<T, frame::Message>) put(root, alternative);
        },
        frame);
  });
}

std::shared_ptr<OutgoingFrame> make_control_frame(const Frame& frame) {
  auto out = std::make_shared<OutgoingFrame>();
  NB_CHECK(encode_frame(frame, 0, out->head).has_value());
  return out;
}

}  // namespace netbinder
