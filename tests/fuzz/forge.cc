// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/forge.h"

#include <array>

#include "core/base/uapi.h"

namespace netbinder::fuzz {

namespace {

class Maker {
 public:
  Maker(Input& input, const Forger& forger, const Overheard& heard)
      : input_(input), forger_(forger), heard_(heard) {}

  std::uint64_t one_of(const std::vector<std::uint64_t>& known) {
    const std::uint8_t which = input_.byte();
    if (which >= 0xF0) return input_.any_size();
    return known[known.size() - 1 - which % known.size()];
  }

  HostId host() {
    const std::uint8_t which = input_.byte();
    if (which < 0x60) return forger_.self;
    if (which < 0xC0) return forger_.victim;
    return HostId{which & 7U};
  }

  WireNode wire_node() {
    WireNode wire;
    wire.node.host = host();
    wire.node.incarnation = wire.node.host == forger_.victim ? forger_.victim_incarnation
                            : wire.node.host == forger_.self
                                ? forger_.incarnation
                                : Incarnation{wire.node.host.value() * 1000ULL};
    wire.node.number =
        NodeNumber{wire.node.host == forger_.victim ? one_of(heard_.nodes)
                                                    : std::uint64_t{input_.byte() % 8U}};
    const std::uint8_t what = input_.byte();
    wire.strong = (what & 1) == 0;
    wire.dead = (what & 0x1E) == 0x1E;
    if ((what & 0x20) != 0) wire.handoff = HandoffId{one_of(heard_.handoffs)};
    if (what >= 0xF0) wire.node.incarnation = Incarnation{what};
    return wire;
  }

  PayloadShape shape(std::size_t objects) {
    PayloadShape shape;
    const std::uint8_t what = input_.byte();
    shape.data_size = objects * 40 + std::size_t{what & 7U} * 4;
    shape.offsets_size = objects * 8;
    shape.extra_size = std::size_t{(what >> 3) & 7U} * 16;
    // Only valid shapes, as the codec lets no others through.
    if (what >= 0xF0) shape.data_size = std::uint64_t{what & 15U} << 12;
    if (what >= 0xE8 && what < 0xF0) shape.offsets_size += 8;
    return shape;
  }

  std::vector<WireObject> objects() {
    std::vector<WireObject> objects;
    for (std::uint32_t count = input_.below(5); count > 0; --count) {
      WireObject object{.offset = objects.size() * 40, .content = {}};
      const std::uint8_t what = input_.byte();
      if (what >= 0xF0) object.offset += what & 15U;
      if (what >= 0xE8 && what < 0xF0) object.offset = input_.any_size();
      if (what >= 0xD8 && what < 0xE0) {
        object.content = wire_file_array();
      } else if (what >= 0xE0 && what < 0xE8) {
        object.content = WireFile{file()};
      } else if ((what & 1) == 0) {
        object.content = wire_node();
      } else {
        object.content = wire_buffer((what & 2) != 0);
      }
      objects.push_back(std::move(object));
    }
    return objects;
  }

  WireBuffer wire_buffer(bool has_parent) {
    const std::uint8_t what = input_.byte();
    WireBuffer buffer{.extra_offset = std::uint64_t{what & 7U} * 8,
                      .length = std::uint64_t{(what >> 3) & 7U} * 8,
                      .has_parent = has_parent,
                      .parent_index = 0,
                      .parent_offset = 0};
    if (what >= 0xC0) buffer.length = input_.any_size();
    if (what >= 0xE0) buffer.extra_offset = input_.any_size();
    if (has_parent) {
      buffer.parent_index = input_.any_size();
      buffer.parent_offset = input_.any_size();
    }
    return buffer;
  }

  FileNumber file() { return FileNumber{input_.byte() % 8U}; }

  WireFileArray wire_file_array() {
    const std::uint8_t what = input_.byte();
    WireFileArray array{.parent_index = what & 3U, .parent_offset = (what >> 2) & 7U, .files = {}};
    if (what >= 0xC0) array.parent_offset = input_.any_size();
    for (std::uint32_t count = input_.below(4); count > 0; --count) array.files.push_back(file());
    return array;
  }

  std::uint32_t failure() {
    static constexpr std::array<std::uint32_t, 5> kCommands = {BR_FAILED_REPLY, BR_DEAD_REPLY,
                                                               BR_FROZEN_REPLY, BR_OK, BR_REPLY};
    return kCommands[input_.below(kCommands.size())];
  }

  std::uint32_t acceptance() {
    static constexpr std::array<std::uint32_t, 4> kCommands = {
        BR_TRANSACTION_COMPLETE, kBrTransactionPendingFrozen, BR_ONEWAY_SPAM_SUSPECT,
        BR_FAILED_REPLY};
    return kCommands[input_.below(kCommands.size())];
  }

  std::uint32_t flags() {
    const std::uint8_t what = input_.byte();
    return (what & 1U) | ((what & 2U) != 0 ? kTfClearBuf : 0U) |
           (what >= 0xF0 ? 0xFFFFFFFEU : std::uint32_t{TF_ACCEPT_FDS});
  }

  std::string context() {
    static constexpr std::array<const char*, 4> kNames = {"binder", "binder", "local", "none"};
    return kNames[input_.below(kNames.size())];
  }

  ListNumber list() { return ListNumber{input_.below(4)}; }

  CallAncestors ancestors() {
    CallAncestors ancestors;
    for (std::uint32_t count = input_.below(4); count > 0; --count) {
      ancestors.push_back({.host = host(), .call = CallId{one_of(heard_.calls)}});
    }
    return ancestors;
  }

  std::string security_context() {
    // Never empty: every program has one.
    if (input_.one_in(16)) return std::string(5000, 's');
    return "u:r:forged:s0@host" + std::to_string(forger_.self.value());
  }

  PeerMessage make(std::size_t kind) {
    switch (kind) {
      case 0: {
        peer::Call call;
        call.call = CallId{input_.byte()};
        call.target = NodeNumber{one_of(heard_.nodes)};
        call.code = input_.below(3);
        call.flags = flags();
        call.sender_euid = 1000;
        call.wants_acceptance = call.call.value() % 2 == 0;
        call.nice = static_cast<std::int32_t>(call.call.value()) - 100;
        call.security_context = security_context();
        call.ancestors = ancestors();
        call.trace = TraceId{call.call.value() % 3};
        call.span = SpanId{call.call.value() % 5};
        call.objects = objects();
        call.shape = shape(call.objects.size());
        return call;
      }
      case 1: {
        peer::Reply reply;
        reply.call = CallId{one_of(heard_.calls)};
        reply.flags = flags();
        reply.objects = objects();
        reply.shape = shape(reply.objects.size());
        return reply;
      }
      case 2: {
        peer::CallFailed failed{
            .call = CallId{one_of(heard_.calls)}, .command = failure(), .error = -22};
        failed.queued = failed.command == BR_DEAD_REPLY;
        return failed;
      }
      case 3:
        return peer::CallAccepted{.call = CallId{one_of(heard_.calls)}, .command = acceptance()};
      case 4: {
        const std::uint8_t counts = input_.byte();
        return peer::ReleaseRefs{.node = NodeNumber{one_of(heard_.nodes)},
                                 .strong = counts >= 0xF0 ? input_.any_size() : counts & 3U,
                                 .weak = (counts >> 2) & 3U};
      }
      case 5: {
        const std::uint8_t what = input_.byte();
        const NodeNumber node{what % 8U};
        if (what >= 0xE0) return peer::WatchFreeze{.node = node};
        if (what >= 0xC0) return peer::FreezeState{.node = node, .frozen = (what & 8U) != 0};
        return peer::NodeDied{.node = node};
      }
      case 6:
        return peer::ClaimRef{.node = NodeNumber{one_of(heard_.nodes)},
                              .strong = input_.one_in(2),
                              .introducer = host(),
                              .handoff = HandoffId{one_of(heard_.handoffs)}};
      case 7: {
        peer::ClaimResult result;
        if (!heard_.claims.empty()) {
          const peer::ClaimRef& claim =
              heard_.claims[heard_.claims.size() - 1 - input_.below(heard_.claims.size())];
          result = {.node = claim.node,
                    .strong = claim.strong,
                    .introducer = claim.introducer,
                    .handoff = claim.handoff,
                    .alive = false};
        }
        const std::uint8_t what = input_.byte();
        result.alive = (what & 1) == 0;
        if (what >= 0xF0) result.strong = !result.strong;
        return result;
      }
      case 8:
        if (input_.one_in(8)) return peer::RecipientLost{.recipient = host()};
        if (input_.one_in(12)) return peer::AskIntroductions{};
        if (input_.one_in(12)) return peer::IntroductionsSent{};
        return peer::Introduce{.node = NodeNumber{one_of(heard_.nodes)},
                               .strong = input_.one_in(2),
                               .recipient = host(),
                               .handoff = HandoffId{one_of(heard_.handoffs)}};
      case 9:
        return peer::ClaimContext{.context = context(), .list = list()};
      case 10:
        return peer::ContextClaimResult{
            .context = context(), .granted = input_.one_in(2), .other_list = input_.one_in(8)};
      case 11:
        if (input_.one_in(2)) {
          return peer::ContextHolder{.context = context(),
                                     .holder = host(),
                                     .incarnation = Incarnation{host().value() * 1000ULL},
                                     .holds = input_.one_in(2)};
        }
        if (input_.one_in(2)) return peer::HostList{.number = list(), .newest = list()};
        return peer::ContextReleased{.context = context()};
      case 12:
        return peer::ContextManager{.context = context(), .node = wire_node()};
      default:
        return peer::ServiceManager{.context = context(), .node = wire_node()};
    }
  }

 private:
  Input& input_;
  const Forger& forger_;
  const Overheard& heard_;
};

void tamper_objects(Input& input, Maker& maker, std::vector<WireObject>& objects) {
  if (objects.empty()) return;
  WireObject& object = objects[input.below(objects.size())];
  switch (input.below(5)) {
    case 0:
      object.offset = input.any_size();
      break;
    case 1:
      object.content = maker.wire_node();
      break;
    case 2:
      object.content = maker.wire_buffer(input.one_in(2));
      if (input.one_in(4)) object.content = maker.wire_file_array();
      if (input.one_in(4)) object.content = WireFile{maker.file()};
      break;
    case 3:
      objects.pop_back();
      break;
    default:
      objects.push_back(object);
      break;
  }
}

}  // namespace

PeerMessage forge(Input& input, const Forger& forger, const Overheard& heard) {
  static constexpr std::array<std::uint8_t, 20> kKinds = {0, 0, 0, 0, 1, 1, 1,  2,  3,  4,
                                                          4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
  Maker maker(input, forger, heard);
  return maker.make(kKinds[input.below(kKinds.size())]);
}

void tamper(Input& input, PeerMessage& message, const Forger& forger, const Overheard& heard) {
  Maker maker(input, forger, heard);
  const std::uint32_t what = input.below(6);
  if (auto* call = std::get_if<peer::Call>(&message)) {
    if (what == 0) call->call = CallId{maker.one_of(heard.calls)};
    if (what == 1) call->target = NodeNumber{maker.one_of(heard.nodes)};
    if (what == 2) call->flags ^= TF_ONE_WAY;
    if (what == 3) call->ancestors = maker.ancestors();
    if (what == 4) call->shape = maker.shape(call->objects.size());
    if (what == 5) tamper_objects(input, maker, call->objects);
  } else if (auto* reply = std::get_if<peer::Reply>(&message)) {
    if (what <= 1) reply->call = CallId{maker.one_of(heard.calls)};
    if (what == 2) reply->flags = maker.flags();
    if (what == 3 || what == 4) reply->shape = maker.shape(reply->objects.size());
    if (what == 5) tamper_objects(input, maker, reply->objects);
  } else if (what != 0) {
    message = maker.make(message.index());  // of the same kind, about something else
  } else {
    message = forge(input, forger, heard);
  }
}

}  // namespace netbinder::fuzz
